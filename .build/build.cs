#:property PublishAot=false
#:property RequireDocs=false

// Builds the program or builds and tests everything, for ./hipifast and ./test on every system:
//   dotnet run .build/build.cs -- program          build src/HipiFast.Cli, printing nothing but errors and what was left out
//   dotnet run .build/build.cs -- test [ARGS]      build the solution, run every test project (ARGS go to 'dotnet test'), print totals
using System.Diagnostics;
using System.Text;
using System.Xml.Linq;

string root = FindRoot();
string command = args.Length > 0 ? args[0] : string.Empty;
if (command is not ("program" or "test"))
{
    Console.Error.WriteLine("usage: dotnet run .build/build.cs -- program | test [arguments of dotnet test]");
    return 2;
}

string target = command == "program" ? Path.Combine("src", "HipiFast.Cli", "HipiFast.Cli.csproj") : "HipiFast.sln";
(int built, string buildOutput) = Run(["build", target, "-c", "Release", "-v", "quiet", "--nologo"]);
if (built != 0)
{
    Console.Error.Write(buildOutput);
    return 1;
}

// Written by the build of HipiFast.Kernels when it could not build the native library.
string leftOut = Path.Combine("artifacts", "native", "Release", "left-out.txt");
if (File.Exists(Path.Combine(root, leftOut)))
{
    Console.Error.Write(File.ReadAllText(Path.Combine(root, leftOut)));
}

return command == "program" ? 0 : RunTests(args[1..]);

int RunTests(string[] extra)
{
    string results = Path.Combine(root, "artifacts", "test-results");
    if (Directory.Exists(results))
    {
        Directory.Delete(results, recursive: true);
    }

    int passed = 0, failed = 0, skipped = 0;
    bool broken = false;
    foreach (string project in Directory.GetFiles(Path.Combine(root, "tests"), "*.Tests.csproj", SearchOption.AllDirectories).Order())
    {
        string name = Path.GetFileNameWithoutExtension(project);
        Stopwatch watch = Stopwatch.StartNew();
        (int code, string output) = Run(
            [
                "test", project, "-c", "Release", "--no-build", "--nologo",
                "--logger", $"trx;LogFileName={name}.trx", "--results-directory", results, .. extra,
            ]);
        string trx = Path.Combine(results, name + ".trx");
        if (!File.Exists(trx))
        {
            // The host has crashed.
            Console.WriteLine($"{name}: no results");
            Console.WriteLine(output);
            broken = true;
            continue;
        }

        XDocument document = XDocument.Load(trx);
        XNamespace ns = document.Root!.Name.Namespace;
        int projectPassed = 0, projectFailed = 0, projectSkipped = 0;
        foreach (XElement result in document.Descendants(ns + "UnitTestResult"))
        {
            string test = (string)result.Attribute("testName")!;
            string? message = result.Descendants(ns + "Message").FirstOrDefault()?.Value.Trim();
            switch ((string?)result.Attribute("outcome"))
            {
                case "Passed":
                    projectPassed++;
                    break;
                case "NotExecuted":
                    projectSkipped++;
                    Console.WriteLine($"  skipped {test}: {message ?? "no reason given"}");
                    break;
                default:
                    projectFailed++;
                    Console.WriteLine($"  FAILED {test}\n{Indent(message)}\n{Indent(result.Descendants(ns + "StackTrace").FirstOrDefault()?.Value)}");
                    break;
            }
        }

        // The host can also die after some tests passed; then the run, not a test, says so.
        broken |= code != 0 && projectFailed == 0;
        if (code != 0 && projectFailed == 0)
        {
            Console.WriteLine(output);
        }

        Console.WriteLine($"{name}: {projectPassed} passed, {projectFailed} failed, {projectSkipped} skipped in {watch.Elapsed.TotalSeconds:0} s");
        passed += projectPassed;
        failed += projectFailed;
        skipped += projectSkipped;
    }

    // A filter is meant for the .NET tests; without arguments the native library's run too, under sanitizers.
    if (extra.Length == 0)
    {
        bool? native = CheckNative();
        passed += native == true ? 1 : 0;
        failed += native == false ? 1 : 0;
        skipped += native is null ? 1 : 0;
    }

    Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
    return failed > 0 || broken || passed == 0 ? 1 : 0;
}

// The native library's own tests as one test; null when they were left out, with a line that says why.
bool? CheckNative()
{
    string? missing = OperatingSystem.IsWindows() ? "sanitizers are run on Linux and macOS only" : null;
    foreach (string[] tools in (string[][])[["cmake"], ["c++", "g++", "clang++"]])
    {
        missing ??= tools.Any(IsOnPath) ? null : $"{string.Join(" or ", tools)} was not found";
    }

    if (missing is not null)
    {
        Console.WriteLine($"  skipped native/check.sh: {missing}");
        return null;
    }

    Stopwatch watch = Stopwatch.StartNew();
    (int code, string output) = RunProgram("sh", [Path.Combine("native", "check.sh")]);
    Console.WriteLine(code == 0 ? $"native/check.sh: passed in {watch.Elapsed.TotalSeconds:0} s" : $"  FAILED native/check.sh\n{Indent(output)}");
    return code == 0;
}

static bool IsOnPath(string tool) => (Environment.GetEnvironmentVariable("PATH") ?? string.Empty)
    .Split(Path.PathSeparator).Any(folder => folder.Length > 0 && File.Exists(Path.Combine(folder, tool)));

(int ExitCode, string Output) Run(string[] arguments) => RunProgram("dotnet", arguments);

(int ExitCode, string Output) RunProgram(string program, string[] arguments)
{
    ProcessStartInfo start = new(program, arguments)
    {
        WorkingDirectory = root,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };
    start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
    start.Environment["DOTNET_NOLOGO"] = "1";
    StringBuilder output = new();
    using Process process = Process.Start(start)!;
    DataReceivedEventHandler collect = (_, line) =>
    {
        if (line.Data is null)
        {
            return;
        }

        lock (output)
        {
            output.AppendLine(line.Data);
        }
    };
    process.OutputDataReceived += collect;
    process.ErrorDataReceived += collect;
    process.BeginOutputReadLine();
    process.BeginErrorReadLine();
    process.WaitForExit();
    return (process.ExitCode, output.ToString());
}

static string Indent(string? text) => text is null ? string.Empty : "    " + text.Trim().ReplaceLineEndings("\n    ");

static string FindRoot()
{
    DirectoryInfo? directory = new(Directory.GetCurrentDirectory());
    while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "HipiFast.sln")))
    {
        directory = directory.Parent;
    }

    return directory?.FullName ?? throw new InvalidOperationException("Run this from inside the repository: HipiFast.sln was not found.");
}

#:property PublishAot=false
#:property RunAnalyzers=false
#:property EnforceCodeStyleInBuild=false
#:property RestorePackagesWithLockFile=false

// Builds everything and runs every test that can run here, for ./test on every system:
//   dotnet run .build/test.cs -- [ARGS]      ARGS go to 'dotnet test', --filter for example
// Test projects run side by side, as many at a time as two cores each allow and at least two, because some use one core;
// those that took longest the last time first; native/check.sh beside them.
// Those that emulate a device's threads keep to one core: they wait for each other at every barrier, and between two
// cores take twice the time. They are built first, and run while everything else is: a build leaves cores idle, as does
// native/check.sh at its lower priority.
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Xml.Linq;

string root = FindRoot();
string artifacts = Path.Combine(root, "artifacts"), results = Path.Combine(artifacts, "test-results");
string times = Path.Combine(artifacts, "test-seconds.txt");

// Until times were measured here, what is known to be longest comes first.
string[] longest =
[
    "HipiFast.Kernels.Ilgpu.Tests", "HipiFast.Kernels.Cuda.Tests", "HipiFast.Cli.Tests", "HipiFast.Kernels.Tests",
    "HipiFast.Hostile.Tests", "HipiFast.Native.Tests", "HipiFast.TorchSharp.Tests", "HipiFast.Benchmarking.Tests", "HipiFast.Tests",
];

const string EmulatedThreads = "HipiFast.Kernels.Ilgpu.Tests";
string[] onOneCore = OnOneCore();

Lock console = new();
Stopwatch total = Stopwatch.StartNew();
ConcurrentDictionary<string, double> seconds = ReadTimes();
ConcurrentBag<Totals> all = [];
if (Directory.Exists(results))
{
    Directory.Delete(results, recursive: true);
}

Console.WriteLine("building, and testing what is built ...");

// A filter is meant for the .NET tests; without arguments the native library's run too, under sanitizers.
Task<Totals> native = args.Length > 0 ? Task.FromResult(default(Totals)) : Task.Run(CheckNative);
string early = Path.Combine("tests", EmulatedThreads, EmulatedThreads + ".csproj");
if (!Build(early))
{
    return 1;
}

Task emulated = Task.Run(() => all.Add(Test(Path.Combine(root, early))));
bool isBuilt = Build("HipiFast.sln");
Run("dotnet", ["build-server", "shutdown", "--vbcscompiler"]);
if (!isBuilt)
{
    emulated.Wait();
    return 1;
}

// Written by the build of HipiFast.Kernels when it could not build the native library.
string leftOut = Path.Combine(artifacts, "native", "Release", "left-out.txt");
if (File.Exists(leftOut))
{
    Console.Error.Write(File.ReadAllText(leftOut));
}

Console.WriteLine($"built in {total.Elapsed.TotalSeconds:0} s; testing ...");
string[] projects =
[
    .. Directory.GetFiles(Path.Combine(root, "tests"), "*.Tests.csproj", SearchOption.AllDirectories)
        .Where(path => Path.GetFileNameWithoutExtension(path) != EmulatedThreads)
        .OrderByDescending(
            path => Expected(Path.GetFileNameWithoutExtension(path))).ThenBy(path => path, StringComparer.Ordinal),
];

// What runs already takes the first place.
Parallel.ForEach(
    Partitioner.Create([emulated, .. projects.Select(TestLater)], EnumerablePartitionerOptions.NoBuffering),
    new ParallelOptions { MaxDegreeOfParallelism = Math.Max(2, Environment.ProcessorCount / 2) },
    test =>
    {
        if (test.Status == TaskStatus.Created)
        {
            test.RunSynchronously();
        }

        test.Wait();
    });
all.Add(native.Result);
if (args.Length == 0)
{
    File.WriteAllLines(
        times, seconds.Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Key} {entry.Value:0.0}")));
}

Totals sum = all.Aggregate((a, b) => a + b);
Console.WriteLine($"{total.Elapsed.TotalSeconds:0} s in all");
Console.WriteLine($"{sum.Passed} passed, {sum.Failed} failed, {sum.Skipped} skipped");
return sum.Failed > 0 || sum.Broken || sum.Passed == 0 ? 1 : 0;

// One compiler for all projects, whatever the environment says: starting one for each takes most of the time.
bool Build(string what)
{
    (int code, string output) = Run(
        "dotnet", ["build", what, "-c", "Release", "-v", "quiet", "--nologo", "-p:UseSharedCompilation=true"]);
    if (code != 0)
    {
        Console.Error.Write(output);
    }

    return code == 0;
}

Task TestLater(string project) => new(() => all.Add(Test(project)));

Totals Test(string project)
{
    string name = Path.GetFileNameWithoutExtension(project);
    string assembly = Path.Combine(Path.GetDirectoryName(project)!, "bin", "Release", "net10.0", name + ".dll");
    Stopwatch watch = Stopwatch.StartNew();
    string[] command =
    [
        "dotnet", "test", assembly, "--nologo", "--logger", $"trx;LogFileName={name}.trx", "--results-directory",
        results, .. args
    ];
    if (name == EmulatedThreads)
    {
        command = [.. onOneCore, .. command];
    }

    (int code, string output) = Run(command[0], command[1..]);
    seconds[name] = watch.Elapsed.TotalSeconds;
    string trx = Path.Combine(results, name + ".trx");
    StringBuilder report = new();
    Totals found = default;
    if (File.Exists(trx))
    {
        XDocument document = XDocument.Load(trx);
        XNamespace ns = document.Root!.Name.Namespace;
        foreach (XElement result in document.Descendants(ns + "UnitTestResult"))
        {
            string test = (string)result.Attribute("testName")!;
            string? message = result.Descendants(ns + "Message").FirstOrDefault()?.Value.Trim();
            switch ((string?)result.Attribute("outcome"))
            {
                case "Passed":
                    found.Passed++;
                    break;
                case "NotExecuted":
                    found.Skipped++;
                    report.AppendLine($"  skipped {test}: {message ?? "no reason given"}");
                    break;
                default:
                    found.Failed++;
                    report.AppendLine(
                        $"  FAILED {test}\n{Indent(message)}\n"
                        + Indent(result.Descendants(ns + "StackTrace").FirstOrDefault()?.Value));
                    break;
            }
        }
    }

    // The host can also die, before the first test or after some passed; then the run, not a test, says so.
    found.Broken = !File.Exists(trx) || (code != 0 && found.Failed == 0);
    if (found.Broken)
    {
        report.AppendLine(output);
    }

    report.Append(
        $"{name}: {found.Passed} passed, {found.Failed} failed, {found.Skipped} skipped in "
        + $"{watch.Elapsed.TotalSeconds:0} s");
    Say(report.ToString());
    return found;
}

// The native library's own tests as one test; skipped, with a line that says why, where they cannot run.
Totals CheckNative()
{
    string? missing = OperatingSystem.IsWindows() ? "sanitizers are run on Linux and macOS only" : null;
    foreach (string[] tools in (string[][])[["cmake"], ["c++", "g++", "clang++"]])
    {
        missing ??= tools.Any(tool => FindProgram(tool) is not null) ? null : $"{string.Join(" or ", tools)} was not found";
    }

    if (missing is not null)
    {
        Say($"  skipped native/check.sh: {missing}");
        return new Totals { Skipped = 1 };
    }

    Stopwatch watch = Stopwatch.StartNew();
    string[] command = [.. FindProgram("nice") is null ? (string[])[] : ["nice", "-n", "10"], "sh", Path.Combine("native", "check.sh")];
    (int code, string output) = Run(command[0], command[1..]);
    Say(
        code == 0
            ? $"native/check.sh: passed in {watch.Elapsed.TotalSeconds:0} s"
            : $"  FAILED native/check.sh\n{Indent(output)}");
    return code == 0 ? new Totals { Passed = 1 } : new Totals { Failed = 1 };
}

void Say(string text)
{
    lock (console)
    {
        Console.WriteLine(text);
    }
}

double Expected(string name) =>
    seconds.TryGetValue(name, out double measured)
        ? measured
        : longest.Contains(name)
        ? 1000 - Array.IndexOf(longest, name)
        : 0;

// Lines that a run which was stopped has left torn say nothing.
ConcurrentDictionary<string, double> ReadTimes()
{
    ConcurrentDictionary<string, double> read = [];
    foreach (string line in File.Exists(times) ? File.ReadAllLines(times) : [])
    {
        if (line.Split(' ') is [string name, string text]
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value))
        {
            read[name] = value;
        }
    }

    return read;
}

// Full path of a program of the search path, whose relative entries are passed over: one of the current directory is
// never started.
static string? FindProgram(string name) => (Environment.GetEnvironmentVariable("PATH") ?? string.Empty)
    .Split(Path.PathSeparator)
    .Select(folder => Path.Combine(folder.Trim('"'), OperatingSystem.IsWindows() ? name + ".exe" : name))
    .FirstOrDefault(path => Path.IsPathFullyQualified(path) && File.Exists(path));

(int ExitCode, string Output) Run(string program, string[] arguments)
{
    ProcessStartInfo start = new(
        FindProgram(program) ?? throw new FileNotFoundException(
            $"'{program}' was not found in any of the folders that PATH names in full."),
        arguments)
    {
        WorkingDirectory = root,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };
    start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
    start.Environment["DOTNET_NOLOGO"] = "1";

    // Measuring what to optimise costs processes that live for seconds more than they get back.
    start.Environment["DOTNET_TieredPGO"] = "0";
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

// The command that keeps another to the last of the cores that this process may use; empty where that cannot be said.
static string[] OnOneCore()
{
    const string Allowed = "Cpus_allowed_list:";
    if (!OperatingSystem.IsLinux() || FindProgram("taskset") is not string taskset)
    {
        return [];
    }

    // Cores as in "0-3,8".
    string? line = File.ReadLines("/proc/self/status").FirstOrDefault(
        line => line.StartsWith(Allowed, StringComparison.Ordinal));
    return line is null ? [] : [taskset, "--cpu-list", line[Allowed.Length..].Trim().Split(',', '-')[^1]];
}

static string Indent(string? text) => text is null ? string.Empty : "    " + text.Trim().ReplaceLineEndings("\n    ");

static string FindRoot()
{
    DirectoryInfo? directory = new(Directory.GetCurrentDirectory());
    while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "HipiFast.sln")))
    {
        directory = directory.Parent;
    }

    return directory?.FullName ?? throw new InvalidOperationException(
        "Run this from inside the repository: HipiFast.sln was not found.");
}

/// <summary>How many tests ended how, and whether a run broke off.</summary>
struct Totals
{
    public int Passed, Failed, Skipped;
    public bool Broken;

    public static Totals operator +(Totals a, Totals b) => new()
    {
        Passed = a.Passed + b.Passed, Failed = a.Failed + b.Failed, Skipped = a.Skipped + b.Skipped,
        Broken = a.Broken || b.Broken,
    };
}

using System.Diagnostics;
using System.Reflection;
using HipiFast.Testing;

namespace HipiFast.Packages.Tests;

/// <summary>
/// The packages of the build that the tests belong to, packed into a folder outside the repository, which is the only
/// feed there.
/// </summary>
public sealed class PackedFeed : IDisposable
{
    /// <summary>A version that no cache of this machine has.</summary>
    public const string Version = "0.1.0-test";

    private readonly TemporaryDirectory _directory = new();

    public PackedFeed()
    {
        Directory.CreateDirectory(Feed);
        File.WriteAllText(
            _directory["NuGet.config"],
            $"<configuration><packageSources><clear /><add key=\"folder\" value=\"{Feed}\" /></packageSources>"
            + "</configuration>");
        Succeed(
            Repository.Root, "pack", "HipiFast.sln", "--no-build", "-c", Configuration, "-o", Feed, "-v", "quiet",
            "--nologo", $"-p:Version={Version}");
    }

    /// <summary>The configuration that the tests were built in.</summary>
    public static string Configuration { get; } =
        typeof(PackedFeed).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    /// <summary>The folder of packages.</summary>
    public string Feed => _directory["feed"];

    /// <summary>Path of a file of the folder that everything lies in.</summary>
    public string this[string name] => _directory[name];

    /// <summary>Runs <c>dotnet</c>, which must succeed.</summary>
    /// <returns>What it printed.</returns>
    public static string Succeed(string folder, params string[] arguments)
    {
        ProcessResult result = Run(ChildProgram.Dotnet, folder, arguments);
        Assert.True(result.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}: {result.Output}{result.Error}");
        return result.Output;
    }

    /// <summary>Runs a program.</summary>
    public static ProcessResult Run(string program, string folder, params string[] arguments)
    {
        ProcessStartInfo start = new(ChildProgram.At(program), arguments) { WorkingDirectory = folder };
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";

        // A tool's own program looks for the runtime where the tests have theirs.
        FileSystemInfo? dotnet = new FileInfo(ChildProgram.Dotnet).ResolveLinkTarget(returnFinalTarget: true);
        start.Environment["DOTNET_ROOT"] = Path.GetDirectoryName(dotnet?.FullName ?? ChildProgram.Dotnet);
        using ChildProcess process = new(start);
        return process.End();
    }

    public void Dispose() => _directory.Dispose();
}

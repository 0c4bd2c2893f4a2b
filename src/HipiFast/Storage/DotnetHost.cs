using System.Runtime.InteropServices;

namespace HipiFast.Storage;

/// <summary>
/// Where the <c>dotnet</c> is that child processes are started with: always a full path, as a bare name would be looked
/// for in the current directory before the search path.
/// </summary>
internal static class DotnetHost
{
    private static readonly string s_name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";

    /// <summary>
    /// Finds it: the one that runs this process, or that whose runtime does, or the first of the search path.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    public static string Find() =>
        Candidates().FirstOrDefault(path => Path.IsPathFullyQualified(path) && File.Exists(path))
        ?? throw new FileNotFoundException("'dotnet' was not found; it takes the .NET 10 SDK or runtime.");

    private static IEnumerable<string> Candidates()
    {
        yield return Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? string.Empty;
        if (Environment.ProcessPath is string process && Path.GetFileName(process) == s_name)
        {
            yield return process;
        }

        // ROOT/shared/Microsoft.NETCore.App/VERSION/
        yield return Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", s_name));
        foreach (
            string folder in (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator))
        {
            yield return Path.Combine(folder, s_name);
        }
    }
}

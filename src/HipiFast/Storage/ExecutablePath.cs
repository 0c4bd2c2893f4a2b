using System.Runtime.InteropServices;

namespace HipiFast.Storage;

/// <summary>
/// Where a program lies that is started as a child process: always a full path. A bare name would be looked for in the
/// current directory before the search path, and an entry of that path may itself be relative.
/// </summary>
internal static class ExecutablePath
{
    private const string DotnetName = "dotnet";

    /// <summary>
    /// The <c>dotnet</c> that runs this process, or that whose runtime does, or the first of the search path.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    public static string Dotnet() => DotnetCandidates().FirstOrDefault(IsProgram) ?? Find(DotnetName);

    /// <summary>The first program of a name on the search path, whose relative entries are passed over.</summary>
    /// <param name="name">Name without folder, and on Windows without <c>.exe</c>.</param>
    /// <returns>A full path.</returns>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    public static string Find(string name) =>
        Find(name, Environment.GetEnvironmentVariable("PATH")) ?? throw new FileNotFoundException(
            $"'{name}' was not found in any of the folders that PATH names in full"
            + (name == DotnetName ? "; it takes the .NET 10 SDK or runtime." : "."));

    /// <summary><see cref="Find(string)"/> on a given search path; null when there is none.</summary>
    internal static string? Find(string name, string? searchPath)
    {
        string file = FileName(name);
        return (searchPath ?? string.Empty).Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder.Trim('"'), file)).FirstOrDefault(IsProgram);
    }

    private static IEnumerable<string> DotnetCandidates()
    {
        yield return Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? string.Empty;
        if (Environment.ProcessPath is string process && Path.GetFileName(process) == FileName(DotnetName))
        {
            yield return process;
        }

        // ROOT/shared/Microsoft.NETCore.App/VERSION/
        yield return Path.GetFullPath(
            Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", FileName(DotnetName)));
    }

    private static string FileName(string name) => OperatingSystem.IsWindows() ? name + ".exe" : name;

    private static bool IsProgram(string path) =>
        Path.IsPathFullyQualified(path) && File.Exists(path)
        && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & (
            UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0);
}

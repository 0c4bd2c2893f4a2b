using System.Diagnostics;
using System.Text.RegularExpressions;
using HipiFast.Storage;

namespace HipiFast.Cli;

/// <summary>Builds plug-ins of the repository that the program lies in, with the .NET SDK that runs it.</summary>
/// <param name="folder">Where plug-ins lie.</param>
internal sealed partial class PluginBuilder(PluginFolder folder)
{
    private const int RetryMilliseconds = 200;

    /// <summary>Whether there is a repository to build from.</summary>
    public bool CanBuild => folder.Repository is not null;

    /// <summary>
    /// Whether building was tried in vain since the program was built, so that what nobody asked for by name is not
    /// tried at every start.
    /// </summary>
    /// <param name="component">The plug-in.</param>
    /// <returns>True when it was.</returns>
    public bool HasFailed(OptionalComponent component)
    {
        string log = LogOf(component);
        return File.Exists(log) && File.GetLastWriteTimeUtc(log) > File.GetLastWriteTimeUtc(
            typeof(PluginBuilder).Assembly.Location);
    }

    /// <summary>Builds a plug-in; another process that builds at the same time is waited for.</summary>
    /// <param name="component">The plug-in.</param>
    /// <returns>Why it could not be built, in a few words; null when it was.</returns>
    public string? Build(OptionalComponent component)
    {
        try
        {
            return BuildAlone(component);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Such as a repository that may not be written: the plug-in may be one that nobody asked for.
            return FileMessages.Reason(error);
        }
    }

    private string? BuildAlone(OptionalComponent component)
    {
        using DirectoryLock hold = Hold(folder.Root);
        if (folder.Find(component.Assembly, out _) is not null)
        {
            return null;
        }

        string log = LogOf(component);
        ProcessStartInfo start = new(
            ExecutablePath.Dotnet(),
            [
                "build", Path.Combine(folder.Repository!, component.Project!), "-c", PluginFolder.Configuration, "-v",
                "quiet", "--nologo",
                "-p:RunAnalyzers=false", "-p:EnforceCodeStyleInBuild=false", "-nodeReuse:false",
            ])
        {
            WorkingDirectory = folder.Repository,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd() + error.Result;
            process.WaitForExit();
            if (process.ExitCode == 0)
            {
                File.Delete(log);
                return null;
            }

            File.WriteAllText(log, output);
            return $"{FirstError(output)} (see {log})";
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            return $"'{start.FileName}' cannot be started ({error.Message})";
        }
    }

    private string LogOf(OptionalComponent component) => Path.Combine(folder.Root, component.Assembly + ".log");

    private static DirectoryLock Hold(string directory)
    {
        while (true)
        {
            if (DirectoryLock.TryTake(directory) is DirectoryLock hold)
            {
                return hold;
            }

            Thread.Sleep(RetryMilliseconds);
        }
    }

    private static string FirstError(string output)
    {
        Match error = ErrorPattern().Match(output);
        return error.Success ? error.Groups[1].Value.TrimEnd('.') : "the build failed";
    }

    // "FILE : error NU1101: SENTENCE [PROJECT]".
    [GeneratedRegex(@": error ?\w*: (.+?)(?: \[[^\[\]]*\])?\r?$", RegexOptions.Multiline)]
    private static partial Regex ErrorPattern();
}

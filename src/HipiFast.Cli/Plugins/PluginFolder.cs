using System.Reflection;
using HipiFast.Storage;

namespace HipiFast.Cli;

/// <summary>
/// Where plug-ins lie, each in a folder of its assembly's name: <c>plugins</c> beside the program, or else
/// <c>artifacts/plugins/CONFIGURATION</c> of the repository that the program lies in, where its build puts them.
/// </summary>
/// <param name="program">Folder of the program.</param>
internal sealed class PluginFolder(string program)
{
    private const string Packed = "plugins";
    private const string Solution = "HipiFast.sln";

    /// <summary>The folder for this process.</summary>
    public static PluginFolder OfProgram { get; } = new(AppContext.BaseDirectory);

    /// <summary>The configuration that the program was built in; plug-ins are built in the same.</summary>
    public static string Configuration { get; } =
        typeof(PluginFolder).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()?.Configuration ?? "Release";

    /// <summary>
    /// Root of the repository that the program lies in; null where it lies in none, or brings its plug-ins along.
    /// </summary>
    public string? Repository { get; } = Directory.Exists(Path.Combine(program, Packed))
        ? null
        : FindRepository(program);

    /// <summary>The folder, whether it is there or not.</summary>
    public string Root =>
        Repository is null
            ? Path.Combine(program, Packed)
            : Path.Combine(Repository, "artifacts", "plugins", Configuration);

    /// <summary>Finds a plug-in.</summary>
    /// <param name="name">Name of its assembly.</param>
    /// <param name="reason">Why it cannot be used, in a few words; empty where it can.</param>
    /// <returns>
    /// Path of its assembly; null where it is not there, or was built from other sources than the program.
    /// </returns>
    public string? Find(string name, out string reason)
    {
        string folder = Path.Combine(Root, name), assembly = Path.Combine(folder, name + ".dll");
        if (!File.Exists(assembly))
        {
            reason = "not built";
            return null;
        }

        try
        {
            // What both have is the program's when it is loaded. A plug-in that was compiled against another build of
            // it may miss members.
            foreach (string copy in Directory.EnumerateFiles(folder, "HipiFast*.dll"))
            {
                string own = Path.Combine(program, Path.GetFileName(copy));
                if (File.Exists(own) && !File.ReadAllBytes(own).AsSpan().SequenceEqual(File.ReadAllBytes(copy)))
                {
                    reason = "not built from the program's sources";
                    return null;
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            reason = "not readable: " + FileMessages.Reason(error);
            return null;
        }

        reason = string.Empty;
        return assembly;
    }

    private static string? FindRepository(string program)
    {
        DirectoryInfo? directory = new(program);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, Solution)))
        {
            directory = directory.Parent;
        }

        return directory?.FullName;
    }
}

namespace HipiFast.Cli;

/// <summary>A part of the program that is loaded at run time.</summary>
/// <param name="Assembly">Its name without <c>.dll</c>.</param>
/// <param name="Provides">What it adds.</param>
/// <param name="Name">Name of the backend or learner.</param>
/// <param name="Project">
/// Folder of its project in the repository, for a plug-in, which is built when it is first asked for; null for a part
/// that comes with the program.
/// </param>
/// <param name="Fetches">What building a plug-in fetches, for the line that says so.</param>
/// <param name="Beside">
/// Package that its own, of the assembly's name, leaves to the user to choose; empty for none.
/// </param>
internal sealed record OptionalComponent(
    string Assembly, string Provides, string Name, string? Project = null, string Fetches = "",
    string Beside = "")
{
    /// <summary>What <see cref="Provides"/> is for a backend.</summary>
    public const string Backend = "backend";

    /// <summary>What <see cref="Provides"/> is for a learner.</summary>
    public const string Learner = "learner";

    /// <summary>What <see cref="Provides"/> is for formats of files.</summary>
    public const string Formats = "formats";

    /// <summary>Whether it is loaded and registered.</summary>
    public bool IsLoaded { get; set; }

    /// <summary>How it was found, in a few words.</summary>
    public string Status { get; set; } = "not looked for";

    /// <summary>What to do where a plug-in is not there and cannot be built, in a few words.</summary>
    /// <param name="folder">Where plug-ins lie.</param>
    public string HowToInstall(string folder)
    {
        string version = typeof(OptionalComponent).Assembly.GetName().Version!.ToString(3);
        string packages = Beside.Length == 0
            ? $"package {Assembly} {version}"
            : $"packages {Assembly} {version} and {Beside}";
        return $"'dotnet publish' a project with the {packages} to '{Path.Combine(folder, Assembly)}'";
    }

    /// <summary>What asks for it: an option, or a file.</summary>
    public string Option => Provides == Formats ? $"a file of {Name}" : $"--{Provides} {Name}";

    /// <summary>
    /// Whether a backend's name is that of one of its backends: its own, or that with a suffix (<c>-bf16</c>).
    /// </summary>
    /// <param name="backend">Name of a backend or a family of them.</param>
    /// <returns>True when it is.</returns>
    public bool HasBackend(string backend) =>
        Provides == Backend && (backend == Name || backend.StartsWith(Name + "-", StringComparison.Ordinal));
}

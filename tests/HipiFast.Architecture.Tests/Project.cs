using System.Xml.Linq;
using HipiFast.Testing;

namespace HipiFast.Architecture.Tests;

/// <summary>A project file of the repository, and what it says.</summary>
internal sealed class Project
{
    private readonly XDocument _document;

    private Project(string file)
    {
        File = file;
        _document = XDocument.Load(file);
    }

    /// <summary>Every project but those that builds have left behind.</summary>
    public static IReadOnlyList<Project> All { get; } =
        [.. new[] { "src", "kernels", "bench", "tests", "docs" }.SelectMany(ProjectsBelow)];

    /// <summary>Full path of the project file.</summary>
    public string File { get; }

    /// <summary>Name of the project and of its assembly.</summary>
    public string Name => Path.GetFileNameWithoutExtension(File);

    /// <summary>Full path of the folder.</summary>
    public string Folder => Path.GetDirectoryName(File)!;

    /// <summary>The folder below the root that it lies in, such as <c>src</c>.</summary>
    public string Part => Path.GetRelativePath(Repository.Root, File).Split(Path.DirectorySeparatorChar)[0];

    /// <summary>Full paths of the projects that it refers to, whether at run time or only while it is built.</summary>
    public IEnumerable<(string File, bool IsLinked)> References => _document.Descendants("ProjectReference")
        .Where(reference => reference.Attribute("Include") is not null)
        .Select(reference => (Resolve(reference), (string?)reference.Attribute("ReferenceOutputAssembly") != "false"));

    /// <summary>Every path that the project file names as a source to compile, full.</summary>
    public IEnumerable<string> Compiled => _document.Descendants("Compile")
        .Where(item => item.Attribute("Include") is not null)
        .SelectMany(item => ((string)item.Attribute("Include")!).Split(';'))
        .Select(path => Path.GetFullPath(Path.Combine(Folder, Normalize(path))));

    /// <summary>Source files in the project's folder.</summary>
    public IEnumerable<string> Sources => Directory.EnumerateFiles(Folder, "*.cs", SearchOption.AllDirectories)
        .Where(file => !IsBuilt(file));

    /// <summary>The whole project file.</summary>
    public string Text => System.IO.File.ReadAllText(File);

    /// <summary>A project by its name.</summary>
    public static Project Named(string name) => All.Single(project => project.Name == name);

    private static IEnumerable<Project> ProjectsBelow(string part)
    {
        string folder = Path.Combine(Repository.Root, part);
        return !Directory.Exists(folder)
            ? []
            : Directory.EnumerateFiles(folder, "*.csproj", SearchOption.AllDirectories)
                .Where(file => !IsBuilt(file)).Order().Select(file => new Project(file));
    }

    private static bool IsBuilt(string file) =>
        Path.GetRelativePath(Repository.Root, file).Split(Path.DirectorySeparatorChar).Any(
            part => part is "bin" or "obj");

    private static string Normalize(string path) => path.Replace('\\', Path.DirectorySeparatorChar);

    private string Resolve(XElement reference) =>
        Path.GetFullPath(Path.Combine(Folder, Normalize((string)reference.Attribute("Include")!)));
}

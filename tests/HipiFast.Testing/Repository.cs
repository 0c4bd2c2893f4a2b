namespace HipiFast.Testing;

/// <summary>The repository that the tests were built in.</summary>
public static class Repository
{
    /// <summary>Its root: the folder of the solution above the tests' own.</summary>
    public static string Root { get; } = Find();

    /// <summary>
    /// The assembly that the build which these tests come from has made of a project; fails when there is none.
    /// </summary>
    /// <param name="project">The project's file.</param>
    /// <returns>The one beside the tests, or that in the project's own output, or in the plug-in's folder.</returns>
    public static string AssemblyOf(string project)
    {
        // Test project, bin, configuration, framework.
        string[] own = Path.GetRelativePath(Path.Combine(Root, "tests"), AppContext.BaseDirectory).Split(
            Path.DirectorySeparatorChar);
        string name = Path.GetFileNameWithoutExtension(project), file = name + ".dll";
        string? found = new[]
        {
            Path.Combine(AppContext.BaseDirectory, file),
            Path.Combine([Path.GetDirectoryName(project)!, .. own[1..], file]),
            Path.Combine(Root, "artifacts", "plugins", own[2], name, file),
        }.FirstOrDefault(File.Exists);
        Assert.True(found is not null, $"{name} was not built; build the whole solution.");
        return found;
    }

    private static string Find()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "HipiFast.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("The tests do not lie in the repository.");
    }
}

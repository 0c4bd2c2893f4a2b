using HipiFast.Storage;

namespace HipiFast.Testing;

/// <summary>
/// Full paths of the programs that tests start, so that none is taken from whatever directory they run in.
/// </summary>
public static class ChildProgram
{
    /// <summary>The <c>dotnet</c> that runs the tests.</summary>
    public static string Dotnet => ExecutablePath.Dotnet();

    /// <summary>A program of the search path.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    public static string Find(string name) => ExecutablePath.Find(name);

    /// <summary>A program that a test has put somewhere.</summary>
    /// <param name="path">Its full path.</param>
    public static string At(string path)
    {
        Assert.True(Path.IsPathFullyQualified(path), $"{path} is no full path.");
        return path;
    }
}

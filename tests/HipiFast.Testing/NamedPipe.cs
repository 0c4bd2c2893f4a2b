using System.Diagnostics;

namespace HipiFast.Testing;

/// <summary>Pipes that have a place in the file system, as Unix has them.</summary>
public static class NamedPipe
{
    /// <summary>Makes one.</summary>
    /// <param name="path">Where.</param>
    /// <returns>The same path.</returns>
    public static string Create(string path)
    {
        using Process process = Process.Start(ChildProgram.Find("mkfifo"), path);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return path;
    }
}

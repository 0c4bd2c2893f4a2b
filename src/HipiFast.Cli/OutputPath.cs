namespace HipiFast.Cli;

/// <summary>Finds out before long work, not after it, that a result cannot be written.</summary>
internal static class OutputPath
{
    /// <summary>Throws when a file cannot be made beside the path.</summary>
    /// <param name="path">Where a result will go.</param>
    /// <exception cref="IOException">One sentence with the path and the reason.</exception>
    public static void RequireWritable(string path)
    {
        string full = Path.GetFullPath(path), directory = Path.GetDirectoryName(full) ?? full;
        if (Directory.Exists(full))
        {
            throw new IOException($"'{path}' cannot be written: it is a directory.");
        }

        if (!Directory.Exists(directory))
        {
            throw new IOException($"'{path}' cannot be written: the directory '{directory}' does not exist.");
        }

        if (directory == "/dev")
        {
            return;
        }

        try
        {
            string probe = Path.Combine(directory, $".{Path.GetFileName(full)}.{Environment.ProcessId}.probe");
            new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"'{path}' cannot be written: no file can be made in '{directory}' ({error.Message.TrimEnd('.')}).", error);
        }
    }
}

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

        Probe(path, directory);
    }

    /// <summary>Throws when files cannot be made in a directory that does not exist yet, or is empty; leaves it as it was.</summary>
    /// <param name="path">The directory.</param>
    /// <exception cref="IOException">One sentence with the path and the reason.</exception>
    public static void RequireWritableDirectory(string path)
    {
        // The nearest directory that exists is where the first of those to be made will go.
        string? existing = Path.GetFullPath(path);
        while (existing is not null && !Directory.Exists(existing))
        {
            if (File.Exists(existing))
            {
                throw new IOException($"'{path}' cannot be written: '{existing}' is a file; expected a directory.");
            }

            existing = Path.GetDirectoryName(existing);
        }

        Probe(path, existing ?? Path.GetPathRoot(Path.GetFullPath(path))!);
    }

    private static void Probe(string path, string directory)
    {
        try
        {
            string probe = Path.Combine(directory, $".hipifast.{Environment.ProcessId}.probe");
            new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"'{path}' cannot be written: no file can be made in '{directory}' ({error.Message.TrimEnd('.')}).", error);
        }
    }
}

using HipiFast.Storage;

namespace HipiFast.Cli;

/// <summary>Finds out before long work, not after it, that a result cannot be written.</summary>
internal static class OutputPath
{
    /// <summary>
    /// Throws when a file cannot be written to a path; a link is followed. What processes that were killed have left of
    /// the same file is removed.
    /// </summary>
    /// <param name="path">Where a result will go.</param>
    /// <exception cref="IOException">One sentence with the path and the reason.</exception>
    public static void RequireWritable(string path)
    {
        AtomicFile.RequireWritable(path);
        AtomicFile.DeleteLeftoversOf(path);
    }

    /// <summary>
    /// Takes hold of a directory for results, made when it does not exist; throws when files cannot be made in it.
    /// </summary>
    /// <param name="path">The directory.</param>
    /// <param name="file">Name of the longest file that shall be in it.</param>
    /// <returns>What holds it. Disposed before anything was written there, it leaves all as it was.</returns>
    /// <exception cref="IOException">
    /// One sentence with the path and the reason; another process may hold it.
    /// </exception>
    public static DirectoryLock HoldDirectory(string path, string file)
    {
        string full = Path.GetFullPath(path);
        string? existing = full;
        while (existing is not null && !Directory.Exists(existing))
        {
            if (FileKinds.Of(existing) != FileKind.Missing || new FileInfo(existing).LinkTarget is not null)
            {
                throw new IOException($"'{path}' cannot be written: '{existing}' is a file; expected a directory.");
            }

            existing = Path.GetDirectoryName(existing);
        }

        // Names and paths have a longest, which only making them tells.
        DirectoryLock held = DirectoryLock.Take(full);
        try
        {
            AtomicFile.RequireWritable(Path.Combine(full, file));
            AtomicFile.DeleteLeftovers(full);
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }
}

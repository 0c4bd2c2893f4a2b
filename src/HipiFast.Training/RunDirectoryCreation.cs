using HipiFast.Storage;

namespace HipiFast.Training;

/// <summary>
/// Makes run directories such that a process killed in the middle leaves nothing that a later one takes for a run, or
/// for somebody else's files. All is made in a directory with a temporary name, beside the one wanted, which then gets
/// its name; or, where the wanted one is there already and empty (a mount point, the working directory, what a link
/// leads to), inside it, whose entries are then moved up.
/// </summary>
internal static class RunDirectoryCreation
{
    // What the temporary directory inside an existing one would become.
    private const string Inside = "new";

    /// <summary>
    /// Throws when a directory for a new run holds something already, other than what a killed creation left.
    /// </summary>
    /// <param name="path">The directory.</param>
    /// <exception cref="IOException">It is a file, or not empty.</exception>
    public static void RequireEmpty(string path)
    {
        if (Directory.Exists(path))
        {
            if (!IsUnfinished(path) && Directory.EnumerateFileSystemEntries(path).Any(
                entry => Path.GetFileName(entry) != DirectoryLock.FileName))
            {
                throw NotEmpty(path);
            }
        }
        else if (FileKinds.Of(path) != FileKind.Missing || new FileInfo(path).LinkTarget is not null)
        {
            throw new IOException($"Cannot write a run to '{path}': it is a file; expected a directory, new or empty.");
        }
    }

    /// <summary>Makes the directories; see <see cref="RunDirectory.Create"/>.</summary>
    public static void Create(string root, IReadOnlyList<TrainingConfig> configs, bool folders)
    {
        RequireEmpty(root);
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        try
        {
            if (Directory.Exists(target))
            {
                FillInPlace(root, target, configs, folders);
            }
            else
            {
                MakeBeside(target, configs, folders);
            }
        }
        catch (Exception error) when (
            error is (IOException or UnauthorizedAccessException) and not DirectoryInUseException)
        {
            throw new IOException($"Cannot make the run directory '{root}': {error.Message.TrimEnd('.')}.", error);
        }
    }

    private static void MakeBeside(string target, IReadOnlyList<TrainingConfig> configs, bool folders)
    {
        DeleteLeftovers(target);
        string temporary = TemporaryName.Beside(target);
        DirectoryLock held = DirectoryLock.Take(temporary);
        try
        {
            Fill(temporary, configs, folders);
            if (OperatingSystem.IsWindows())
            {
                // There, a directory with an open file in it keeps its name.
                held.Dispose();
            }

            Directory.Move(temporary, target);
        }
        catch
        {
            held.Dispose();
            Delete(temporary);
            throw;
        }

        held.Dispose();
    }

    private static void FillInPlace(string root, string target, IReadOnlyList<TrainingConfig> configs, bool folders)
    {
        using DirectoryLock held = DirectoryLock.Take(target);
        ClearUnfinished(target);
        if (Directory.EnumerateFileSystemEntries(target).Any(
            entry => Path.GetFileName(entry) != DirectoryLock.FileName))
        {
            throw NotEmpty(root);
        }

        string temporary = TemporaryName.Beside(Path.Combine(target, Inside));
        try
        {
            Fill(temporary, configs, folders);
            foreach (string entry in Directory.GetDirectories(temporary).Concat(Directory.GetFiles(temporary)))
            {
                Directory.Move(entry, Path.Combine(target, Path.GetFileName(entry)));
            }

            // From here on the entries are runs.
            Directory.Delete(temporary);
        }
        catch
        {
            ClearUnfinished(target);
            throw;
        }
    }

    private static void Fill(string directory, IReadOnlyList<TrainingConfig> configs, bool folders)
    {
        foreach (TrainingConfig config in configs)
        {
            RunDirectory run = folders ? RunDirectory.ForSeed(directory, config.Run.Seed) : new RunDirectory(directory);
            Directory.CreateDirectory(run.CheckpointFolder);

            // The longest name of all that the run will write is found out to be too long now, not at its first
            // checkpoint.
            AtomicFile.RequireWritable(run.Checkpoint);
            run.WriteConfig(config);
        }
    }

    private static bool IsUnfinished(string directory) =>
        Directory.EnumerateDirectories(directory, $"{Inside}.*").Any(entry => TemporaryName.IsOne(entry));

    /// <summary>
    /// Removes what a creation that was killed has made in a directory that was empty: nothing but configurations and
    /// empty folders.
    /// </summary>
    private static void ClearUnfinished(string target)
    {
        if (!IsUnfinished(target))
        {
            return;
        }

        foreach (RunDirectory run in (RunDirectory[])[.. RunDirectory.Seeds(target), new RunDirectory(target)])
        {
            File.Delete(run.Config);
            if (Directory.Exists(run.CheckpointFolder))
            {
                File.Delete(run.ConfigSeal);
                Directory.Delete(run.CheckpointFolder);
            }

            if (run.Path != target)
            {
                Directory.Delete(run.Path);
            }
        }

        foreach (string temporary in Directory.EnumerateDirectories(target, $"{Inside}.*").Where(
            entry => TemporaryName.IsOne(entry)))
        {
            Delete(temporary);
        }
    }

    /// <summary>Removes directories that killed processes left when they made the same one.</summary>
    private static void DeleteLeftovers(string target)
    {
        string parent = Path.GetDirectoryName(target)!;
        if (!Directory.Exists(parent))
        {
            return;
        }

        foreach (string temporary in Directory.GetDirectories(
            parent, TemporaryName.PatternOf(target)).Where(entry => TemporaryName.IsOne(entry)))
        {
            using DirectoryLock? free = DirectoryLock.TryTake(temporary);
            if (free is not null && HoldsOnlyCreation(temporary))
            {
                if (OperatingSystem.IsWindows())
                {
                    free.Dispose();
                }

                Delete(temporary);
            }
        }
    }

    private static bool HoldsOnlyCreation(string temporary) =>
        Directory.EnumerateFiles(temporary, "*", SearchOption.AllDirectories)
        .All(
            file =>
                Path.GetFileName(file)
                    is DirectoryLock.FileName or RunDirectory.ConfigFile or RunDirectory.ConfigSealFile
                    || TemporaryName.IsOne(file));

    private static void Delete(string temporary)
    {
        if (Directory.Exists(temporary))
        {
            Directory.Delete(temporary, recursive: true);
        }
    }

    private static IOException NotEmpty(string path) => new(
        $"Cannot write a run to '{path}': it is not empty; choose another directory with --out, remove it, "
        + $"or continue its run with --resume {path}.");
}

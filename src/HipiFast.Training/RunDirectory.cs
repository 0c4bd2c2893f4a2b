using HipiFast.Options;
using HipiFast.Storage;

namespace HipiFast.Training;

/// <summary>Where the files of one training run lie.</summary>
/// <param name="Path">The directory.</param>
public sealed record RunDirectory(string Path)
{
    /// <summary>Everything needed to repeat the run.</summary>
    public string Config => System.IO.Path.Combine(Path, "config.json");

    /// <summary>One row per evaluation; nothing in it depends on the clock.</summary>
    public string Metrics => System.IO.Path.Combine(Path, "metrics.csv");

    /// <summary>Speed and where the time went, one row per evaluation.</summary>
    public string Timing => System.IO.Path.Combine(Path, "timing.csv");

    /// <summary>The learning curve.</summary>
    public string Curve => System.IO.Path.Combine(Path, "curve.svg");

    /// <summary>Folder of the checkpoint.</summary>
    public string CheckpointFolder => System.IO.Path.Combine(Path, "checkpoint");

    /// <summary>Everything needed to continue exactly.</summary>
    public string Checkpoint => System.IO.Path.Combine(CheckpointFolder, "state.safetensors");

    /// <summary>The agent alone, for <c>eval</c> and <c>relabel</c> and for PyTorch.</summary>
    public string Agent => System.IO.Path.Combine(CheckpointFolder, "agent.safetensors");

    /// <summary>
    /// The run directories of the seeds below a directory that holds several, ordered by seed; empty for a directory of
    /// one run.
    /// </summary>
    /// <param name="path">The directory.</param>
    /// <returns>The seeds' directories.</returns>
    public static IReadOnlyList<RunDirectory> Seeds(string path)
    {
        if (!Directory.Exists(path))
        {
            return [];
        }

        return
        [
            .. Directory.EnumerateDirectories(path, "seed-*")
                .Select(folder =>
                    (Folder: folder, Known: ulong.TryParse(System.IO.Path.GetFileName(folder).AsSpan("seed-".Length), out ulong seed), Seed: seed))
                .Where(entry => entry.Known)
                .OrderBy(entry => entry.Seed)
                .Select(entry => new RunDirectory(entry.Folder)),
        ];
    }

    /// <summary>The runs that a directory holds: itself, or one per seed.</summary>
    /// <param name="path">The directory.</param>
    /// <returns>One or more runs, ordered by seed.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    /// <exception cref="IOException">It is a file.</exception>
    /// <exception cref="FileNotFoundException">It holds no run.</exception>
    public static IReadOnlyList<RunDirectory> Find(string path)
    {
        if (!Directory.Exists(path))
        {
            throw File.Exists(path)
                ? new IOException($"'{path}' is a file; expected the directory of a run.")
                : new DirectoryNotFoundException($"The run directory '{path}' does not exist.");
        }

        RunDirectory single = new(path);
        IReadOnlyList<RunDirectory> runs = File.Exists(single.Config) ? [single] : Seeds(path);
        return runs.Count > 0
            ? runs
            : throw new FileNotFoundException($"'{path}' holds no run: there is neither a config.json nor a seed-S folder in it.");
    }

    /// <summary>The directory of one seed among several.</summary>
    /// <param name="path">The directory of all.</param>
    /// <param name="seed">The seed.</param>
    /// <returns>Its directory.</returns>
    public static RunDirectory ForSeed(string path, ulong seed) => new(System.IO.Path.Combine(path, $"seed-{seed}"));

    /// <summary>Throws when a directory for a new run holds something already.</summary>
    /// <param name="path">The directory.</param>
    /// <exception cref="IOException">It is a file, or not empty.</exception>
    public static void RequireEmpty(string path)
    {
        if (File.Exists(path))
        {
            throw new IOException($"Cannot write a run to '{path}': it is a file; expected a directory, new or empty.");
        }

        if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
        {
            throw new IOException(
                $"Cannot write a run to '{path}': it is not empty; choose another directory with --out, remove it, "
                + $"or continue its run with --resume {path}.");
        }
    }

    /// <summary>
    /// Makes the directories of one run or of several seeds, each with its <c>config.json</c>, in one step: a process
    /// killed in the middle leaves all of them or none.
    /// </summary>
    /// <param name="root">The directory; must be empty or not exist.</param>
    /// <param name="configs">One configuration per run.</param>
    /// <param name="folders">
    /// Whether each run has a folder <c>seed-S</c> of its own; otherwise there is one run, in <paramref name="root"/>
    /// itself.
    /// </param>
    /// <returns>The runs, in the order of <paramref name="configs"/>.</returns>
    /// <exception cref="IOException">The directory is not empty or cannot be written.</exception>
    public static IReadOnlyList<RunDirectory> Create(string root, IReadOnlyList<TrainingConfig> configs, bool folders)
    {
        ArgumentNullException.ThrowIfNull(configs);
        RequireEmpty(root);
        string target = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(root));
        string temporary = $"{target}.{Environment.ProcessId}.tmp";
        try
        {
            foreach (TrainingConfig config in configs)
            {
                RunDirectory run = folders ? ForSeed(temporary, config.Run.Seed) : new RunDirectory(temporary);
                Directory.CreateDirectory(run.CheckpointFolder);
                run.WriteConfig(config);
            }

            if (Directory.Exists(target))
            {
                Directory.Delete(target);
            }

            Directory.Move(temporary, target);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (Directory.Exists(temporary))
            {
                Directory.Delete(temporary, recursive: true);
            }

            throw new IOException($"Cannot make the run directory '{root}': {error.Message.TrimEnd('.')}.", error);
        }

        return [.. configs.Select(config => folders ? ForSeed(root, config.Run.Seed) : new RunDirectory(root))];
    }

    /// <summary>Writes <c>config.json</c>.</summary>
    /// <param name="config">The configuration.</param>
    public void WriteConfig(TrainingConfig config) => 
        AtomicFile.WriteAllText(Config, OptionKeys<TrainingConfig>.ToJson(config));

    /// <summary>Reads <c>config.json</c>.</summary>
    /// <returns>The configuration.</returns>
    /// <exception cref="FileNotFoundException">The directory holds no run.</exception>
    /// <exception cref="InvalidDataException">The file is not a configuration.</exception>
    public TrainingConfig ReadConfig()
    {
        if (!File.Exists(Config))
        {
            throw new FileNotFoundException($"'{Path}' holds no run: there is no config.json in it.", Config);
        }

        return FromJson(OptionLayer<TrainingConfig>.ReadText(Config), $" in {Config}");
    }

    /// <summary>
    /// Reads what <see cref="OptionKeys{TRecord}.ToJson"/> wrote; keys left out take their general defaults.
    /// </summary>
    /// <param name="json">The text.</param>
    /// <param name="where">Where it stood, for messages (" in FILE").</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="InvalidDataException">A key is unknown, or a value of a wrong type or out of range.</exception>
    public static TrainingConfig FromJson(string json, string where)
    {
        TrainingConfig config = OptionLayer<TrainingConfig>.Parse(json, where).Apply(new TrainingConfig());
        try
        {
            config.Validate();
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException($"{error.Message.TrimEnd('.')}{where}.", error);
        }

        return config;
    }
}

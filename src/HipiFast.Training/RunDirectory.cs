using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using HipiFast.Options;
using HipiFast.Storage;

namespace HipiFast.Training;

/// <summary>Where the files of one training run lie.</summary>
/// <param name="Path">The directory.</param>
public sealed record RunDirectory(string Path)
{
    internal const string ConfigFile = "config.json";
    internal const string ConfigSealFile = "config.sha256";

    /// <summary>Metadata of a checkpoint: the configuration as JSON.</summary>
    internal const string CheckpointConfigKey = "config";

    /// <summary>
    /// Metadata of a checkpoint: what config.json said before it was changed; only until the next checkpoint.
    /// </summary>
    internal const string CheckpointConfigBeforeKey = "config_before";

    /// <summary>Metadata of a checkpoint: <see cref="SealOf"/> of the rows of <c>metrics.csv</c>.</summary>
    internal const string CheckpointMetricsKey = "metrics";

    private const string SeedPrefix = "seed-";
    private const int LargestSeal = 1024;

    /// <summary>Everything needed to repeat the run.</summary>
    public string Config => System.IO.Path.Combine(Path, ConfigFile);

    /// <summary>One row per evaluation; nothing in it depends on the clock.</summary>
    public string Metrics => System.IO.Path.Combine(Path, "metrics.csv");

    /// <summary>Speed and where the time went, one row per evaluation.</summary>
    public string Timing => System.IO.Path.Combine(Path, "timing.csv");

    /// <summary>The learning curve.</summary>
    public string Curve => System.IO.Path.Combine(Path, "curve.svg");

    /// <summary>Folder of the checkpoint.</summary>
    public string CheckpointFolder => System.IO.Path.Combine(Path, "checkpoint");

    /// <summary>
    /// SHA-256 of <c>config.json</c>, in the form of <c>sha256sum</c>; vouches for it until there is a checkpoint.
    /// </summary>
    public string ConfigSeal => System.IO.Path.Combine(CheckpointFolder, ConfigSealFile);

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
            .. Directory.EnumerateDirectories(path, SeedPrefix + "*")
                .Select(folder => (
                    Folder: folder, Known: TryParseSeed(System.IO.Path.GetFileName(folder), out ulong seed),
                    Seed: seed))
                .Where(entry => entry.Known)
                .OrderBy(entry => entry.Seed)
                .Select(entry => new RunDirectory(entry.Folder)),
        ];
    }

    // As ForSeed writes it, so that two folders are never one seed.
    private static bool TryParseSeed(string folder, out ulong seed) =>
        ulong.TryParse(folder.AsSpan(SeedPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out seed)
        && folder == string.Create(CultureInfo.InvariantCulture, $"{SeedPrefix}{seed}");

    /// <summary>Number and checksum of a table's first rows.</summary>
    internal static string SealOf(MetricsLog metrics, int rows) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{rows} crc32c:{Crc32C.Compute(Encoding.UTF8.GetBytes(metrics.ToCsv(rows))):x8}");

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
            : throw new FileNotFoundException(
                $"'{path}' holds no run: there is neither a config.json nor a seed-S folder in it.");
    }

    /// <summary>The directory of one seed among several.</summary>
    /// <param name="path">The directory of all.</param>
    /// <param name="seed">The seed.</param>
    /// <returns>Its directory.</returns>
    public static RunDirectory ForSeed(string path, ulong seed) =>
        new(System.IO.Path.Combine(path, $"{SeedPrefix}{seed}"));

    /// <summary>Throws when a directory for a new run holds something already.</summary>
    /// <param name="path">The directory.</param>
    /// <exception cref="IOException">It is a file, or not empty.</exception>
    public static void RequireEmpty(string path) => RunDirectoryCreation.RequireEmpty(path);

    /// <summary>
    /// Makes the directories of one run or of several seeds, each with its <c>config.json</c>, in one step: a process
    /// killed in the middle leaves all of them or none.
    /// </summary>
    /// <param name="root">The directory; must be empty, and is filled as it is, or not exist.</param>
    /// <param name="configs">One configuration per run.</param>
    /// <param name="folders">
    /// Whether each run has a folder <c>seed-S</c> of its own; otherwise there is one run, in <paramref name="root"/>
    /// itself.
    /// </param>
    /// <returns>The runs, in the order of <paramref name="configs"/>.</returns>
    /// <exception cref="IOException">
    /// The directory is not empty or cannot be written, or another process holds it.
    /// </exception>
    public static IReadOnlyList<RunDirectory> Create(string root, IReadOnlyList<TrainingConfig> configs, bool folders)
    {
        ArgumentNullException.ThrowIfNull(configs);
        RunDirectoryCreation.Create(root, configs, folders);
        return [.. configs.Select(config => folders ? ForSeed(root, config.Run.Seed) : new RunDirectory(root))];
    }

    /// <summary>Takes hold of the run, so that no other process writes to its files.</summary>
    /// <returns>What holds it until it is disposed.</returns>
    /// <exception cref="DirectoryInUseException">Another run holds it.</exception>
    /// <exception cref="IOException">The directory cannot be written.</exception>
    public DirectoryLock Hold() => DirectoryLock.Take(Path);

    /// <summary>Writes <c>config.json</c> and what vouches for it.</summary>
    /// <param name="config">The configuration.</param>
    public void WriteConfig(TrainingConfig config)
    {
        // In between, nothing vouches for the file; a seal of another one would have it refused.
        Directory.CreateDirectory(CheckpointFolder);
        File.Delete(ConfigSeal);
        string json = OptionKeys<TrainingConfig>.ToJson(config);
        AtomicFile.WriteAllText(Config, json);
        AtomicFile.WriteAllText(ConfigSeal, $"{Sha256(json)}  {ConfigFile}\n");
    }

    /// <summary>
    /// Reads <c>config.json</c>, which must say what the checkpoint says, or be as it was written where there is none.
    /// </summary>
    /// <returns>The configuration.</returns>
    /// <exception cref="FileNotFoundException">The directory holds no run.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is not a configuration, or not the one that the checkpoint was made with, or has changed.
    /// </exception>
    public TrainingConfig ReadConfig() => ReadConfig(null);

    /// <summary>
    /// <see cref="ReadConfig()"/>, where keys that are about to be changed need not be what they were.
    /// </summary>
    internal TrainingConfig ReadConfig(OptionLayer<TrainingConfig>? changes)
    {
        if (!File.Exists(Config))
        {
            throw new FileNotFoundException($"'{Path}' holds no run: there is no config.json in it.", Config);
        }

        string text = OptionLayer<TrainingConfig>.ReadText(Config);
        TrainingConfig config = FromJson(text, $" in {Config}");
        if (!File.Exists(Checkpoint))
        {
            RequireSealed(text);
        }
        else
        {
            using SafetensorsFile file = SafetensorsFile.OpenHeader(Checkpoint);
            TrainingConfig? made = Of(CheckpointConfigKey), before = Of(CheckpointConfigBeforeKey);
            OptionKey<TrainingConfig>? other = OptionKeys<TrainingConfig>.All.FirstOrDefault(key => made is not null
                && !Equals(key.Get(made), key.Get(config))
                && (before is null || !Equals(key.Get(before), key.Get(config)))
                && changes?.Keys.Contains(key) != true);
            if (other is not null)
            {
                throw new InvalidDataException(
                    $"{Checkpoint} was made with {other.Name} = {other.Format(made!)}, but {Config} says "
                    + $"{other.Format(config)}; expected them equal.");
            }

            TrainingConfig? Of(string key) =>
                file.Metadata.TryGetValue(key, out string? json)
                    ? FromJson(json, $" in the metadata of {Checkpoint}")
                    : null;
        }

        return config;
    }

    // Directories made before there were seals have none.
    private void RequireSealed(string config)
    {
        if (File.Exists(ConfigSeal) && InputFile.ReadAllText(
            ConfigSeal, "file of a SHA-256", LargestSeal).Split(' ')[0] != Sha256(config))
        {
            throw new InvalidDataException(
                $"'{Config}' is not as it was written: its SHA-256 is not the one in '{ConfigSeal}'; expected them "
                + "equal (remove the latter where the change is meant).");
        }
    }

    private static string Sha256(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>Reads <c>metrics.csv</c>, which must hold what the checkpoint says of it, if there is one.</summary>
    /// <param name="columns">As for <see cref="MetricsLog.Load"/>.</param>
    /// <returns>The rows.</returns>
    /// <exception cref="FileNotFoundException">There are no metrics.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is no such table, or its rows are not those that the run wrote.
    /// </exception>
    public MetricsLog ReadMetrics(params ReadOnlySpan<string> columns)
    {
        // The checkpoint first: what a run adds meanwhile is then beyond what it says.
        string? seal = null;
        if (File.Exists(Checkpoint))
        {
            using SafetensorsFile file = SafetensorsFile.OpenHeader(Checkpoint);
            seal = file.Metadata.GetValueOrDefault(CheckpointMetricsKey);
        }

        MetricsLog metrics = MetricsLog.Load(Metrics, columns);
        if (seal is not null && (
            !int.TryParse(seal.Split(' ')[0], out int rows) || rows > metrics.Count || SealOf(metrics, rows) != seal))
        {
            throw new InvalidDataException(
                $"'{Metrics}' is not as the run wrote it: its rows are not those that {Checkpoint} vouches for (train "
                + "--resume writes it anew).");
        }

        return metrics;
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

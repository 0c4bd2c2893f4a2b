using System.Text.Json;
using HipiFast.Environments;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Training;

namespace HipiFast.Training.Cloning;

/// <summary>What cloning came to.</summary>
/// <param name="Epochs">Epochs fitted.</param>
/// <param name="ValidationLoss">Lowest validation loss, in normalised actions.</param>
/// <param name="EpisodeReturn">Mean undiscounted return of the evaluation episodes, without any bias.</param>
/// <param name="SuccessRate">Share of them that reached their task.</param>
/// <param name="EffectiveTasks">Among how many tasks a trajectory hesitates; NaN without inverse RL.</param>
/// <param name="LargestShare">
/// Share of the trajectories that the most frequent label has; NaN where labels are not drawn.
/// </param>
public sealed record CloningResult(
    int Epochs, double ValidationLoss, double EpisodeReturn, double SuccessRate, double EffectiveTasks,
    double LargestShare);

/// <summary>
/// HIPI-BC (the paper's Alg. 3) and its baselines: labels for demonstrations, a policy fitted to them, an evaluation,
/// and the files of it.
/// </summary>
public static class CloningRun
{
    /// <summary>Name of the file of the demonstrations, where they are kept.</summary>
    public const string DemonstrationsFile = "demonstrations.safetensors";

    private const string PolicyFile = "policy.safetensors";
    private const string EpochsFile = "epochs.csv";
    private const string ResultFile = "result.json";

    /// <summary>
    /// Relabels, fits and evaluates, and writes <c>policy.safetensors</c>, <c>epochs.csv</c> and, last,
    /// <c>result.json</c>.
    /// </summary>
    /// <param name="environment">
    /// Name of the environment: its family judges, its distribution draws candidates and commands.
    /// </param>
    /// <param name="demonstrations">
    /// Trajectories; not changed. Their labels are read for <see cref="CloningLabels.Commanded"/> alone.
    /// </param>
    /// <param name="options">How.</param>
    /// <param name="directory">Where to; made if it does not exist.</param>
    /// <param name="keepDemonstrations">Whether <c>demonstrations.safetensors</c> is written, too.</param>
    /// <param name="stop">Asks to leave off; nothing is written then.</param>
    /// <returns>What came of it, or null when it was stopped.</returns>
    /// <exception cref="ArgumentException">
    /// An option is out of range, or the shapes of demonstrations and environment disagree.
    /// </exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static CloningResult? Run(
        string environment,
        Demonstrations demonstrations,
        CloningOptions options,
        string directory,
        bool keepDemonstrations = false,
        CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(demonstrations);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        using VectorEnvironment world = EnvironmentRegistry.Create(environment, options.EvalEpisodes);
        if (world.Shape != demonstrations.Transitions.Shape)
        {
            throw new ArgumentException(
                $"The demonstrations are of {demonstrations.Transitions.Shape}; {environment} has {world.Shape}.",
                nameof(demonstrations));
        }

        using TransitionBatch labelled = demonstrations.Transitions.Copy();
        (double effectiveTasks, double largestShare) = Label(labelled, demonstrations.Episode, world, options);
        BehaviorCloningOptions fit = options.Fit with { TaskConditioned = options.Labels != CloningLabels.None };
        using BehaviorCloning clone = new(
            world.Shape, fit,
            (shape, chosen) => LearnerRegistry.ResolveCloning(options.Learner)(shape, chosen, options.TorchDevice));
        IReadOnlyList<CloningEpoch> epochs = clone.Fit(labelled, demonstrations.Episode, stop);
        if (stop.IsCancellationRequested)
        {
            return null;
        }

        EvaluationResult evaluation = Evaluate(environment, options, new ClonePolicy(clone));
        CloningResult result = new(
            epochs.Count, epochs.Min(epoch => epoch.ValidationLoss), evaluation.Return, evaluation.SuccessRate,
            effectiveTasks, largestShare);
        Directory.CreateDirectory(directory);
        if (keepDemonstrations)
        {
            TransitionFile.Save(
                Path.Combine(directory, DemonstrationsFile), demonstrations.Transitions, demonstrations.Episode);
        }

        clone.Save(Path.Combine(directory, PolicyFile));
        WriteEpochs(Path.Combine(directory, EpochsFile), epochs);
        AtomicFile.WriteAllText(Path.Combine(directory, ResultFile), ToJson(environment, options, result));
        return result;
    }

    /// <summary>
    /// Whether a directory can take a new run: it holds nothing, or only what a run left that ended before its result
    /// was written.
    /// </summary>
    /// <param name="directory">The directory; need not exist.</param>
    /// <returns>Whether it can.</returns>
    public static bool IsFree(string directory) =>
        !Directory.Exists(directory) || Directory.EnumerateFileSystemEntries(directory).All(entry =>
        Path.GetFileName(entry) is DirectoryLock.FileName or DemonstrationsFile or PolicyFile or EpochsFile
            || TemporaryName.IsOne(entry));

    /// <summary>The result of a run that was finished before.</summary>
    /// <param name="environment">As for <see cref="Run"/>.</param>
    /// <param name="options">As for <see cref="Run"/>.</param>
    /// <param name="directory">Its directory.</param>
    /// <returns>The result, or null when there is none.</returns>
    /// <exception cref="ArgumentException">The directory holds a run of other settings.</exception>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static CloningResult? Load(string environment, CloningOptions options, string directory)
    {
        string path = Path.Combine(directory, ResultFile);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(OptionLayer<TrainingConfig>.ReadText(path));
            JsonElement settings = document.RootElement.GetProperty("settings"),
                result = document.RootElement.GetProperty("result");
            using JsonDocument wanted = JsonDocument.Parse(SettingsJson(environment, options));
            RequireSame(path, settings, wanted.RootElement);

            return new CloningResult(
                result.GetProperty("epochs").GetInt32(), Number(result, "validation_loss"),
                Number(result, "episode_return"),
                Number(result, "success_rate"), Number(result, "effective_tasks"), Number(result, "largest_share"));
        }
        catch (Exception error) when (
            error is JsonException or KeyNotFoundException or FormatException or InvalidOperationException)
        {
            throw new InvalidDataException(
                $"'{path}' is not the result of a cloning run: {error.Message.TrimEnd('.')}.", error);
        }
    }

    /// <summary>Evaluates a policy as <see cref="Run"/> does.</summary>
    /// <param name="environment">Name of the environment.</param>
    /// <param name="options">Episodes and seed.</param>
    /// <param name="policy">What acts.</param>
    /// <returns>The outcome.</returns>
    public static EvaluationResult Evaluate(string environment, CloningOptions options, IPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(options);
        using Evaluator evaluator = new(EnvironmentRegistry.Create(environment, options.EvalEpisodes));
        return evaluator.Evaluate(policy, Evaluator.DeriveSeed(options.Fit.Seed, 0));
    }

    // Replaces the batch's tasks by inferred or random ones, where that is asked for.
    private static (double EffectiveTasks, double LargestShare) Label(
        TransitionBatch batch, long[] episode, VectorEnvironment world, CloningOptions options)
    {
        if (options.Labels is CloningLabels.Commanded or CloningLabels.None)
        {
            return (double.NaN, double.NaN);
        }

        float[] candidates = CandidatesOf(world, options);
        int width = world.Shape.TaskDimension;
        TaskFamily family = options.FirstTaskBias == 0
            ? world.Family
            : BiasedReward.Create(world.Family, candidates[..width], options.FirstTaskBias);
        if (options.Labels == CloningLabels.Random)
        {
            return LabelUniformly(batch, episode, candidates, options.Fit.Seed);
        }

        RelabelOptions relabeling = new()
        {
            RelabelFraction = 1,
            Partition = options.Labels == CloningLabels.NoPartition ? PartitionMode.None : PartitionMode.Batch,
            Temperature = options.Temperature,
            Seed = options.Fit.Seed,
        };
        using Relabeler relabeler = new(family, null, relabeling);
        RelabelResult result = relabeler.RelabelTrajectories(batch, episode, candidates);
        return (result.Diagnostics.EffectiveTasks, LargestShare(result.TaskIndex, episode));
    }

    /// <summary>Replaces the tasks of a batch by candidates, one drawn uniformly for each trajectory.</summary>
    /// <param name="batch">Transitions; their tasks are overwritten.</param>
    /// <param name="episode">Which trajectory each belongs to; equal numbers stand together.</param>
    /// <param name="candidates">Tasks <c>[K, P]</c>.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <returns>
    /// NaN, as nothing was inferred, and the share of the trajectories that the most frequent label has.
    /// </returns>
    internal static (double EffectiveTasks, double LargestShare) LabelUniformly(
        TransitionBatch batch, long[] episode, ReadOnlySpan<float> candidates, ulong seed)
    {
        int width = batch.Shape.TaskDimension, count = candidates.Length / width;
        int[] drawn = new int[Trajectories(episode)], taskIndex = new int[episode.Length];

        // The candidates themselves were drawn in call 0.
        UniformIndex.Fill(drawn, (uint)count, seed, 1, RandomPurpose.RandomTask);
        for (int row = 0, trajectory = -1; row < episode.Length; row++)
        {
            trajectory += Begins(episode, row) ? 1 : 0;
            taskIndex[row] = drawn[trajectory];
            candidates.Slice(taskIndex[row] * width, width).CopyTo(batch.Task.Slice(row * width, width));
        }

        return (double.NaN, LargestShare(taskIndex, episode));
    }

    private static double LargestShare(ReadOnlySpan<int> taskIndex, long[] episode)
    {
        Dictionary<int, int> counts = [];
        for (int row = 0; row < episode.Length; row++)
        {
            if (Begins(episode, row))
            {
                counts[taskIndex[row]] = counts.GetValueOrDefault(taskIndex[row]) + 1;
            }
        }

        return (double)counts.Values.Max() / Trajectories(episode);
    }

    private static int Trajectories(long[] episode) =>
        Enumerable.Range(0, episode.Length).Count(row => Begins(episode, row));

    private static bool Begins(long[] episode, int row) => row == 0 || episode[row] != episode[row - 1];

    private static float[] CandidatesOf(VectorEnvironment world, CloningOptions options)
    {
        if (!world.FixedTasks.IsEmpty)
        {
            return world.FixedTasks.ToArray();
        }

        int width = world.Shape.TaskDimension;
        float[] tasks = new float[options.Candidates * width];
        for (int i = 0; i < options.Candidates; i++)
        {
            world.TaskDistribution.Sample(
                tasks.AsSpan(i * width, width), options.Fit.Seed, (uint)i, 0, RandomPurpose.RandomTask);
        }

        return tasks;
    }

    private static void WriteEpochs(string path, IReadOnlyList<CloningEpoch> epochs)
    {
        MetricsLog log = new("epoch", "training_loss", "validation_loss");
        foreach (CloningEpoch epoch in epochs)
        {
            log.Add([epoch.Epoch, epoch.TrainingLoss, epoch.ValidationLoss]);
        }

        log.Save(path);
    }

    private static double Number(JsonElement parent, string name) =>
        parent.GetProperty(name) is { ValueKind: JsonValueKind.Number } value ? value.GetDouble() : double.NaN;

    private static void RequireSame(string path, JsonElement found, JsonElement wanted)
    {
        string[] names = [.. found.EnumerateObject().Concat(
            wanted.EnumerateObject()).Select(entry => entry.Name).Distinct()];
        string? other = names.FirstOrDefault(name => Raw(found, name) != Raw(wanted, name));
        if (other is not null)
        {
            throw new ArgumentException(
                $"{path} was made with {other} = {Raw(found, other)}, not {Raw(wanted, other)}; choose another "
                + "directory with --out, or remove it.");
        }

        static string Raw(JsonElement settings, string name) => settings.TryGetProperty(name, out JsonElement value)
            ? value.GetRawText()
            : "nothing";
    }

    /// <summary>The settings that <c>result.json</c> holds, as a JSON object.</summary>
    /// <param name="environment">As for <see cref="Run"/>.</param>
    /// <param name="options">As for <see cref="Run"/>.</param>
    internal static string SettingsJson(string environment, CloningOptions options) =>
        JsonText.Write(writer => WriteSettings(writer, environment, options));

    private static void WriteSettings(Utf8JsonWriter writer, string environment, CloningOptions options)
    {
        writer.WriteStartObject();
        writer.WriteString("environment", environment);
        writer.WriteString("labels", OptionNames.Kebab(options.Labels));
        writer.WriteNumber("candidates", options.Candidates);
        writer.WriteNumber("temperature", options.Temperature);
        writer.WriteNumber("first_task_bias", options.FirstTaskBias);
        writer.WriteNumber("eval_episodes", options.EvalEpisodes);
        writer.WriteString("learner", options.Learner);
        if (options.Learner == LearnerRegistry.Torch)
        {
            writer.WriteString("torch_device", options.TorchDevice);
        }

        writer.WriteNumber("seed", options.Fit.Seed);
        writer.WriteNumber("hidden", options.Fit.Hidden);
        writer.WriteNumber("learning_rate", options.Fit.LearningRate);
        writer.WriteNumber("batch", options.Fit.Batch);
        writer.WriteNumber("validation_share", options.Fit.ValidationShare);
        writer.WriteNumber("patience", options.Fit.Patience);
        writer.WriteNumber("max_epochs", options.Fit.MaxEpochs);
        writer.WriteEndObject();
    }

    private static string ToJson(string environment, CloningOptions options, CloningResult result) =>
        JsonText.Write(writer =>
        {
            writer.WriteStartObject();
            writer.WritePropertyName("settings");
            WriteSettings(writer, environment, options);
            writer.WriteStartObject("result");
            writer.WriteNumber("epochs", result.Epochs);
            NumberText.Write(writer, "validation_loss", result.ValidationLoss);
            NumberText.Write(writer, "episode_return", result.EpisodeReturn);
            NumberText.Write(writer, "success_rate", result.SuccessRate);
            NumberText.Write(writer, "effective_tasks", result.EffectiveTasks);
            NumberText.Write(writer, "largest_share", result.LargestShare);
            writer.WriteEndObject();
            writer.WriteEndObject();
        });

    private sealed class ClonePolicy(BehaviorCloning clone) : IPolicy
    {
        public void Act(
            ReadOnlySpan<float> observation, ReadOnlySpan<float> task, int rows, uint step, Span<float> action) =>
            clone.Act(observation, task, rows, action);
    }
}

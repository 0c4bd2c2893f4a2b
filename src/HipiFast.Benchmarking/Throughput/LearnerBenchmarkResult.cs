using System.Globalization;
using System.Text.Json;
using HipiFast.Benchmarking.Cases;
using HipiFast.Training;

namespace HipiFast.Benchmarking.Throughput;

/// <summary>What a training step of a learner goes into; medians over windows.</summary>
/// <param name="Case">What was measured.</param>
/// <param name="Config">The learner and what it ran on.</param>
/// <param name="Backend">Name of the backend that relabeled.</param>
/// <param name="Batches">Where batches lay: <c>host</c> or <c>device</c>.</param>
/// <param name="UpdatesPerSecond">Rate of updates alone.</param>
/// <param name="StepSeconds">A batch from replay, its relabeling, and an update.</param>
/// <param name="Replay">Share of a step.</param>
/// <param name="Relabel">Share of a step.</param>
/// <param name="HandOver">Share of a step: what an update takes to hand rows to the learner's library.</param>
/// <param name="Update">Share of a step: the rest of an update.</param>
internal sealed record LearnerBenchmarkResult(
    BenchmarkCase Case, TrainingConfig Config, string Backend, string Batches, double UpdatesPerSecond,
    double StepSeconds,
    double Replay, double Relabel, double HandOver, double Update)
{
    /// <summary>Titles of the columns of a table of results.</summary>
    public static IReadOnlyList<string> Header { get; } =
    [
        "learner", "backend", "batches", "obs", "act", "batch", "hidden", "threads", "updates/s", "step", "replay",
        "relabel",
        "hand-over", "update",
    ];

    private string Learner => Config.Learner.Name == LearnerRegistry.Torch
        ? $"{Config.Learner.Name} {Config.Learner.TorchDevice}"
        : Config.Learner.Name;

    /// <summary>The row's cells under <see cref="Header"/>.</summary>
    /// <returns>One text per column.</returns>
    public IReadOnlyList<string> Cells() =>
    [
        Learner, Backend, Batches, Text(Observation(Case)), Text(Case.Shape.ActionDimension),
        Text(Case.Batch), Text(Case.Hidden), Text(Config.Compute.Threads),
        UpdatesPerSecond.ToString("0", CultureInfo.InvariantCulture),
        (StepSeconds * 1e6).ToString("0", CultureInfo.InvariantCulture) + " us",
        Share(Replay), Share(Relabel), Share(HandOver), Share(Update),
    ];

    /// <summary>One row of <c>--json</c>.</summary>
    /// <param name="writer">Receives it.</param>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("kernel", BenchmarkCase.SacStep);
        writer.WriteString("variant", Config.Learner.Name);
        writer.WriteString("torch_device", Config.Learner.TorchDevice);
        writer.WriteString("backend", Backend);
        writer.WriteString("batches", Batches);
        writer.WriteNumber("obs", Observation(Case));
        writer.WriteNumber("act", Case.Shape.ActionDimension);
        writer.WriteNumber("batch", Case.Batch);
        writer.WriteNumber("hidden", Case.Hidden);
        writer.WriteNumber("threads", Config.Compute.Threads);
        writer.WriteNumber("updates_per_s", UpdatesPerSecond);
        writer.WriteNumber("training_step_s", StepSeconds);
        writer.WriteNumber("replay_share", Replay);
        writer.WriteNumber("relabel_share", Relabel);
        writer.WriteNumber("hand_over_share", HandOver);
        writer.WriteNumber("update_share", Update);
        writer.WriteEndObject();
    }

    /// <summary>Inputs of a critic but the action: a network sees the task beside the state.</summary>
    /// <param name="benchmark">The case.</param>
    /// <returns>S + P.</returns>
    public static int Observation(BenchmarkCase benchmark) =>
        benchmark.Shape.ObservationDimension + benchmark.Shape.TaskDimension;

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Share(double value) => (100 * value).ToString("0.0", CultureInfo.InvariantCulture) + "%";
}

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>
/// Names of the kernels that a <see cref="DeviceRuntime"/> loads. Kernels whose names end in a family's judge are
/// specialised for one.
/// </summary>
public static class DeviceKernelNames
{
    /// <summary>Draws transitions of a replay ring that lies on the device, uniformly.</summary>
    public const string ReplaySample = "replay-sample";

    /// <summary>Gathers the drawn transitions of a replay ring into the columns of a batch.</summary>
    public const string ReplayGather = "replay-gather";

    /// <summary>Concatenates rows of a batch to the inputs of a learner's networks.</summary>
    public const string LearnerInputs = "learner-inputs";

    /// <summary>Nothing but fp32 multiply-adds: the peak that kernels are quoted against.</summary>
    public const string MultiplyAddPeak = "multiply-add-peak";

    /// <summary>A copy of a large array: the memory peak that kernels are quoted against.</summary>
    public const string CopyPeak = "copy-peak";

    /// <summary>A part of a network's first layer, for every row or for every task.</summary>
    public const string FirstLayer = "first-layer";

    /// <summary>The actor on tiles of pairs: log-probabilities or sampled actions.</summary>
    public const string SoftQActor = "soft-q-actor";

    /// <summary>The critics on tiles of pairs, and the estimate; judges by a family.</summary>
    public const string SoftQCritic = "soft-q-critic";

    /// <summary><see cref="SoftQActor"/> on tiles of half the hidden units and twice the pairs.</summary>
    public const string SoftQActorHalf = "soft-q-actor-half";

    /// <summary><see cref="SoftQCritic"/> on tiles of half the hidden units; judges by a family.</summary>
    public const string SoftQCriticHalf = "soft-q-critic-half";

    /// <summary><see cref="SoftQActor"/> in bf16 on tensor cores.</summary>
    public const string SoftQActorBf16 = "soft-q-actor-bf16";

    /// <summary>One critic of <see cref="SoftQCritic"/> in bf16 on tensor cores; judges by a family.</summary>
    public const string SoftQCriticBf16 = "soft-q-critic-bf16";

    /// <summary>Packs a network's second layer in bf16 for tensor cores.</summary>
    public const string PackSecondLayer = "pack-second-layer";

    /// <summary>Nothing but bf16 products on tensor cores: the matrix peak that kernels are quoted against.</summary>
    public const string TensorPeak = "tensor-peak";

    /// <summary>Maximum and sum of exponentials of every column, for a segment of rows.</summary>
    public const string LogPartitionSegments = "log-partition-segments";

    /// <summary>Joins the segments to the running statistics.</summary>
    public const string LogPartitionMerge = "log-partition-merge";

    /// <summary>Turns the running statistics into the log partition.</summary>
    public const string LogPartitionFinish = "log-partition-finish";

    /// <summary>Gumbel-max along every row, with the row's statistics.</summary>
    public const string SampleTasks = "sample-tasks";

    /// <summary>Gumbel-max down every column.</summary>
    public const string SampleRows = "sample-rows";

    /// <summary>The tasks that states achieve, as candidates; judges by a family.</summary>
    public const string ReachedTasks = "reached-tasks";

    /// <summary>Hands out the new tasks, with reward and termination under them; judges by a family.</summary>
    public const string AssignTasks = "assign-tasks";

    /// <summary>Puts the call's numbers together.</summary>
    public const string Summarize = "summarize";

    /// <summary>
    /// Gives a batch that lies on the device its new tasks, rewards and terminations, unless the call is to be refused.
    /// </summary>
    public const string CommitBatch = "commit-batch";
}

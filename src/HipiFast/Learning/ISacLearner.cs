using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Replay;
using HipiFast.Storage;

namespace HipiFast.Learning;

/// <summary>
/// Soft actor-critic (Haarnoja et al., "Soft Actor-Critic Algorithms and Applications", 2018) on task-conditioned networks. One object serves
/// one thread at a time.
/// </summary>
public interface ISacLearner : IDisposable
{
    /// <summary>The networks that updates change. Reading them between updates is allowed.</summary>
    AgentNetworks Networks { get; }

    /// <summary>Updates done so far, those before a checkpoint included.</summary>
    long UpdateCount { get; }

    /// <summary>Seconds that all updates so far spent on handing rows to another library; 0 for a learner that reads them where they are.</summary>
    double HandOverSeconds => 0;

    /// <summary>
    /// One gradient step of critics, actor and temperature on rows [firstRow, firstRow + rows) of the batch. The embedded learner allocates nothing.
    /// </summary>
    /// <param name="batch">Transitions with reward and termination under their task.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">Rows, 1 or more and not above the learner's capacity.</param>
    /// <returns>Losses before the step.</returns>
    /// <exception cref="ArgumentException">The rows are outside the batch or above the capacity, or the batch's shape is another one.</exception>
    /// <exception cref="InvalidDataException">
    /// A value of those rows is NaN or infinite (the message names the first row and column), or a loss is: nothing was changed by the step
    /// when the batch or the critic loss was at fault.
    /// </exception>
    SacLosses Update(TransitionBatch batch, int firstRow, int rows);

    /// <summary>The device whose batches the other <c>Update</c> takes where they lie; null for a learner that takes none.</summary>
    DeviceRuntime? BatchDevice => null;

    /// <summary>The same on a batch in device memory, which does not come to the host. Its values are not checked; the losses are.</summary>
    /// <param name="batch">
    /// Transitions with reward and termination under their task, in memory of <see cref="BatchDevice"/>; whatever fills them is queued on its main
    /// stream.
    /// </param>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">Rows, 1 or more and not above the learner's capacity.</param>
    /// <returns>Losses before the step.</returns>
    /// <exception cref="NotSupportedException">The learner takes no such batches.</exception>
    /// <exception cref="ArgumentException">The rows are outside the batch or above the capacity, or the batch's shape is another one.</exception>
    /// <exception cref="InvalidDataException">A loss is NaN or infinite.</exception>
    SacLosses Update(in DeviceBatch batch, int firstRow, int rows) =>
        throw new NotSupportedException("This learner takes no batches from device memory.");

    /// <summary>Actions of the policy: the mean action <c>tanh(mean)</c>, or a sample <c>tanh(mean + std z)</c>.</summary>
    /// <param name="observation">States, <c>[rows, S]</c>.</param>
    /// <param name="task">Tasks, <c>[rows, P]</c>.</param>
    /// <param name="rows">Number of rows, 0 or more.</param>
    /// <param name="deterministic">Whether to return the mean action.</param>
    /// <param name="seed">Philox key of the sample.</param>
    /// <param name="call">
    /// Number of this call: z of entry d comes from counter (row, d / 4, call) with <see cref="Kernels.Random.RandomPurpose.BehaviorAction"/>.
    /// </param>
    /// <param name="action">Receives the actions, <c>[rows, A]</c>, entries in [-1, 1].</param>
    /// <exception cref="ArgumentException">A length disagrees with <paramref name="rows"/>.</exception>
    void Act(ReadOnlySpan<float> observation, ReadOnlySpan<float> task, int rows, bool deterministic, ulong seed, uint call, Span<float> action);

    /// <summary>Adds networks and optimiser state to a checkpoint; continuing from it gives the same numbers as not stopping.</summary>
    /// <param name="writer">The checkpoint.</param>
    /// <param name="prefix">Put before every tensor's name.</param>
    void SaveState(SafetensorsWriter writer, string prefix);

    /// <summary>Writes the agent as it is now, atomically (<see cref="AgentFile"/>).</summary>
    /// <param name="path">File to make or replace.</param>
    /// <exception cref="IOException">The path cannot be written.</exception>
    void SaveAgent(string path) => AgentFile.Save(Networks, path);

    /// <summary>Restores what <see cref="SaveState"/> saved.</summary>
    /// <param name="file">The checkpoint.</param>
    /// <param name="prefix">The prefix it was saved with.</param>
    /// <exception cref="InvalidDataException">A tensor is missing or of another shape.</exception>
    void LoadState(SafetensorsFile file, string prefix);
}

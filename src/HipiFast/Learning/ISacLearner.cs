using HipiFast.Replay;
using HipiFast.Storage;

namespace HipiFast.Learning;

/// <summary>
/// Soft actor-critic (Haarnoja et al., "Soft Actor-Critic Algorithms and Applications", 2018) on task-conditioned
/// networks. One object serves one thread at a time.
/// </summary>
public interface ISacLearner : IDisposable
{
    /// <summary>The networks that updates change. Reading them between updates is allowed.</summary>
    AgentNetworks Networks { get; }

    /// <summary>Updates done so far, those before a checkpoint included.</summary>
    long UpdateCount { get; }

    /// <summary>
    /// One gradient step of critics, actor and temperature on rows [firstRow, firstRow + rows) of the batch. The
    /// embedded learner allocates nothing.
    /// </summary>
    /// <param name="batch">
    /// Transitions with reward and termination under their task, wherever they lie. A learner reads them there if it
    /// can, and else as <see cref="ITransitionBatch.ToHost"/> has them.
    /// </param>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">Rows, 1 or more and not above the learner's capacity.</param>
    /// <returns>Losses before the step.</returns>
    /// <exception cref="ArgumentException">
    /// The rows are outside the batch or above the capacity, or the batch's shape is another one.
    /// </exception>
    /// <exception cref="InvalidDataException">
    /// A value of those rows is NaN or infinite (the message names the first row and column; a batch that is read on a
    /// device is not looked at), or a loss is: nothing was changed by the step when the batch or the critic loss was at
    /// fault.
    /// </exception>
    SacLosses Update(ITransitionBatch batch, int firstRow, int rows);

    /// <summary>
    /// Actions of the policy: the mean action <c>tanh(mean)</c>, or a sample <c>tanh(mean + std z)</c>.
    /// </summary>
    /// <param name="observation">States, <c>[rows, S]</c>.</param>
    /// <param name="task">Tasks, <c>[rows, P]</c>.</param>
    /// <param name="rows">Number of rows, 0 or more.</param>
    /// <param name="deterministic">Whether to return the mean action.</param>
    /// <param name="seed">Philox key of the sample.</param>
    /// <param name="call">
    /// Number of this call: z of entry d comes from counter (row, d / 4, call) with
    /// <see cref="Kernels.Random.RandomPurpose.BehaviorAction"/>.
    /// </param>
    /// <param name="action">Receives the actions, <c>[rows, A]</c>, entries in [-1, 1].</param>
    /// <exception cref="ArgumentException">A length disagrees with <paramref name="rows"/>.</exception>
    void Act(
        ReadOnlySpan<float> observation, ReadOnlySpan<float> task, int rows, bool deterministic, ulong seed, uint call,
        Span<float> action);

    /// <summary>
    /// Adds networks and optimiser state to a checkpoint; continuing from it gives the same numbers as not stopping.
    /// </summary>
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

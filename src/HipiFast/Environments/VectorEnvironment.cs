using HipiFast.Kernels.Tasks;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Tasks;

namespace HipiFast.Environments;

/// <summary>
/// Many copies of one environment stepped together. Copies that end an episode start the next one inside
/// <see cref="Step"/>.
/// </summary>
/// <remarks>
/// All randomness is counter-based (Philox) in seed, copy, episode and step: copy c behaves the same whatever the
/// number of copies.
/// </remarks>
public abstract class VectorEnvironment : IDisposable
{
    /// <summary>Name on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>S, A, P.</summary>
    public abstract TransitionShape Shape { get; }

    /// <summary>N, number of copies.</summary>
    public abstract int Count { get; }

    /// <summary>Steps after which an episode is truncated.</summary>
    public abstract int EpisodeLimit { get; }

    /// <summary>Reward, termination and state-to-task map.</summary>
    public abstract TaskFamily Family { get; }

    /// <summary>Where commanded tasks come from.</summary>
    public abstract ITaskDistribution TaskDistribution { get; }

    /// <summary>The finite set of tasks <c>[K, P]</c> of a discrete family, or empty.</summary>
    public abstract ReadOnlySpan<float> FixedTasks { get; }

    /// <summary>Current states, <c>[N, S]</c>.</summary>
    public abstract ReadOnlySpan<float> Observation { get; }

    /// <summary>Commanded tasks, <c>[N, P]</c>.</summary>
    public abstract ReadOnlySpan<float> Task { get; }

    /// <summary>Starts the first episode of every copy.</summary>
    /// <remarks>No copy rests afterwards.</remarks>
    /// <param name="seed">Philox key of everything the environment draws.</param>
    public abstract void Reset(ulong seed);

    /// <summary>
    /// Leaves a copy out of the steps that follow, until <see cref="Reset"/> or <see cref="LoadState"/>: it stays as it
    /// is, its reward is 0, and no episode of it ends. The other copies behave as they would have. An evaluation rests
    /// the copies whose one episode is over.
    /// </summary>
    /// <param name="copy">Which copy, in [0, N).</param>
    public abstract void Rest(int copy);

    /// <summary>Whether a copy rests.</summary>
    /// <param name="copy">Which copy, in [0, N).</param>
    /// <returns>True after <see cref="Rest"/>.</returns>
    public abstract bool IsResting(int copy);

    /// <summary>
    /// Moves every copy that does not rest by one step. Reads <see cref="Observation"/> before and updates it after.
    /// </summary>
    /// <param name="action"><c>[N, A]</c>, entries in [-1, 1] (clipped).</param>
    /// <param name="result">What happened; valid until the next call.</param>
    public abstract void Step(ReadOnlySpan<float> action, out StepResult result);

    /// <summary>Adds the state of every copy to a checkpoint.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="prefix">First part of the tensors' names.</param>
    /// <exception cref="InvalidOperationException">A copy rests.</exception>
    public abstract void SaveState(SafetensorsWriter writer, string prefix);

    /// <summary>Restores what <see cref="SaveState"/> wrote.</summary>
    /// <param name="file">Where from.</param>
    /// <param name="prefix">First part of the tensors' names.</param>
    /// <exception cref="InvalidDataException">A tensor is missing or of another type or shape.</exception>
    public abstract void LoadState(SafetensorsFile file, string prefix);

    /// <inheritdoc/>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>Outcome of one vector step.</summary>
public readonly ref struct StepResult
{
    /// <summary>States after the step, before any new episode begins, <c>[N, S]</c>.</summary>
    public required ReadOnlySpan<float> NextObservation { get; init; }

    /// <summary>Rewards, <c>[N]</c>.</summary>
    public required ReadOnlySpan<float> Reward { get; init; }

    /// <summary>1 where the task ended (goal reached), <c>[N]</c>.</summary>
    public required ReadOnlySpan<byte> Terminated { get; init; }

    /// <summary>1 where the time limit cut the episode without termination, <c>[N]</c>.</summary>
    public required ReadOnlySpan<byte> Truncated { get; init; }
}

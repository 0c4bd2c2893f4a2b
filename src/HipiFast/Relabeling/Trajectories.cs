using HipiFast.Kernels.Memory;
using HipiFast.Replay;

namespace HipiFast.Relabeling;

/// <summary>Finds the trajectories of a batch.</summary>
internal sealed unsafe class Trajectories : IDisposable
{
    private readonly NativeBuffer<int> _start = new(0);
    private readonly NativeBuffer<float> _commanded = new(0);
    private readonly HashSet<long> _episodes = [];

    /// <summary>The runs of rows of equal episodes.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="episode">The rows' episode numbers.</param>
    /// <param name="options">How to relabel.</param>
    /// <returns>The trajectories; valid until the next call.</returns>
    /// <exception cref="ArgumentException">
    /// Lengths disagree, the options do not apply to trajectories, or an episode comes twice.
    /// </exception>
    public Units Find(TransitionBatch batch, ReadOnlySpan<long> episode, RelabelOptions options)
    {
        if (episode.Length != batch.Count)
        {
            throw new ArgumentException(
                $"There are {episode.Length} episode numbers for {batch.Count} transitions.", nameof(episode));
        }

        if (options.Strategy == RelabelStrategy.Future || options.MixesGoals || options.AssignsByTask)
        {
            throw new ArgumentException(
                "Whole trajectories are relabeled by inverse RL by row, final, random or none, without a goal mix.");
        }

        int dimension = batch.Shape.TaskDimension, count = 0;
        _start.EnsureLength(batch.Count + 1L);
        _commanded.EnsureLength((long)batch.Count * dimension);
        _episodes.Clear();
        for (int row = 0; row < episode.Length; row++)
        {
            if (row > 0 && episode[row] == episode[row - 1])
            {
                continue;
            }

            if (!_episodes.Add(episode[row]))
            {
                throw new ArgumentException(
                    $"Row {row} belongs to episode {episode[row]}, which had ended before; the rows of an episode must "
                    + "be side by side.",
                    nameof(episode));
            }

            batch.Task.Slice(row * dimension, dimension).CopyTo(_commanded.Slice((long)count * dimension, dimension));
            _start[count++] = row;
        }

        _start[count] = batch.Count;
        return new Units(count, _start.Pointer, _commanded.Pointer, dimension);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _start.Dispose();
        _commanded.Dispose();
    }
}

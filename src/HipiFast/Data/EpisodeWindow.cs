using HipiFast.Kernels.Memory;
using HipiFast.Replay;

namespace HipiFast.Data;

/// <summary>
/// A block of transitions of a file together with what follows in the episode of its last: where goals of later states
/// (HER's <c>final</c> and <c>future</c>) are found without the whole file in memory.
/// </summary>
/// <remarks>Memory goes with the block and the longest episode.</remarks>
public sealed class EpisodeWindow : IDisposable
{
    private const int TailRows = 4096;

    private readonly TransitionReader _reader;
    private readonly TransitionBatch _tail;
    private readonly long[] _tailRowOf = new long[TailRows];
    private ReplayBuffer? _replay;
    private UseGuard _use;

    /// <summary>Makes an empty window.</summary>
    /// <param name="reader">The file; not disposed.</param>
    /// <param name="shape">Widths of the transitions.</param>
    /// <exception cref="InvalidDataException">The file has no episodes.</exception>
    public EpisodeWindow(TransitionReader reader, TransitionShape shape)
    {
        ArgumentNullException.ThrowIfNull(reader);
        if (!reader.HasEpisodes)
        {
            throw new InvalidDataException(
                $"'{reader.Path}' does not say which episode each transition belongs to; expected a column 'episode' "
                + "[B] or one that says where time limits cut episodes ('truncated' or 'timeouts').");
        }

        _reader = reader;
        _tail = new TransitionBatch(shape, TailRows);
    }

    /// <summary>
    /// Moves the window to a block that has just been read, and numbers the batch's transitions as they are numbered in
    /// what is returned.
    /// </summary>
    /// <param name="batch">
    /// What <see cref="TransitionReader.Read"/> read. Its terminations are cleared: an episode goes on behind the end
    /// of
    /// the task that was commanded.
    /// </param>
    /// <param name="rowOf">Row in the file of each of its transitions.</param>
    /// <param name="horizon">Most steps ahead that are looked at; 0 for the rest of the episode.</param>
    /// <returns>The transitions of the block and those behind it; good until the next call.</returns>
    /// <exception cref="InvalidDataException">A value of the file cannot be.</exception>
    public ReplayBuffer MoveTo(TransitionBatch batch, ReadOnlySpan<long> rowOf, int horizon = 0)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using UseGuard.Scope use = _use.Enter(this);
        int count = batch.Count;
        long behind = count == 0 ? 0 : rowOf[count - 1] + 1, end = count == 0 ? 0 : _reader.EpisodeEnd(behind - 1) + 1;
        if (horizon > 0)
        {
            end = Math.Min(end, behind + horizon);
        }

        _replay?.Dispose();
        _replay = null;
        ReplayBuffer replay = new(batch.Shape, Math.Max(1, count + end - behind));
        _replay = replay;
        batch.Terminated.Clear();
        for (int row = 0; row < count; row++)
        {
            bool goesOn = row + 1 < count
                ? _reader.EpisodeEnd(rowOf[row]) >= rowOf[row + 1]
                : end > behind;
            replay.AppendRow(batch, row, !goesOn);
            batch.ReplayIndex[row] = row;
        }

        for (long first = behind; first < end; first += TailRows)
        {
            int kept = _reader.Read(_tail, first, (int)Math.Min(TailRows, end - first), _tailRowOf);
            _tail.Terminated.Clear();
            for (int row = 0; row < kept; row++)
            {
                replay.AppendRow(_tail, row, truncated: false);
            }
        }

        return replay;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_use.Close(this))
        {
            _tail.Dispose();
            _replay?.Dispose();
        }
    }
}

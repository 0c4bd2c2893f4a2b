using HipiFast.Kernels.Tasks;
using HipiFast.Replay;

namespace HipiFast.Data.Linting;

/// <summary>The rows of a file one after the other, with those before them and what the file says of
/// episodes.</summary>
internal sealed class LintRows : IDisposable
{
    private const int BlockRows = 4096;

    private readonly TransitionReader _reader;
    private readonly TransitionRole? _truncatedRole;
    private readonly TransitionBatch _batch;
    private readonly byte[] _isTransition = new byte[BlockRows];
    private readonly byte[] _truncated = new byte[BlockRows];
    private readonly float[] _before;
    private readonly float[] _beforeThat;
    private readonly float[] _nextBefore;
    private readonly long _end;
    private long _blockFirst;
    private int _blockRows;

    /// <summary>Begins before the first row.</summary>
    /// <param name="reader">The file, whose values are not looked at when they are read.</param>
    /// <param name="most">Most rows.</param>
    public LintRows(TransitionReader reader, long most = long.MaxValue)
    {
        _reader = reader;
        _truncatedRole = reader.Role(ColumnMap.Truncated);
        _batch = new TransitionBatch(reader.Shape(), (int)Math.Min(BlockRows, reader.Rows));
        _before = new float[reader.ObservationDimension];
        _beforeThat = new float[reader.ObservationDimension];
        _nextBefore = new float[reader.ObservationDimension];
        _end = Math.Min(reader.Rows, most);
        HasEpisodes = reader.HasEpisodes;
    }

    /// <summary>Whether the file says where episodes end.</summary>
    public bool HasEpisodes { get; }

    /// <summary>The row, counted from 0.</summary>
    public long Row { get; private set; } = -1;

    /// <summary>Whether a block has just been read, whose rows <see cref="Block"/> holds.</summary>
    public bool BeginsBlock => At == 0;

    /// <summary>The row's place in <see cref="Block"/>.</summary>
    public int At => (int)(Row - _blockFirst);

    /// <summary>The block's rows, no transitions among them.</summary>
    public TransitionBatch Block => _batch;

    /// <summary>Number of the episode, from 0; 0 where the file has none.</summary>
    public int Episode { get; private set; }

    /// <summary>Rows before this one in its episode.</summary>
    public long FromStart { get; private set; }

    /// <summary>Rows behind this one in its episode; many where the file has no episodes.</summary>
    public long ToEnd { get; private set; }

    /// <summary>Whether the row is a transition.</summary>
    public bool IsTransition => _isTransition[At] != 0;

    /// <summary>Whether <see cref="Next"/> is the state after the step.</summary>
    public bool HasNext => !(_reader.LacksFinalStates && ToEnd == 0);

    /// <summary>s.</summary>
    public ReadOnlySpan<float> State => Slice(_batch.Observation, _reader.ObservationDimension);

    /// <summary>a.</summary>
    public ReadOnlySpan<float> Action => Slice(_batch.Action, _reader.ActionDimension);

    /// <summary>s'.</summary>
    public ReadOnlySpan<float> Next => Slice(_batch.NextObservation, _reader.ObservationDimension);

    /// <summary>psi; zeros where the file has no tasks.</summary>
    public ReadOnlySpan<float> Task => Slice(_batch.Task, _batch.Shape.TaskDimension);

    /// <summary>r.</summary>
    public float Reward => _batch.Reward[At];

    /// <summary>0, 1 or what is neither.</summary>
    public byte Terminated => _batch.Terminated[At];

    /// <summary>0, 1 or what is neither; 0 where the file does not say.</summary>
    public byte Truncated => _truncated[At];

    /// <summary>s of the row before; zeros before the first.</summary>
    public ReadOnlySpan<float> Before => _before;

    /// <summary>s of the row before that.</summary>
    public ReadOnlySpan<float> BeforeThat => _beforeThat;

    /// <summary>s' of the row before.</summary>
    public ReadOnlySpan<float> NextBefore => _nextBefore;

    /// <summary>Whether the row before ended its task.</summary>
    public bool TerminatedBefore { get; private set; }

    /// <summary>Goes to the next row.</summary>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public bool MoveNext()
    {
        if (Row + 1 >= _end)
        {
            return false;
        }

        if (Row >= 0)
        {
            _before.CopyTo(_beforeThat, 0);
            State.CopyTo(_before);
            Next.CopyTo(_nextBefore);
            TerminatedBefore = Terminated == 1;
        }

        Row++;
        if (Row >= _blockFirst + _blockRows)
        {
            _blockFirst = Row;
            _blockRows = (int)Math.Min(_batch.Capacity, _reader.Rows - Row);
            _reader.ReadAllRows(_batch, Row, _blockRows, _isTransition);
            if (_truncatedRole is not null)
            {
                _reader.ReadFlags(_truncatedRole, Row, _truncated.AsSpan(0, _blockRows));
            }
        }

        if (!HasEpisodes)
        {
            (FromStart, ToEnd) = (Row, _reader.Rows - 1 - Row);
        }
        else if (Row == 0 || ToEnd == 0)
        {
            Episode = _reader.Episodes.Of(Row);
            FromStart = 0;
            ToEnd = _reader.Episodes.End(Episode) - 1 - Row;
        }
        else
        {
            FromStart++;
            ToEnd--;
        }

        return true;
    }

    /// <summary>Reward and termination of the block's rows under their own tasks.</summary>
    /// <param name="family">What judges.</param>
    /// <param name="swapsStates">Whether the states before and after the step change places.</param>
    /// <param name="reward">Receives one for each row.</param>
    /// <param name="terminated">Receives one for each row.</param>
    public void Judge(TaskFamily family, bool swapsStates, Span<float> reward, Span<byte> terminated)
    {
        TransitionRows rows = swapsStates
            ? new TransitionRows(_batch.NextObservation, _batch.Action, _batch.Observation, _batch.Count)
            : _batch.Transitions;
        family.EvaluateRows(rows, _batch.Task, reward[.._batch.Count], terminated[.._batch.Count]);
    }

    /// <inheritdoc/>
    public void Dispose() => _batch.Dispose();

    private ReadOnlySpan<float> Slice(Span<float> matrix, int width) => matrix.Slice(At * width, width);
}

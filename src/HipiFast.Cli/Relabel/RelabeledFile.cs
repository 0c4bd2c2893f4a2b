using System.Runtime.InteropServices;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Memory;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Storage;

namespace HipiFast.Cli.Relabel;

/// <summary>
/// Collects what <c>relabel</c> writes. The columns of B entries stay in memory; the matrices of B x K go block by
/// block to a temporary file beside the result, so that memory does not grow with K.
/// </summary>
internal sealed unsafe class RelabeledFile : IRelabelObserver, IDisposable
{
    private readonly TransitionShape _shape;
    private readonly long _rows;
    private readonly bool _movesTransitions;
    private readonly NativeBuffer<int> _taskIndex;
    private readonly NativeBuffer<byte> _relabeled;
    private readonly List<(TransitionColumn Column, NativeBuffer<byte> Rows)> _columns = [];
    private readonly MatrixSpool? _softQ;
    private readonly MatrixSpool? _posterior;
    private readonly List<float> _logPartition = [];
    private int _logPartitionRows;

    public RelabeledFile(
        string path, long rows, TransitionShape shape, bool softQ, bool posterior, bool movesTransitions)
    {
        _shape = shape;
        _rows = rows;
        _taskIndex = new NativeBuffer<int>(rows);
        _relabeled = new NativeBuffer<byte>(rows);
        _movesTransitions = movesTransitions;
        foreach (TransitionColumn column in TransitionBatch.Schema)
        {
            if (column.IsStored && (movesTransitions || column.Owner != ColumnOwner.Transition))
            {
                _columns.Add((column, new NativeBuffer<byte>(rows * column.RowBytes(shape))));
            }
        }

        _softQ = softQ ? new MatrixSpool(path, "soft_q") : null;
        _posterior = posterior ? new MatrixSpool(path, "posterior") : null;
    }

    /// <summary>Whether a matrix is wanted that only an observer of the relabeler sees.</summary>
    public bool NeedsObserver => _softQ is not null || _posterior is not null;

    /// <inheritdoc/>
    public bool WantsPosterior => _posterior is not null;

    /// <inheritdoc/>
    public void OnBlock(in RelabelBlock block)
    {
        _softQ?.Append(block.SoftQ, block.Rows, block.Candidates);
        _posterior?.Append(block.Posterior, block.Rows, block.Candidates);
    }

    /// <summary>Keeps the result of one batch.</summary>
    /// <param name="batch">The batch as relabeled.</param>
    /// <param name="result">What the relabeler said.</param>
    /// <param name="firstRow">Row of the file where the batch began.</param>
    /// <param name="indexOffset">Added to task indices (by task: not read).</param>
    /// <param name="keepLogPartition">Whether logZ is wanted.</param>
    public void Take(
        TransitionBatch batch, in RelabelResult result, long firstRow, int indexOffset, bool keepLogPartition)
    {
        Span<int> index = _taskIndex.Slice(firstRow, batch.Count);
        for (int row = 0; row < index.Length; row++)
        {
            // By task the relabeler counts relabeled slots; what a slot kept is the task of its own row.
            int candidate = !_movesTransitions ? result.TaskIndex[row] + indexOffset : (int)firstRow + row;
            index[row] = result.TaskIndex[row] < 0 ? -1 : candidate;
        }

        result.Relabeled.CopyTo(_relabeled.Slice(firstRow, batch.Count));
        foreach ((TransitionColumn column, NativeBuffer<byte> rows) in _columns)
        {
            batch.CopyTo(column, rows.Pointer + (firstRow * column.RowBytes(_shape)));
        }

        if (keepLogPartition)
        {
            _logPartition.AddRange(result.LogPartition);
            _logPartitionRows++;
        }
    }

    /// <summary>Writes the file, atomically.</summary>
    /// <param name="path">The file.</param>
    /// <param name="withRewards">Whether rewards and terminations mean something.</param>
    /// <param name="indexMeaning">What a task index counts, for a reader of the file's metadata.</param>
    /// <param name="partition">Over what logZ was computed, likewise.</param>
    public void Save(string path, bool withRewards, string indexMeaning, string partition)
    {
        SafetensorsWriter writer = new();
        writer.Metadata["task_index"] = indexMeaning;
        writer.Metadata["partition"] = partition;
        writer.AddReference("task_index", _taskIndex.Pointer, _rows);
        writer.AddReference("relabeled", _relabeled.Pointer, _rows);
        foreach ((TransitionColumn column, NativeBuffer<byte> rows) in _columns)
        {
            if (withRewards || column.Owner != ColumnOwner.Outcome)
            {
                column.AddTo(writer, rows.Pointer, _rows, _shape);
            }
        }

        if (_logPartitionRows > 0)
        {
            // One partition per batch: [K] for the usual single batch, [batches, K] otherwise.
            Span<float> values = CollectionsMarshal.AsSpan(_logPartition);
            if (_logPartitionRows == 1)
            {
                writer.Add<float>("log_partition", values, values.Length);
            }
            else
            {
                writer.Add<float>("log_partition", values, _logPartitionRows, values.Length / _logPartitionRows);
            }
        }

        _softQ?.AddTo(writer);
        _posterior?.AddTo(writer);
        writer.Save(path);
        GC.KeepAlive(this);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _taskIndex.Dispose();
        _relabeled.Dispose();
        _columns.ForEach(column => column.Rows.Dispose());
        _softQ?.Dispose();
        _posterior?.Dispose();
    }
}

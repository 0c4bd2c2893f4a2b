namespace HipiFast.Kernels.Relabeling;

/// <summary>
/// How the rows of Q~ go through memory, in every pipeline: in blocks, first for the partition where there is one, then
/// for the posterior. One block is still in memory from the partition; several are computed again, with the same noise
/// because it is counted by row.
/// </summary>
internal readonly struct RowBlocks
{
    /// <summary>
    /// Rows that blocks are multiples of where more than that fit: blocks then end where the sums of the undivided
    /// batch end, too.
    /// </summary>
    public const int Alignment = 64;

    private readonly int _rows;
    private readonly int _blocks;
    private readonly bool _hasPartition;

    /// <summary>Divides the rows.</summary>
    /// <param name="rows">B, 1 or more.</param>
    /// <param name="fittingRows">Rows of Q~ that fit into memory; at least one is taken to.</param>
    /// <param name="hasPartition">Whether logZ is computed.</param>
    public RowBlocks(int rows, long fittingRows, bool hasPartition)
    {
        if (fittingRows < rows && fittingRows > Alignment)
        {
            fittingRows -= fittingRows % Alignment;
        }

        BlockRows = (int)Math.Clamp(fittingRows, 1, rows);
        _rows = rows;
        _blocks = ((rows - 1) / BlockRows) + 1;
        _hasPartition = hasPartition;
    }

    /// <summary>Rows of a block; the last may have fewer.</summary>
    public int BlockRows { get; }

    /// <summary>Blocks that the rows are divided into.</summary>
    public int BlockCount => _blocks;

    /// <summary>Steps of the call. Each computes a block of Q~.</summary>
    public int StepCount => _hasPartition && _blocks > 1 ? checked(2 * _blocks) : _blocks;

    /// <summary>A step by its number, in [0, <see cref="StepCount"/>).</summary>
    /// <param name="step">The number.</param>
    /// <returns>The step.</returns>
    public RowStep this[int step]
    {
        get
        {
            bool accumulates = _hasPartition && step < _blocks;
            int block = step % _blocks, first = block * BlockRows;
            return new RowStep(
                first, Math.Min(BlockRows, _rows - first), accumulates, accumulates && block == _blocks - 1,
                !accumulates || _blocks == 1);
        }
    }
}

namespace HipiFast.Kernels.LogPartition;

/// <summary>The log partition 10% slower: one block of rows in ten is folded in once more, into statistics that nobody reads.</summary>
internal sealed unsafe partial class ManagedLogPartition<TSimd, TVector>
{
    private const int OneIn = 10;

    private readonly float[] _repeatedMax = new float[MaxChunkColumns];
    private readonly float[] _repeatedSum = new float[MaxChunkColumns];
    private readonly float[] _repeatedCompensation = new float[MaxChunkColumns];

    partial void RepeatShare(int row, float* softQ, int columns)
    {
        if (row / RowBlock % OneIn == 0)
        {
            fixed (float* max = _repeatedMax, sum = _repeatedSum, compensation = _repeatedCompensation)
            {
                AccumulateRows(softQ, _candidates, columns, max, sum, compensation);
            }
        }
    }
}

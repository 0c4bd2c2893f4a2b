using HipiFast.Kernels.LogPartition;

namespace HipiFast.SlowKernel;

/// <summary>
/// A log partition 10% slower: one row in ten is folded in once more, into statistics that nobody reads.
/// </summary>
/// <param name="inner">The log partition.</param>
internal sealed class SlowLogPartition(ILogPartitionKernel inner) : ILogPartitionKernel
{
    private const int OneIn = 10;

    private float[] _max = [];
    private float[] _sum = [];

    public void Accumulate(
        ReadOnlySpan<float> softQ, int rows, int candidates, Span<float> runningMax, Span<float> runningSum)
    {
        inner.Accumulate(softQ, rows, candidates, runningMax, runningSum);
        int again = rows / OneIn;
        if (again == 0)
        {
            return;
        }

        if (_max.Length < candidates)
        {
            (_max, _sum) = (new float[candidates], new float[candidates]);
        }

        Span<float> max = _max.AsSpan(0, candidates), sum = _sum.AsSpan(0, candidates);
        max.Fill(float.NegativeInfinity);
        sum.Clear();
        inner.Accumulate(softQ[..(again * candidates)], again, candidates, max, sum);
    }

    public void Finish(
        ReadOnlySpan<float> runningMax, ReadOnlySpan<float> runningSum, long totalRows, Span<float> logPartition) =>
        inner.Finish(runningMax, runningSum, totalRows, logPartition);
}

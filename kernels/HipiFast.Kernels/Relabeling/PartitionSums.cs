using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Relabeling;

/// <summary>
/// logZ of a call, of rows that come block by block: over the call's own rows, or over those of earlier calls, too.
/// </summary>
/// <param name="kernel">Computes it.</param>
internal sealed class PartitionSums(ILogPartitionKernel kernel) : IDisposable
{
    private readonly NativeBuffer<float> _max = new(0);
    private readonly NativeBuffer<float> _sum = new(0);
    private RunningPartition? _running;
    private int _candidates;

    /// <summary>Makes room; a call of no more candidates then allocates nothing.</summary>
    /// <param name="candidates">K.</param>
    public void Reserve(int candidates)
    {
        _max.EnsureLength(candidates);
        _sum.EnsureLength(candidates);
    }

    /// <summary>Begins a call.</summary>
    /// <param name="candidates">K.</param>
    /// <param name="running">
    /// Earlier calls that count, or null; the caller commits this one to them once it has succeeded.
    /// </param>
    public void Begin(int candidates, RunningPartition? running)
    {
        _running = running;
        _candidates = candidates;
        if (running is not null)
        {
            running.Begin(candidates);
            return;
        }

        Reserve(candidates);
        _max.Slice(0, candidates).Fill(float.NegativeInfinity);
        _sum.Slice(0, candidates).Clear();
    }

    /// <summary>Adds rows.</summary>
    /// <param name="softQ">Their Q~ <c>[rows, K]</c>.</param>
    /// <param name="rows">How many.</param>
    public void Add(ReadOnlySpan<float> softQ, int rows)
    {
        Span<float> max = _running is null ? _max.Slice(0, _candidates) : _running.NewMax,
            sum = _running is null ? _sum.Slice(0, _candidates) : _running.NewSum;
        kernel.Accumulate(softQ, rows, _candidates, max, sum);
    }

    /// <summary>The log partition, once all rows have been added.</summary>
    /// <param name="rows">Rows of the call.</param>
    /// <param name="logPartition">Receives logZ <c>[K]</c>.</param>
    public void Finish(int rows, Span<float> logPartition)
    {
        if (_running is null)
        {
            kernel.Finish(_max.Slice(0, _candidates), _sum.Slice(0, _candidates), rows, logPartition);
        }
        else
        {
            _running.Finish(kernel, rows, logPartition);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _max.Dispose();
        _sum.Dispose();
    }
}

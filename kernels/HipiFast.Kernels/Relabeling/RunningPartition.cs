using System.Numerics.Tensors;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Relabeling;

/// <summary>
/// The log partition of a fixed set of tasks over the batches so far, older ones fading:
/// <c>logZ_i = log sum_c d^c sum_j exp Q~_c[j, i] - log sum_c d^c B_c</c>, where batch c = 0 is the newest.
/// </summary>
/// <remarks>
/// The soft Q-values of earlier batches are those of the networks of their time. With d = 0 only the newest batch
/// counts. A call adds the newest batch to sums that are kept only once it is committed.
/// </remarks>
internal sealed class RunningPartition(float decay) : IDisposable
{
    private readonly NativeBuffer<float> _max = new(0);
    private readonly NativeBuffer<float> _sum = new(0);

    // With the newest batch.
    private readonly NativeBuffer<float> _newMax = new(0);
    private readonly NativeBuffer<float> _newSum = new(0);
    private double _newWeight;
    private int _newCount;

    /// <summary>Rows that are in the sums, each with its weight; 0 before the first batch.</summary>
    public double Weight { get; private set; }

    /// <summary>K; 0 before the first batch.</summary>
    public int Count { get; private set; }

    /// <summary>Maxima <c>[K]</c> that the sums are relative to.</summary>
    public Span<float> Max => _max.Slice(0, Count);

    /// <summary>The sums <c>[K]</c>.</summary>
    public Span<float> Sum => _sum.Slice(0, Count);

    /// <summary>Maxima <c>[K]</c> with the newest batch, for <see cref="ILogPartitionKernel.Accumulate"/>.</summary>
    public Span<float> NewMax => _newMax.Slice(0, _newCount);

    /// <summary>Sums <c>[K]</c> with the newest batch.</summary>
    public Span<float> NewSum => _newSum.Slice(0, _newCount);

    /// <summary>Makes the faded sums of the batches so far, to which the newest will be added.</summary>
    /// <param name="candidates">K.</param>
    public void Begin(int candidates)
    {
        _newMax.EnsureLength(candidates);
        _newSum.EnsureLength(candidates);
        _newCount = candidates;
        Span<float> max = NewMax, sum = NewSum;
        if (Count != candidates || Weight == 0)
        {
            max.Fill(float.NegativeInfinity);
            sum.Clear();
            return;
        }

        Max.CopyTo(max);
        TensorPrimitives.Multiply(Sum, decay, sum);
    }

    /// <summary>The log partition once the newest batch is in the sums of <see cref="Begin"/>.</summary>
    /// <param name="kernel">Computes it.</param>
    /// <param name="rows">Rows of the newest batch.</param>
    /// <param name="logPartition">Receives logZ <c>[K]</c>.</param>
    public void Finish(ILogPartitionKernel kernel, int rows, Span<float> logPartition)
    {
        _newWeight = (Count == _newCount ? decay * Weight : 0) + rows;
        kernel.Finish(NewMax, NewSum, 1, logPartition);
        TensorPrimitives.Subtract(logPartition, (float)Math.Log(_newWeight), logPartition);
    }

    /// <summary>Keeps the sums with the newest batch for the next call, after <see cref="Finish"/>.</summary>
    public void Commit()
    {
        Resize(_newWeight, _newCount);

        // Each sum becomes 1, its size going into the maximum: a maximum of long ago would leave nothing of values far
        // below it.
        for (int i = 0; i < Count; i++)
        {
            bool isEmpty = _newSum[i] == 0;
            _max[i] = isEmpty ? float.NegativeInfinity : _newMax[i] + MathF.Log(_newSum[i]);
            _sum[i] = isEmpty ? 0 : 1;
        }
    }

    /// <summary>Forgets all batches.</summary>
    public void Clear() => Resize(0, 0);

    /// <summary>
    /// Makes room for sums of a checkpoint, to be filled through <see cref="Max"/> and <see cref="Sum"/>.
    /// </summary>
    /// <param name="weight">Their <see cref="Weight"/>.</param>
    /// <param name="count">K.</param>
    public void Resize(double weight, int count)
    {
        Weight = weight;
        Count = count;
        _max.EnsureLength(count);
        _sum.EnsureLength(count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _max.Dispose();
        _sum.Dispose();
        _newMax.Dispose();
        _newSum.Dispose();
    }
}

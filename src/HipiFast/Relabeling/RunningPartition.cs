using System.Numerics.Tensors;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.Memory;
using HipiFast.Storage;

namespace HipiFast.Relabeling;

/// <summary>
/// The log partition of a fixed set of tasks over the batches so far, older ones fading:
/// <c>logZ_i = log sum_c d^c sum_j exp Q~_c[j, i] - log sum_c d^c B_c</c>, where batch c = 0 is the newest.
/// </summary>
/// <remarks>The soft Q-values of earlier batches are those of the networks of their time. With d = 0 only the newest batch counts.</remarks>
internal sealed class RunningPartition(float decay) : IDisposable
{
    private readonly NativeBuffer<float> _max = new(0);
    private readonly NativeBuffer<float> _sum = new(0);

    // Rows that are in the sums, each with its weight. 0: nothing yet.
    private double _weight;
    private int _count;

    /// <summary>Puts the faded sums of the batches so far where those of the newest will be added.</summary>
    /// <param name="max">Running maximum <c>[K]</c>.</param>
    /// <param name="sum">Running sum <c>[K]</c>.</param>
    public void Begin(Span<float> max, Span<float> sum)
    {
        if (_count != max.Length || _weight == 0)
        {
            max.Fill(float.NegativeInfinity);
            sum.Clear();
            return;
        }

        _max.Slice(0, _count).CopyTo(max);
        TensorPrimitives.Multiply(_sum.Slice(0, _count), decay, sum);
    }

    /// <summary>The log partition once the newest batch is in the sums.</summary>
    /// <param name="kernel">Computes it.</param>
    /// <param name="max">What <see cref="Begin"/> prepared, with the newest batch accumulated.</param>
    /// <param name="sum">Likewise.</param>
    /// <param name="rows">Rows of the newest batch.</param>
    /// <param name="logPartition">Receives logZ <c>[K]</c>.</param>
    public void Finish(ILogPartitionKernel kernel, ReadOnlySpan<float> max, ReadOnlySpan<float> sum, int rows, Span<float> logPartition)
    {
        kernel.Finish(max, sum, 1, logPartition);
        TensorPrimitives.Subtract(logPartition, (float)Math.Log(WeightWith(rows, max.Length)), logPartition);
    }

    /// <summary>Keeps the sums with the newest batch for the next call.</summary>
    /// <param name="max">As for <see cref="Finish"/>.</param>
    /// <param name="sum">As for <see cref="Finish"/>.</param>
    /// <param name="rows">As for <see cref="Finish"/>.</param>
    public void Commit(ReadOnlySpan<float> max, ReadOnlySpan<float> sum, int rows)
    {
        _weight = WeightWith(rows, max.Length);
        _count = max.Length;
        _max.EnsureLength(_count);
        _sum.EnsureLength(_count);

        // Each sum becomes 1, its size going into the maximum: a maximum of long ago would leave nothing of values far below it.
        for (int i = 0; i < _count; i++)
        {
            bool isEmpty = sum[i] == 0;
            _max[i] = isEmpty ? float.NegativeInfinity : max[i] + MathF.Log(sum[i]);
            _sum[i] = isEmpty ? 0 : 1;
        }
    }

    /// <summary>Forgets all batches.</summary>
    public void Clear() => _weight = _count = 0;

    /// <summary>Adds the sums to a checkpoint.</summary>
    public void SaveState(SafetensorsWriter writer, string prefix)
    {
        writer.Add<double>(prefix + "weight", [_weight], 1);
        writer.Add<float>(prefix + "max", _max.Slice(0, _count), _count);
        writer.Add<float>(prefix + "sum", _sum.Slice(0, _count), _count);
    }

    /// <summary>Restores what <see cref="SaveState"/> wrote.</summary>
    /// <exception cref="InvalidDataException">Something is missing or has another shape.</exception>
    public void LoadState(SafetensorsFile file, string prefix, int candidates)
    {
        file.Require(prefix + "weight", TensorType.Float64, 1);
        file.Read(prefix + "weight", new Span<double>(ref _weight));
        _count = _weight == 0 ? 0 : candidates;
        file.Require(prefix + "max", TensorType.Float32, _count);
        file.Require(prefix + "sum", TensorType.Float32, _count);
        _max.EnsureLength(_count);
        _sum.EnsureLength(_count);
        file.Read(prefix + "max", _max.Slice(0, _count));
        file.Read(prefix + "sum", _sum.Slice(0, _count));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _max.Dispose();
        _sum.Dispose();
    }

    private double WeightWith(int rows, int candidates) => (_count == candidates ? decay * _weight : 0) + rows;
}

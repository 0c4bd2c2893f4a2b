using System.Runtime.CompilerServices;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.Dense;

/// <summary>
/// Actions sampled from the actor's outputs and what the actor's gradient needs of them, for a batch. With mean and
/// log-std l of the network and a standard normal z: <c>x = mean + exp(l) z</c>, <c>a = tanh(x)</c>.
/// <see cref="IDenseKernel.SampleActions"/> fills it.
/// </summary>
/// <remarks>
/// All <c>[rows][A]</c> without padding, so that the arithmetic runs over one flat array whatever A is; each array is
/// padded at its end. Pointers are good until this object is disposed of or collected.
/// </remarks>
public sealed unsafe class PolicySample : IDisposable
{
    private readonly NativeBuffer<float> _memory;

    /// <summary>Allocates for up to <paramref name="capacity"/> rows.</summary>
    /// <param name="actionDimension">A, 1 or more.</param>
    /// <param name="capacity">Most rows, 1 or more.</param>
    public PolicySample(int actionDimension, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(actionDimension, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ActionDimension = actionDimension;
        Capacity = capacity;
        long entries = Round((long)capacity * actionDimension);
        _memory = new NativeBuffer<float>((7 * entries) + Round(capacity));
        float* at = _memory.Pointer;
        Mean = Take(entries);
        RawLogStd = Take(entries);
        Std = Take(entries);
        Noise = Take(entries);
        Slope = Take(entries);
        Term = Take(entries);
        Action = Take(entries);
        LogProbability = Take(Round(capacity));

        float* Take(long length)
        {
            float* taken = at;
            at += length;
            return taken;
        }

        static long Round(long length) => (length + MlpShape.LaneCount - 1) / MlpShape.LaneCount * MlpShape.LaneCount;
    }

    /// <summary>A, entries of an action.</summary>
    public int ActionDimension { get; }

    /// <summary>Most rows.</summary>
    public int Capacity { get; }

    /// <summary>a, <c>[rows][A]</c>, in [-1, 1].</summary>
    /// <exception cref="ObjectDisposedException">The sample has been disposed of.</exception>
    public float* Action
    {
        get
        {
            ThrowIfDisposed();
            return field;
        }
    }

    /// <summary>log pi(a), <c>[rows]</c>, in nats.</summary>
    /// <exception cref="ObjectDisposedException">The sample has been disposed of.</exception>
    public float* LogProbability
    {
        get
        {
            ThrowIfDisposed();
            return field;
        }
    }

    /// <summary>The network's means, <c>[rows][A]</c>.</summary>
    internal float* Mean { get; }

    /// <summary>l as the network gave it, before clamping.</summary>
    internal float* RawLogStd { get; }

    /// <summary>exp of the clamped l.</summary>
    internal float* Std { get; }

    /// <summary>z.</summary>
    internal float* Noise { get; }

    /// <summary>1 - a^2, also where a rounds to 1.</summary>
    internal float* Slope { get; }

    /// <summary>One entry's share of the log-probability.</summary>
    internal float* Term { get; }

    /// <summary>
    /// Gradient of <c>sum_b (w log pi(a_b) + f_b(a_b))</c> with respect to the actor's outputs, z held fixed:
    /// <c>dmean = f' (1 - a^2) + 2 w a</c>, <c>dlogstd = dmean std z - w</c>, zero where the log-std was clamped.
    /// </summary>
    /// <param name="actionGradient1">First part of f', <c>[batch][A]</c>.</param>
    /// <param name="actionGradient2">Second part of f', or null.</param>
    /// <param name="logProbabilityWeight">w.</param>
    /// <param name="firstRow">Row of the batch that the first row of the result is.</param>
    /// <param name="outputGradient">
    /// Receives the gradient, <c>[rows][OutputStride]</c>; rows within the sample are not checked.
    /// </param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Backward(
        float* actionGradient1, float* actionGradient2, float logProbabilityWeight, int firstRow,
        in MatrixView outputGradient)
    {
        ThrowIfDisposed();
        int at = firstRow * ActionDimension;
        for (int row = 0; row < outputGradient.Rows; row++)
        {
            float* to = outputGradient.Row(row);
            for (int d = 0; d < ActionDimension; d++, at++)
            {
                float f = actionGradient1[at] + (actionGradient2 == null ? 0f : actionGradient2[at]);
                float mean = (f * Slope[at]) + (2f * logProbabilityWeight * Action[at]), raw = RawLogStd[at];
                to[d] = mean;
                to[ActionDimension + d] =
                    raw is >= TanhGaussian.MinLogStd and <= TanhGaussian.MaxLogStd
                        ? (mean * Std[at] * Noise[at]) - logProbabilityWeight
                        : 0f;
            }
        }
    }

    /// <summary>Gives the memory back; a second call does nothing.</summary>
    public void Dispose() => _memory.Dispose();

    /// <summary>Copies A columns of the actor's outputs together.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal void Gather(in MatrixView actorOutput, int firstRow, int column, float* destination)
    {
        int actions = ActionDimension;
        float* to = destination + ((nint)firstRow * actions), from = actorOutput.Row(0) + column;
        for (int row = 0; row < actorOutput.Rows; row++)
        {
            for (int d = 0; d < actions; d++)
            {
                *to++ = from[d];
            }

            from += actorOutput.Stride;
        }
    }

    /// <summary>Adds up the entries' shares of the log-probability.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal void SumTerms(int firstRow, int rows)
    {
        int actions = ActionDimension;
        float* term = Term + ((nint)firstRow * actions), to = LogProbability + firstRow;
        for (int row = 0; row < rows; row++)
        {
            float sum = 0;
            for (int d = 0; d < actions; d++)
            {
                sum += *term++;
            }

            to[row] = sum;
        }
    }

    private void ThrowIfDisposed()
    {
        if (_memory.IsDisposed)
        {
            UseGuard.ThrowDisposed(this);
        }
    }
}

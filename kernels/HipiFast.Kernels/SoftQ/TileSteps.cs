using System.Runtime.CompilerServices;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// What happens to the sums of a layer in a tile, <c>[unit][48 pairs]</c>: normalisations and activations, in place,
/// while the tile is in the cache.
/// </summary>
internal static unsafe class TileSteps<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>An activation of a vector.</summary>
    private interface IActivation
    {
        static abstract TVector Apply(TVector x);
    }

    /// <summary>Applies the steps in their order.</summary>
    /// <param name="steps">The steps.</param>
    /// <param name="tile">The sums, replaced.</param>
    /// <param name="units">Units of the layer.</param>
    /// <param name="vectors">Vectors of 16 pairs in use.</param>
    public static void Apply(ReadOnlySpan<PackedStep> steps, float* tile, int units, int vectors)
    {
        int lanes = vectors * SoftQTiles.LaneBlock;
        for (int i = 0; i < steps.Length; i++)
        {
            if (!steps[i].IsNorm)
            {
                Activate(steps[i].Activation, tile, units, lanes);
                continue;
            }

            // A rectification that follows costs nothing where the normalised sums are written.
            bool rectify = i + 1 < steps.Length && steps[i + 1].Activation == Activation.Relu;
            for (int lane = 0; lane < lanes; lane += TSimd.Count)
            {
                Normalize(steps[i], tile + lane, units, rectify);
            }

            i += rectify ? 1 : 0;
        }
    }

    private static void Activate(Activation activation, float* tile, int units, int lanes)
    {
        switch (activation)
        {
            case Activation.Identity:
                break;
            case Activation.Relu:
                Activate<Relu>(tile, units, lanes);
                break;
            case Activation.Tanh:
                Activate<Tanh>(tile, units, lanes);
                break;
            case Activation.Elu:
                Activate<Elu>(tile, units, lanes);
                break;
            case Activation.Silu:
                Activate<Silu>(tile, units, lanes);
                break;
            case Activation.Gelu:
                Activate<Gelu>(tile, units, lanes);
                break;
            case Activation.GeluTanh:
                Activate<GeluTanh>(tile, units, lanes);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(activation));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Activate<TActivation>(float* tile, int units, int lanes)
        where TActivation : struct, IActivation
    {
        for (int unit = 0; unit < units; unit++, tile += SoftQTiles.TileStride)
        {
            for (int lane = 0; lane < lanes; lane += TSimd.Count)
            {
                TSimd.Store(TActivation.Apply(TSimd.Load(tile + lane)), tile + lane);
            }
        }
    }

    /// <summary>
    /// Normalises a vector of pairs over the units: mean, then variance about it, in four sums each, so that additions
    /// do not wait for one another.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Normalize(in PackedStep step, float* column, int units, bool rectify)
    {
        const int Stride = SoftQTiles.TileStride;
        TVector share = TSimd.Broadcast(1f / units);
        TVector s0 = TSimd.Zero, s1 = TSimd.Zero, s2 = TSimd.Zero, s3 = TSimd.Zero;
        float* x = column;
        int unit = 0;
        for (; unit <= units - 4; unit += 4, x += 4 * Stride)
        {
            s0 = TSimd.Add(s0, TSimd.Load(x));
            s1 = TSimd.Add(s1, TSimd.Load(x + Stride));
            s2 = TSimd.Add(s2, TSimd.Load(x + (2 * Stride)));
            s3 = TSimd.Add(s3, TSimd.Load(x + (3 * Stride)));
        }

        for (; unit < units; unit++, x += Stride)
        {
            s0 = TSimd.Add(s0, TSimd.Load(x));
        }

        TVector mean = TSimd.Multiply(TSimd.Add(TSimd.Add(s0, s1), TSimd.Add(s2, s3)), share);
        s0 = s1 = s2 = s3 = TSimd.Zero;
        x = column;
        for (unit = 0; unit <= units - 4; unit += 4, x += 4 * Stride)
        {
            TVector d0 = TSimd.Subtract(TSimd.Load(x), mean), d1 = TSimd.Subtract(TSimd.Load(x + Stride), mean);
            TVector d2 = TSimd.Subtract(TSimd.Load(x + (2 * Stride)), mean);
            TVector d3 = TSimd.Subtract(TSimd.Load(x + (3 * Stride)), mean);
            s0 = TSimd.MultiplyAdd(d0, d0, s0);
            s1 = TSimd.MultiplyAdd(d1, d1, s1);
            s2 = TSimd.MultiplyAdd(d2, d2, s2);
            s3 = TSimd.MultiplyAdd(d3, d3, s3);
        }

        for (; unit < units; unit++, x += Stride)
        {
            TVector d = TSimd.Subtract(TSimd.Load(x), mean);
            s0 = TSimd.MultiplyAdd(d, d, s0);
        }

        TVector variance = TSimd.MultiplyAdd(
            TSimd.Add(TSimd.Add(s0, s1), TSimd.Add(s2, s3)), share, TSimd.Broadcast(step.Epsilon));
        TVector inverse = TSimd.Divide(TSimd.Broadcast(1f), TSimd.SquareRoot(variance));
        float* weight = step.Weight, bias = step.Bias;
        x = column;
        for (unit = 0; unit < units; unit++, x += Stride)
        {
            TVector y = TSimd.MultiplyAdd(
                TSimd.Multiply(TSimd.Subtract(TSimd.Load(x), mean), inverse), TSimd.Broadcast(weight[unit]),
                TSimd.Broadcast(bias[unit]));
            TSimd.Store(rectify ? TSimd.Relu(y) : y, x);
        }
    }

    private readonly struct Relu : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Apply(TVector x) => TSimd.Relu(x);
    }

    private readonly struct Tanh : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Apply(TVector x) => VectorMath<TSimd, TVector>.Tanh(x);
    }

    private readonly struct Elu : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Apply(TVector x) => TSimd.Select(
            TSimd.LessThan(TSimd.Zero, x), x, VectorMath<TSimd, TVector>.ExpMinusOneNonPositive(x));
    }

    private readonly struct Silu : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Apply(TVector x) => TSimd.Divide(
            x, TSimd.Add(TSimd.Broadcast(1f), VectorMath<TSimd, TVector>.Exp(VectorMath<TSimd, TVector>.Negate(x))));
    }

    private readonly struct Gelu : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Apply(TVector x)
        {
            // x Phi(x), where Phi(x) is the tail of a negative x, and 1 less the tail of a positive one.
            TVector lost = TSimd.Multiply(x, VectorMath<TSimd, TVector>.NormalTail(x));
            return TSimd.Select(TSimd.LessThan(TSimd.Zero, x), TSimd.Subtract(x, lost), lost);
        }
    }

    private readonly struct GeluTanh : IActivation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TVector Apply(TVector x)
        {
            // (1 + tanh u) / 2 = 1 / (1 + exp(-2 u)).
            TVector square = TSimd.Multiply(x, x);
            TVector cubic = TSimd.MultiplyAdd(
                square, TSimd.Broadcast(-2f * 0.7978845608f * 0.044715f), TSimd.Broadcast(-2f * 0.7978845608f));
            TVector exponential = VectorMath<TSimd, TVector>.Exp(TSimd.Multiply(x, cubic));
            return TSimd.Divide(x, TSimd.Add(TSimd.Broadcast(1f), exponential));
        }
    }
}

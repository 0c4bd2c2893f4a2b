using System.Runtime.CompilerServices;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// Micro-kernels on vectors of 4 or 8 (or 16) lanes: 4 outputs by 3 vectors of pairs, so that 12 accumulators, 3 loads
/// and a broadcast fill the 16 registers of machines without AVX-512. A panel of 8 outputs is read in two halves, a
/// tile's row in groups of up to 3 vectors.
/// </summary>
internal sealed unsafe class SoftQMicroKernelNarrow<TSimd, TVector> : PanelMicroKernel
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>Outputs per accumulator block; divides <see cref="SoftQTiles.OutputPanel"/>.</summary>
    private const int OutputBlock = 4;

    public override string Name => typeof(TSimd) == typeof(Simd256) ? "vector256" : "portable";

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void FirstLayer(PairVector* pairs, int vectors, int hidden, bool rectify, float* tile)
    {
        for (int vector = 0; vector < vectors; vector++)
        {
            float* broadcast = pairs[vector].Broadcast, lanes = pairs[vector].Lanes,
                to = tile + (vector * SoftQTiles.LaneBlock);
            for (nint k = 0; k < hidden; k++)
            {
                TVector shared = TSimd.Broadcast(broadcast[k]);
                for (int lane = 0; lane < SoftQTiles.LaneBlock; lane += TSimd.Count)
                {
                    TVector x = TSimd.Add(TSimd.Load(lanes + lane), shared);
                    TSimd.Store(rectify ? TSimd.Relu(x) : x, to + lane);
                }

                lanes += SoftQTiles.LaneBlock;
                to += SoftQTiles.TileStride;
            }
        }
    }

    protected override void Layer(
        LayerBegin begin, LayerEnd end, int vectors, float* input, in PanelLayer layer, float* bias, float* result,
        in LastLayer last)
    {
        if (end == LayerEnd.Dot)
        {
            new Span<float>(last.Values, vectors * SoftQTiles.LaneBlock).Fill(last.Bias);
        }

        for (int half = 0; half < layer.PanelCount * (SoftQTiles.OutputPanel / OutputBlock); half++)
        {
            int output = half * OutputBlock;
            float* weights = layer.Panels + ((nint)(
                output / SoftQTiles.OutputPanel) * layer.PanelStride) + (output % SoftQTiles.OutputPanel);
            float* to = result + ((nint)output * SoftQTiles.TileStride), from = begin == LayerBegin.Bias ? null : to;
            int left = vectors * SoftQTiles.LaneBlock / TSimd.Count;
            for (int pair = 0; left > 0;)
            {
                // Four left are two and two: a group of one would wait for its few accumulators.
                int group = left == 4 ? 2 : Math.Min(left, 3);
                Block block = new(
                    input + pair, weights, layer.InputStride, layer.Depth, bias + output, from == null
                        ? null
                        : from + pair, to + pair,
                    last.Weights + output, last.Values + pair, end);
                switch (group)
                {
                    case 1:
                        One(block);
                        break;
                    case 2:
                        Two(block);
                        break;
                    default:
                        Three(block);
                        break;
                }

                pair += group * TSimd.Count;
                left -= group;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Three(in Block block)
    {
        int v1 = TSimd.Count, v2 = 2 * TSimd.Count;
        Begin(block, 0, out TVector c00, out TVector c10, out TVector c20, out TVector c30);
        Begin(block, v1, out TVector c01, out TVector c11, out TVector c21, out TVector c31);
        Begin(block, v2, out TVector c02, out TVector c12, out TVector c22, out TVector c32);
        float* pairs = block.Input, weights = block.Weights;
        nint stride = block.InputStride;
        for (int k = block.Depth; k > 0; k--)
        {
            TVector a0 = TSimd.Load(pairs), a1 = TSimd.Load(pairs + v1), a2 = TSimd.Load(pairs + v2);
            TVector w = TSimd.Broadcast(weights[0]);
            c00 = TSimd.MultiplyAdd(a0, w, c00);
            c01 = TSimd.MultiplyAdd(a1, w, c01);
            c02 = TSimd.MultiplyAdd(a2, w, c02);
            w = TSimd.Broadcast(weights[1]);
            c10 = TSimd.MultiplyAdd(a0, w, c10);
            c11 = TSimd.MultiplyAdd(a1, w, c11);
            c12 = TSimd.MultiplyAdd(a2, w, c12);
            w = TSimd.Broadcast(weights[2]);
            c20 = TSimd.MultiplyAdd(a0, w, c20);
            c21 = TSimd.MultiplyAdd(a1, w, c21);
            c22 = TSimd.MultiplyAdd(a2, w, c22);
            w = TSimd.Broadcast(weights[3]);
            c30 = TSimd.MultiplyAdd(a0, w, c30);
            c31 = TSimd.MultiplyAdd(a1, w, c31);
            c32 = TSimd.MultiplyAdd(a2, w, c32);
            pairs += SoftQTiles.TileStride;
            weights += stride;
        }

        End(block, 0, c00, c10, c20, c30);
        End(block, v1, c01, c11, c21, c31);
        End(block, v2, c02, c12, c22, c32);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two(in Block block)
    {
        int v1 = TSimd.Count;
        Begin(block, 0, out TVector c00, out TVector c10, out TVector c20, out TVector c30);
        Begin(block, v1, out TVector c01, out TVector c11, out TVector c21, out TVector c31);
        float* pairs = block.Input, weights = block.Weights;
        nint stride = block.InputStride;
        for (int k = block.Depth; k > 0; k--)
        {
            TVector a0 = TSimd.Load(pairs), a1 = TSimd.Load(pairs + v1);
            TVector w = TSimd.Broadcast(weights[0]);
            c00 = TSimd.MultiplyAdd(a0, w, c00);
            c01 = TSimd.MultiplyAdd(a1, w, c01);
            w = TSimd.Broadcast(weights[1]);
            c10 = TSimd.MultiplyAdd(a0, w, c10);
            c11 = TSimd.MultiplyAdd(a1, w, c11);
            w = TSimd.Broadcast(weights[2]);
            c20 = TSimd.MultiplyAdd(a0, w, c20);
            c21 = TSimd.MultiplyAdd(a1, w, c21);
            w = TSimd.Broadcast(weights[3]);
            c30 = TSimd.MultiplyAdd(a0, w, c30);
            c31 = TSimd.MultiplyAdd(a1, w, c31);
            pairs += SoftQTiles.TileStride;
            weights += stride;
        }

        End(block, 0, c00, c10, c20, c30);
        End(block, v1, c01, c11, c21, c31);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(in Block block)
    {
        Begin(block, 0, out TVector c0, out TVector c1, out TVector c2, out TVector c3);
        float* pairs = block.Input, weights = block.Weights;
        nint stride = block.InputStride;
        for (int k = block.Depth; k > 0; k--)
        {
            TVector a = TSimd.Load(pairs);
            c0 = TSimd.MultiplyAdd(a, TSimd.Broadcast(weights[0]), c0);
            c1 = TSimd.MultiplyAdd(a, TSimd.Broadcast(weights[1]), c1);
            c2 = TSimd.MultiplyAdd(a, TSimd.Broadcast(weights[2]), c2);
            c3 = TSimd.MultiplyAdd(a, TSimd.Broadcast(weights[3]), c3);
            pairs += SoftQTiles.TileStride;
            weights += stride;
        }

        End(block, 0, c0, c1, c2, c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Begin(in Block block, int at, out TVector c0, out TVector c1, out TVector c2, out TVector c3)
    {
        float* from = block.From;
        if (from == null)
        {
            c0 = TSimd.Broadcast(block.Bias[0]);
            c1 = TSimd.Broadcast(block.Bias[1]);
            c2 = TSimd.Broadcast(block.Bias[2]);
            c3 = TSimd.Broadcast(block.Bias[3]);
            return;
        }

        c0 = TSimd.Load(from + at);
        c1 = TSimd.Load(from + at + SoftQTiles.TileStride);
        c2 = TSimd.Load(from + at + (2 * SoftQTiles.TileStride));
        c3 = TSimd.Load(from + at + (3 * SoftQTiles.TileStride));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void End(in Block block, int at, TVector c0, TVector c1, TVector c2, TVector c3)
    {
        if (block.End != LayerEnd.Store)
        {
            c0 = TSimd.Relu(c0);
            c1 = TSimd.Relu(c1);
            c2 = TSimd.Relu(c2);
            c3 = TSimd.Relu(c3);
        }

        if (block.End == LayerEnd.Dot)
        {
            TVector sum = TSimd.Load(block.Values + at);
            sum = TSimd.MultiplyAdd(c0, TSimd.Broadcast(block.Weight3[0]), sum);
            sum = TSimd.MultiplyAdd(c1, TSimd.Broadcast(block.Weight3[1]), sum);
            sum = TSimd.MultiplyAdd(c2, TSimd.Broadcast(block.Weight3[2]), sum);
            sum = TSimd.MultiplyAdd(c3, TSimd.Broadcast(block.Weight3[3]), sum);
            TSimd.Store(sum, block.Values + at);
            return;
        }

        TSimd.Store(c0, block.To + at);
        TSimd.Store(c1, block.To + at + SoftQTiles.TileStride);
        TSimd.Store(c2, block.To + at + (2 * SoftQTiles.TileStride));
        TSimd.Store(c3, block.To + at + (3 * SoftQTiles.TileStride));
    }

    /// <summary>4 outputs of a layer for up to 3 vectors of pairs.</summary>
    /// <param name="input"><c>[depth][48]</c> at the first pair.</param>
    /// <param name="weights">The outputs' weights of the first input.</param>
    /// <param name="inputStride">Floats between inputs.</param>
    /// <param name="depth">Inputs.</param>
    /// <param name="bias">The outputs' biases; read when <paramref name="from"/> is null.</param>
    /// <param name="from">What the sums begin with, or null for the bias.</param>
    /// <param name="to">Result.</param>
    /// <param name="weight3">The outputs' w3.</param>
    /// <param name="values">Values of the pairs, added to.</param>
    /// <param name="end">What becomes of the sums.</param>
    private readonly struct Block(
        float* input, float* weights, int inputStride, int depth, float* bias, float* from, float* to, float* weight3,
        float* values, LayerEnd end)
    {
        public readonly float* Input = input;
        public readonly float* Weights = weights;
        public readonly int InputStride = inputStride;
        public readonly int Depth = depth;
        public readonly float* Bias = bias;
        public readonly float* From = from;
        public readonly float* To = to;
        public readonly float* Weight3 = weight3;
        public readonly float* Values = values;
        public readonly LayerEnd End = end;
    }
}

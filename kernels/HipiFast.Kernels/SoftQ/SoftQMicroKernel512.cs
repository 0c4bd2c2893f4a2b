using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// Micro-kernels on 512-bit vectors: 8 outputs by 3 vectors of 16 pairs, 24 accumulators of the 32 registers. Per step
/// of the inner loop, 3 loads and 8 broadcasts feed 24 multiply-adds: under half a load each, which keeps both
/// multiply-add ports busy also where another hardware thread of the core competes for the load ports.
/// </summary>
/// <remarks>
/// The accumulators are separate locals of a method without calls: an array of them, or a call while they live, would
/// send them through memory.
/// </remarks>
internal sealed unsafe class SoftQMicroKernel512 : PanelMicroKernel
{
    public override string Name => "vector512";

    protected override void FirstLayer(PairVector* pairs, int vectors, int hidden, bool rectify, float* tile)
    {
        switch (vectors)
        {
            case 1:
                FirstLayer<One>(pairs, hidden, rectify, tile);
                break;
            case 2:
                FirstLayer<Two>(pairs, hidden, rectify, tile);
                break;
            default:
                FirstLayer<Three>(pairs, hidden, rectify, tile);
                break;
        }
    }

    protected override void Layer(
        LayerBegin begin, LayerEnd end, int vectors, float* input, in PanelLayer layer, float* bias, float* result,
        in LastLayer last)
    {
        switch (vectors)
        {
            case 1:
                Layer<One>(begin, end, input, layer, bias, result, last);
                break;
            case 2:
                Layer<Two>(begin, end, input, layer, bias, result, last);
                break;
            default:
                Layer<Three>(begin, end, input, layer, bias, result, last);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FirstLayer<TVectors>(PairVector* pairs, int hidden, bool rectify, float* tile)
        where TVectors : struct
    {
        // The vectors that a smaller tile lacks repeat the first one and are not stored.
        PairVector* second = typeof(TVectors) == typeof(One)
            ? pairs
            : pairs + 1, third = typeof(TVectors) == typeof(Three)
            ? pairs + 2
            : pairs;
        float* broadcast0 = pairs->Broadcast, broadcast1 = second->Broadcast, broadcast2 = third->Broadcast;
        float* lanes0 = pairs->Lanes, lanes1 = second->Lanes, lanes2 = third->Lanes;

        // relu(x) = max(x, 0) against 0, and x = max(x, -inf): one loop for both.
        Vector512<float> floor = Vector512.Create(rectify ? 0f : float.NegativeInfinity);
        for (nint k = 0; k < hidden; k++)
        {
            nint lane = k * SoftQTiles.LaneBlock;
            Max(floor, Vector512.Load(lanes0 + lane) + Vector512.Create(broadcast0[k])).Store(tile);
            if (typeof(TVectors) != typeof(One))
            {
                Max(floor, Vector512.Load(lanes1 + lane) + Vector512.Create(broadcast1[k])).Store(
                    tile + SoftQTiles.LaneBlock);
            }

            if (typeof(TVectors) == typeof(Three))
            {
                Max(floor, Vector512.Load(lanes2 + lane) + Vector512.Create(broadcast2[k])).Store(
                    tile + (2 * SoftQTiles.LaneBlock));
            }

            tile += SoftQTiles.TileStride;
        }
    }

    private static void Layer<TVectors>(
        LayerBegin begin, LayerEnd end, float* input, in PanelLayer layer, float* bias, float* result,
        in LastLayer last)
        where TVectors : struct
    {
        switch (begin, end)
        {
            case (LayerBegin.Bias, LayerEnd.Store):
                Layer<TVectors, FromBias, Store>(input, layer, bias, result, last);
                break;
            case (LayerBegin.Bias, LayerEnd.Rectify):
                Layer<TVectors, FromBias, Rectify>(input, layer, bias, result, last);
                break;
            case (LayerBegin.Bias, LayerEnd.Dot):
                Layer<TVectors, FromBias, Dot>(input, layer, bias, result, last);
                break;
            case (LayerBegin.Result, LayerEnd.Store):
                Layer<TVectors, FromResult, Store>(input, layer, bias, result, last);
                break;
            case (LayerBegin.Result, LayerEnd.Rectify):
                Layer<TVectors, FromResult, Rectify>(input, layer, bias, result, last);
                break;
            default:
                Layer<TVectors, FromResult, Dot>(input, layer, bias, result, last);
                break;
        }
    }

    /// <summary>
    /// max with the second operand returned when either is NaN (what vmaxps does), so that NaN passes.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Max(Vector512<float> floor, Vector512<float> x) =>
        Avx512F.IsSupported
            ? Avx512F.Max(floor, x)
            : Vector512.ConditionalSelect(Vector512.LessThan(x, floor), floor, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Relu(Vector512<float> x) => Max(Vector512<float>.Zero, x);

    /// <summary>
    /// One layer for a tile. The type parameters select the number of vectors and how accumulators begin and end; the
    /// tests on them are constants to the JIT, so that each combination is a method of its own with the same inner
    /// loop.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Layer<TVectors, TBegin, TEnd>(
        float* input, in PanelLayer layer, float* bias, float* result, in LastLayer last)
        where TVectors : struct
        where TBegin : struct
        where TEnd : struct
    {
        float* panel = layer.Panels;
        nint panelStride = layer.PanelStride, inputStride = layer.InputStride;
        int depth = layer.Depth;
        float* weight3 = last.Weights;
        Vector512<float> sum0 = Vector512.Create(last.Bias), sum1 = sum0, sum2 = sum0;
        for (int panels = layer.PanelCount; panels > 0; panels--)
        {
            Vector512<float> c00, c10, c20, c30, c40, c50, c60, c70;
            Vector512<float> c01, c11, c21, c31, c41, c51, c61, c71;
            Vector512<float> c02, c12, c22, c32, c42, c52, c62, c72;
            if (typeof(TBegin) == typeof(FromResult))
            {
                float* from = result;
                c00 = Vector512.Load(from + (0 * SoftQTiles.TileStride));
                c10 = Vector512.Load(from + (1 * SoftQTiles.TileStride));
                c20 = Vector512.Load(from + (2 * SoftQTiles.TileStride));
                c30 = Vector512.Load(from + (3 * SoftQTiles.TileStride));
                c40 = Vector512.Load(from + (4 * SoftQTiles.TileStride));
                c50 = Vector512.Load(from + (5 * SoftQTiles.TileStride));
                c60 = Vector512.Load(from + (6 * SoftQTiles.TileStride));
                c70 = Vector512.Load(from + (7 * SoftQTiles.TileStride));
                c01 = Vector512.Load(from + (0 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                c11 = Vector512.Load(from + (1 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                c21 = Vector512.Load(from + (2 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                c31 = Vector512.Load(from + (3 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                c41 = Vector512.Load(from + (4 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                c51 = Vector512.Load(from + (5 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                c61 = Vector512.Load(from + (6 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                c71 = Vector512.Load(from + (7 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                c02 = Vector512.Load(from + (0 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
                c12 = Vector512.Load(from + (1 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
                c22 = Vector512.Load(from + (2 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
                c32 = Vector512.Load(from + (3 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
                c42 = Vector512.Load(from + (4 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
                c52 = Vector512.Load(from + (5 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
                c62 = Vector512.Load(from + (6 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
                c72 = Vector512.Load(from + (7 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
            }
            else
            {
                c00 = c01 = c02 = Vector512.Create(bias[0]);
                c10 = c11 = c12 = Vector512.Create(bias[1]);
                c20 = c21 = c22 = Vector512.Create(bias[2]);
                c30 = c31 = c32 = Vector512.Create(bias[3]);
                c40 = c41 = c42 = Vector512.Create(bias[4]);
                c50 = c51 = c52 = Vector512.Create(bias[5]);
                c60 = c61 = c62 = Vector512.Create(bias[6]);
                c70 = c71 = c72 = Vector512.Create(bias[7]);
                bias += SoftQTiles.OutputPanel;
            }

            float* pairs = input, weights = panel;
            for (int k = depth; k > 0; k--)
            {
                Vector512<float> a0 = Vector512.Load(pairs);
                Vector512<float> a1 = typeof(TVectors) == typeof(One)
                    ? default
                    : Vector512.Load(pairs + SoftQTiles.LaneBlock);
                Vector512<float> a2 = typeof(TVectors) == typeof(Three)
                    ? Vector512.Load(pairs + (2 * SoftQTiles.LaneBlock))
                    : default;
                Vector512<float> w0 = Vector512.Create(weights[0]);
                c00 = Vector512.FusedMultiplyAdd(a0, w0, c00);
                c01 = typeof(TVectors) == typeof(One) ? c01 : Vector512.FusedMultiplyAdd(a1, w0, c01);
                c02 = typeof(TVectors) == typeof(Three) ? Vector512.FusedMultiplyAdd(a2, w0, c02) : c02;
                Vector512<float> w1 = Vector512.Create(weights[1]);
                c10 = Vector512.FusedMultiplyAdd(a0, w1, c10);
                c11 = typeof(TVectors) == typeof(One) ? c11 : Vector512.FusedMultiplyAdd(a1, w1, c11);
                c12 = typeof(TVectors) == typeof(Three) ? Vector512.FusedMultiplyAdd(a2, w1, c12) : c12;
                Vector512<float> w2 = Vector512.Create(weights[2]);
                c20 = Vector512.FusedMultiplyAdd(a0, w2, c20);
                c21 = typeof(TVectors) == typeof(One) ? c21 : Vector512.FusedMultiplyAdd(a1, w2, c21);
                c22 = typeof(TVectors) == typeof(Three) ? Vector512.FusedMultiplyAdd(a2, w2, c22) : c22;
                Vector512<float> w3 = Vector512.Create(weights[3]);
                c30 = Vector512.FusedMultiplyAdd(a0, w3, c30);
                c31 = typeof(TVectors) == typeof(One) ? c31 : Vector512.FusedMultiplyAdd(a1, w3, c31);
                c32 = typeof(TVectors) == typeof(Three) ? Vector512.FusedMultiplyAdd(a2, w3, c32) : c32;
                Vector512<float> w4 = Vector512.Create(weights[4]);
                c40 = Vector512.FusedMultiplyAdd(a0, w4, c40);
                c41 = typeof(TVectors) == typeof(One) ? c41 : Vector512.FusedMultiplyAdd(a1, w4, c41);
                c42 = typeof(TVectors) == typeof(Three) ? Vector512.FusedMultiplyAdd(a2, w4, c42) : c42;
                Vector512<float> w5 = Vector512.Create(weights[5]);
                c50 = Vector512.FusedMultiplyAdd(a0, w5, c50);
                c51 = typeof(TVectors) == typeof(One) ? c51 : Vector512.FusedMultiplyAdd(a1, w5, c51);
                c52 = typeof(TVectors) == typeof(Three) ? Vector512.FusedMultiplyAdd(a2, w5, c52) : c52;
                Vector512<float> w6 = Vector512.Create(weights[6]);
                c60 = Vector512.FusedMultiplyAdd(a0, w6, c60);
                c61 = typeof(TVectors) == typeof(One) ? c61 : Vector512.FusedMultiplyAdd(a1, w6, c61);
                c62 = typeof(TVectors) == typeof(Three) ? Vector512.FusedMultiplyAdd(a2, w6, c62) : c62;
                Vector512<float> w7 = Vector512.Create(weights[7]);
                c70 = Vector512.FusedMultiplyAdd(a0, w7, c70);
                c71 = typeof(TVectors) == typeof(One) ? c71 : Vector512.FusedMultiplyAdd(a1, w7, c71);
                c72 = typeof(TVectors) == typeof(Three) ? Vector512.FusedMultiplyAdd(a2, w7, c72) : c72;
                pairs += SoftQTiles.TileStride;
                weights += inputStride;
            }

            if (typeof(TEnd) != typeof(Store))
            {
                c00 = Relu(c00);
                c10 = Relu(c10);
                c20 = Relu(c20);
                c30 = Relu(c30);
                c40 = Relu(c40);
                c50 = Relu(c50);
                c60 = Relu(c60);
                c70 = Relu(c70);
                c01 = Relu(c01);
                c11 = Relu(c11);
                c21 = Relu(c21);
                c31 = Relu(c31);
                c41 = Relu(c41);
                c51 = Relu(c51);
                c61 = Relu(c61);
                c71 = Relu(c71);
                c02 = Relu(c02);
                c12 = Relu(c12);
                c22 = Relu(c22);
                c32 = Relu(c32);
                c42 = Relu(c42);
                c52 = Relu(c52);
                c62 = Relu(c62);
                c72 = Relu(c72);
            }

            if (typeof(TEnd) == typeof(Dot))
            {
                Vector512<float> v0 = Vector512.Create(weight3[0]);
                sum0 = Vector512.FusedMultiplyAdd(c00, v0, sum0);
                sum1 = Vector512.FusedMultiplyAdd(c01, v0, sum1);
                sum2 = Vector512.FusedMultiplyAdd(c02, v0, sum2);
                Vector512<float> v1 = Vector512.Create(weight3[1]);
                sum0 = Vector512.FusedMultiplyAdd(c10, v1, sum0);
                sum1 = Vector512.FusedMultiplyAdd(c11, v1, sum1);
                sum2 = Vector512.FusedMultiplyAdd(c12, v1, sum2);
                Vector512<float> v2 = Vector512.Create(weight3[2]);
                sum0 = Vector512.FusedMultiplyAdd(c20, v2, sum0);
                sum1 = Vector512.FusedMultiplyAdd(c21, v2, sum1);
                sum2 = Vector512.FusedMultiplyAdd(c22, v2, sum2);
                Vector512<float> v3 = Vector512.Create(weight3[3]);
                sum0 = Vector512.FusedMultiplyAdd(c30, v3, sum0);
                sum1 = Vector512.FusedMultiplyAdd(c31, v3, sum1);
                sum2 = Vector512.FusedMultiplyAdd(c32, v3, sum2);
                Vector512<float> v4 = Vector512.Create(weight3[4]);
                sum0 = Vector512.FusedMultiplyAdd(c40, v4, sum0);
                sum1 = Vector512.FusedMultiplyAdd(c41, v4, sum1);
                sum2 = Vector512.FusedMultiplyAdd(c42, v4, sum2);
                Vector512<float> v5 = Vector512.Create(weight3[5]);
                sum0 = Vector512.FusedMultiplyAdd(c50, v5, sum0);
                sum1 = Vector512.FusedMultiplyAdd(c51, v5, sum1);
                sum2 = Vector512.FusedMultiplyAdd(c52, v5, sum2);
                Vector512<float> v6 = Vector512.Create(weight3[6]);
                sum0 = Vector512.FusedMultiplyAdd(c60, v6, sum0);
                sum1 = Vector512.FusedMultiplyAdd(c61, v6, sum1);
                sum2 = Vector512.FusedMultiplyAdd(c62, v6, sum2);
                Vector512<float> v7 = Vector512.Create(weight3[7]);
                sum0 = Vector512.FusedMultiplyAdd(c70, v7, sum0);
                sum1 = Vector512.FusedMultiplyAdd(c71, v7, sum1);
                sum2 = Vector512.FusedMultiplyAdd(c72, v7, sum2);
                weight3 += SoftQTiles.OutputPanel;
            }
            else
            {
                c00.Store(result + (0 * SoftQTiles.TileStride));
                c10.Store(result + (1 * SoftQTiles.TileStride));
                c20.Store(result + (2 * SoftQTiles.TileStride));
                c30.Store(result + (3 * SoftQTiles.TileStride));
                c40.Store(result + (4 * SoftQTiles.TileStride));
                c50.Store(result + (5 * SoftQTiles.TileStride));
                c60.Store(result + (6 * SoftQTiles.TileStride));
                c70.Store(result + (7 * SoftQTiles.TileStride));
                if (typeof(TVectors) != typeof(One))
                {
                    c01.Store(result + (0 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                    c11.Store(result + (1 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                    c21.Store(result + (2 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                    c31.Store(result + (3 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                    c41.Store(result + (4 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                    c51.Store(result + (5 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                    c61.Store(result + (6 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                    c71.Store(result + (7 * SoftQTiles.TileStride) + SoftQTiles.LaneBlock);
                }

                if (typeof(TVectors) == typeof(Three))
                {
                    c02.Store(result + (0 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
                    c12.Store(result + (1 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
                    c22.Store(result + (2 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
                    c32.Store(result + (3 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
                    c42.Store(result + (4 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
                    c52.Store(result + (5 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
                    c62.Store(result + (6 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
                    c72.Store(result + (7 * SoftQTiles.TileStride) + (2 * SoftQTiles.LaneBlock));
                }
            }

            result += SoftQTiles.OutputPanel * SoftQTiles.TileStride;
            panel += panelStride;
        }

        if (typeof(TEnd) == typeof(Dot))
        {
            sum0.Store(last.Values);
            if (typeof(TVectors) != typeof(One))
            {
                sum1.Store(last.Values + SoftQTiles.LaneBlock);
            }

            if (typeof(TVectors) == typeof(Three))
            {
                sum2.Store(last.Values + (2 * SoftQTiles.LaneBlock));
            }
        }
    }

    /// <summary>A tile of one vector of pairs.</summary>
    private readonly struct One;

    /// <summary>A tile of two.</summary>
    private readonly struct Two;

    /// <summary>A tile of three.</summary>
    private readonly struct Three;

    /// <inheritdoc cref="LayerBegin.Bias"/>
    private readonly struct FromBias;

    /// <inheritdoc cref="LayerBegin.Result"/>
    private readonly struct FromResult;

    /// <inheritdoc cref="LayerEnd.Store"/>
    private readonly struct Store;

    /// <inheritdoc cref="LayerEnd.Rectify"/>
    private readonly struct Rectify;

    /// <inheritdoc cref="LayerEnd.Dot"/>
    private readonly struct Dot;
}

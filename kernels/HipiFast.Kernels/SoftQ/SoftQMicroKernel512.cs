using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// Micro-kernels on 512-bit vectors: 8 outputs by 2 vectors of 16 pairs, 16 accumulators of the 32 registers. Per step of the inner loop, 2 loads and
/// 8 broadcasts feed 16 multiply-adds, so the two multiply-add ports stay busy and the load ports do not limit.
/// </summary>
/// <remarks>
/// The accumulators are separate locals of a method without calls: an array of them, or a call while they live, would send them through memory.
/// </remarks>
internal sealed unsafe class SoftQMicroKernel512 : SoftQMicroKernel
{
    public override string Name => "vector512";

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void FirstLayer(in PairVector first, in PairVector second, int hidden, bool rectify, float* tile)
    {
        float* broadcast0 = first.Broadcast, broadcast1 = second.Broadcast, lanes0 = first.Lanes, lanes1 = second.Lanes;

        // relu(x) = max(x, 0) against 0, and x = max(x, -inf): one loop for both.
        Vector512<float> floor = Vector512.Create(rectify ? 0f : float.NegativeInfinity);
        for (nint k = 0; k < hidden; k++)
        {
            nint lane = k * SoftQTiles.LaneBlock;
            Max(floor, Vector512.Load(lanes0 + lane) + Vector512.Create(broadcast0[k])).Store(tile + (2 * lane));
            Max(floor, Vector512.Load(lanes1 + lane) + Vector512.Create(broadcast1[k])).Store(tile + (2 * lane) + SoftQTiles.LaneBlock);
        }
    }

    protected override void LinearBlock(float* input, in PackedLayer layer, float* bias, float* out0, float* out1, int outStride) =>
        Layer<FromBias, Store>(input, layer, bias, out0, out1, outStride, null, 0f, null);

    protected override void AddBlock(float* input, in PackedLayer layer, float* out0, float* out1, int outStride) =>
        Layer<FromResult, Store>(input, layer, null, out0, out1, outStride, null, 0f, null);

    protected override void RectifiedBlock(float* input, in PackedLayer layer, float* bias, float* tile) =>
        Layer<FromBias, StoreRectified>(input, layer, bias, tile, tile + SoftQTiles.LaneBlock, SoftQTiles.PairsPerTile, null, 0f, null);

    protected override void AddRectifiedBlock(float* input, in PackedLayer layer, float* tile) =>
        Layer<FromResult, StoreRectified>(input, layer, null, tile, tile + SoftQTiles.LaneBlock, SoftQTiles.PairsPerTile, null, 0f, null);

    protected override void RectifiedDotBlock(float* input, in PackedLayer layer, float* bias, float* weight3, float bias3, float* values) =>
        Layer<FromBias, Dot>(input, layer, bias, null, null, 0, weight3, bias3, values);

    protected override void AddRectifiedDotBlock(float* input, in PackedLayer layer, float* partial, float* weight3, float bias3, float* values) =>
        Layer<FromResult, Dot>(input, layer, null, partial, partial + SoftQTiles.LaneBlock, SoftQTiles.PairsPerTile, weight3, bias3, values);

    /// <summary>max with the second operand returned when either is NaN (what vmaxps does), so that NaN passes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Max(Vector512<float> floor, Vector512<float> x) =>
        System.Runtime.Intrinsics.X86.Avx512F.IsSupported
            ? System.Runtime.Intrinsics.X86.Avx512F.Max(floor, x)
            : Vector512.ConditionalSelect(Vector512.LessThan(x, floor), floor, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Rectify(Vector512<float> x) => Max(Vector512<float>.Zero, x);

    /// <summary>
    /// One layer for a tile of pairs. The type parameters select how accumulators begin and end; the tests on them are constants to the JIT, so that
    /// each combination is a method of its own with the same inner loop.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Layer<TBegin, TEnd>(
        float* input, in PackedLayer layer, float* bias, float* out0, float* out1, nint outStride, float* weight3, float bias3, float* values)
        where TBegin : struct
        where TEnd : struct
    {
        float* panel = layer.Panels;
        nint panelStride = layer.PanelStride;
        int depth = layer.Depth;
        Vector512<float> sum0 = Vector512.Create(bias3), sum1 = sum0;
        for (int panels = layer.PanelCount; panels > 0; panels--)
        {
            Vector512<float> c00, c01;
            Vector512<float> c10, c11;
            Vector512<float> c20, c21;
            Vector512<float> c30, c31;
            Vector512<float> c40, c41;
            Vector512<float> c50, c51;
            Vector512<float> c60, c61;
            Vector512<float> c70, c71;
            if (typeof(TBegin) == typeof(FromResult))
            {
                c00 = Vector512.Load(out0 + (0 * outStride));
                c01 = Vector512.Load(out1 + (0 * outStride));
                c10 = Vector512.Load(out0 + (1 * outStride));
                c11 = Vector512.Load(out1 + (1 * outStride));
                c20 = Vector512.Load(out0 + (2 * outStride));
                c21 = Vector512.Load(out1 + (2 * outStride));
                c30 = Vector512.Load(out0 + (3 * outStride));
                c31 = Vector512.Load(out1 + (3 * outStride));
                c40 = Vector512.Load(out0 + (4 * outStride));
                c41 = Vector512.Load(out1 + (4 * outStride));
                c50 = Vector512.Load(out0 + (5 * outStride));
                c51 = Vector512.Load(out1 + (5 * outStride));
                c60 = Vector512.Load(out0 + (6 * outStride));
                c61 = Vector512.Load(out1 + (6 * outStride));
                c70 = Vector512.Load(out0 + (7 * outStride));
                c71 = Vector512.Load(out1 + (7 * outStride));
            }
            else
            {
                c00 = c01 = Vector512.Create(bias[0]);
                c10 = c11 = Vector512.Create(bias[1]);
                c20 = c21 = Vector512.Create(bias[2]);
                c30 = c31 = Vector512.Create(bias[3]);
                c40 = c41 = Vector512.Create(bias[4]);
                c50 = c51 = Vector512.Create(bias[5]);
                c60 = c61 = Vector512.Create(bias[6]);
                c70 = c71 = Vector512.Create(bias[7]);
                bias += SoftQTiles.OutputPanel;
            }

            float* pairs = input, weights = panel;
            for (int k = depth; k > 0; k--)
            {
                Vector512<float> a0 = Vector512.Load(pairs), a1 = Vector512.Load(pairs + SoftQTiles.LaneBlock);
                Vector512<float> w0 = Vector512.Create(weights[0]);
                c00 = Vector512.FusedMultiplyAdd(a0, w0, c00);
                c01 = Vector512.FusedMultiplyAdd(a1, w0, c01);
                Vector512<float> w1 = Vector512.Create(weights[1]);
                c10 = Vector512.FusedMultiplyAdd(a0, w1, c10);
                c11 = Vector512.FusedMultiplyAdd(a1, w1, c11);
                Vector512<float> w2 = Vector512.Create(weights[2]);
                c20 = Vector512.FusedMultiplyAdd(a0, w2, c20);
                c21 = Vector512.FusedMultiplyAdd(a1, w2, c21);
                Vector512<float> w3 = Vector512.Create(weights[3]);
                c30 = Vector512.FusedMultiplyAdd(a0, w3, c30);
                c31 = Vector512.FusedMultiplyAdd(a1, w3, c31);
                Vector512<float> w4 = Vector512.Create(weights[4]);
                c40 = Vector512.FusedMultiplyAdd(a0, w4, c40);
                c41 = Vector512.FusedMultiplyAdd(a1, w4, c41);
                Vector512<float> w5 = Vector512.Create(weights[5]);
                c50 = Vector512.FusedMultiplyAdd(a0, w5, c50);
                c51 = Vector512.FusedMultiplyAdd(a1, w5, c51);
                Vector512<float> w6 = Vector512.Create(weights[6]);
                c60 = Vector512.FusedMultiplyAdd(a0, w6, c60);
                c61 = Vector512.FusedMultiplyAdd(a1, w6, c61);
                Vector512<float> w7 = Vector512.Create(weights[7]);
                c70 = Vector512.FusedMultiplyAdd(a0, w7, c70);
                c71 = Vector512.FusedMultiplyAdd(a1, w7, c71);
                pairs += SoftQTiles.PairsPerTile;
                weights += SoftQTiles.OutputPanel;
            }

            if (typeof(TEnd) != typeof(Store))
            {
                c00 = Rectify(c00);
                c01 = Rectify(c01);
                c10 = Rectify(c10);
                c11 = Rectify(c11);
                c20 = Rectify(c20);
                c21 = Rectify(c21);
                c30 = Rectify(c30);
                c31 = Rectify(c31);
                c40 = Rectify(c40);
                c41 = Rectify(c41);
                c50 = Rectify(c50);
                c51 = Rectify(c51);
                c60 = Rectify(c60);
                c61 = Rectify(c61);
                c70 = Rectify(c70);
                c71 = Rectify(c71);
            }

            if (typeof(TEnd) == typeof(Dot))
            {
                sum0 = Vector512.FusedMultiplyAdd(c00, Vector512.Create(weight3[0]), sum0);
                sum1 = Vector512.FusedMultiplyAdd(c01, Vector512.Create(weight3[0]), sum1);
                sum0 = Vector512.FusedMultiplyAdd(c10, Vector512.Create(weight3[1]), sum0);
                sum1 = Vector512.FusedMultiplyAdd(c11, Vector512.Create(weight3[1]), sum1);
                sum0 = Vector512.FusedMultiplyAdd(c20, Vector512.Create(weight3[2]), sum0);
                sum1 = Vector512.FusedMultiplyAdd(c21, Vector512.Create(weight3[2]), sum1);
                sum0 = Vector512.FusedMultiplyAdd(c30, Vector512.Create(weight3[3]), sum0);
                sum1 = Vector512.FusedMultiplyAdd(c31, Vector512.Create(weight3[3]), sum1);
                sum0 = Vector512.FusedMultiplyAdd(c40, Vector512.Create(weight3[4]), sum0);
                sum1 = Vector512.FusedMultiplyAdd(c41, Vector512.Create(weight3[4]), sum1);
                sum0 = Vector512.FusedMultiplyAdd(c50, Vector512.Create(weight3[5]), sum0);
                sum1 = Vector512.FusedMultiplyAdd(c51, Vector512.Create(weight3[5]), sum1);
                sum0 = Vector512.FusedMultiplyAdd(c60, Vector512.Create(weight3[6]), sum0);
                sum1 = Vector512.FusedMultiplyAdd(c61, Vector512.Create(weight3[6]), sum1);
                sum0 = Vector512.FusedMultiplyAdd(c70, Vector512.Create(weight3[7]), sum0);
                sum1 = Vector512.FusedMultiplyAdd(c71, Vector512.Create(weight3[7]), sum1);
                weight3 += SoftQTiles.OutputPanel;
            }
            else
            {
                c00.Store(out0 + (0 * outStride));
                c01.Store(out1 + (0 * outStride));
                c10.Store(out0 + (1 * outStride));
                c11.Store(out1 + (1 * outStride));
                c20.Store(out0 + (2 * outStride));
                c21.Store(out1 + (2 * outStride));
                c30.Store(out0 + (3 * outStride));
                c31.Store(out1 + (3 * outStride));
                c40.Store(out0 + (4 * outStride));
                c41.Store(out1 + (4 * outStride));
                c50.Store(out0 + (5 * outStride));
                c51.Store(out1 + (5 * outStride));
                c60.Store(out0 + (6 * outStride));
                c61.Store(out1 + (6 * outStride));
                c70.Store(out0 + (7 * outStride));
                c71.Store(out1 + (7 * outStride));
            }

            out0 += SoftQTiles.OutputPanel * outStride;
            out1 += SoftQTiles.OutputPanel * outStride;
            panel += panelStride;
        }

        if (typeof(TEnd) == typeof(Dot))
        {
            sum0.Store(values);
            sum1.Store(values + SoftQTiles.LaneBlock);
        }
    }

    /// <summary>Accumulators begin with the bias.</summary>
    private readonly struct FromBias;

    /// <summary>Accumulators begin with what the result holds.</summary>
    private readonly struct FromResult;

    /// <summary>Accumulators are the result.</summary>
    private readonly struct Store;

    /// <summary>Accumulators are rectified, then the result.</summary>
    private readonly struct StoreRectified;

    /// <summary>Accumulators are rectified and multiplied by weight3: one value per pair.</summary>
    private readonly struct Dot;
}

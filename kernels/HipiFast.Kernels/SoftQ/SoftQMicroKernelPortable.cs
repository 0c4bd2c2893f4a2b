using System.Numerics;
using System.Runtime.CompilerServices;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// Micro-kernels on whatever vector the machine has (4, 8 or 16 lanes): 4 outputs by 2 vectors of pairs, so that 8 accumulators, 2 loads and a
/// broadcast fit the 16 registers of machines without AVX-512. A panel of 8 outputs is read in two halves.
/// </summary>
internal sealed unsafe class SoftQMicroKernelPortable : SoftQMicroKernel
{
    /// <summary>Outputs per accumulator block; divides <see cref="SoftQTiles.OutputPanel"/>.</summary>
    private const int OutputBlock = 4;

    public override string Name => "portable";

    public override void FirstLayer(in PairVector first, in PairVector second, int hidden, bool rectify, float* tile)
    {
        FirstLayerHalf(first, hidden, rectify, tile);
        FirstLayerHalf(second, hidden, rectify, tile + SoftQTiles.LaneBlock);
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

    /// <summary>relu that passes NaN: keeps x unless x is below 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Rectify(Vector<float> x) => Vector.AndNot(x, Vector.LessThan(x, Vector<float>.Zero).As<int, float>());

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FirstLayerHalf(in PairVector pairs, int hidden, bool rectify, float* tile)
    {
        float* broadcast = pairs.Broadcast, lanes = pairs.Lanes;
        for (int k = 0; k < hidden; k++)
        {
            Vector<float> shared = new(broadcast[k]);
            for (int lane = 0; lane < SoftQTiles.LaneBlock; lane += Vector<float>.Count)
            {
                Vector<float> x = Vector.Load(lanes + lane) + shared;
                (rectify ? Rectify(x) : x).Store(tile + lane);
            }

            lanes += SoftQTiles.LaneBlock;
            tile += SoftQTiles.PairsPerTile;
        }
    }

    /// <summary>One layer for a tile of pairs; modes as in <see cref="SoftQMicroKernel512"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Layer<TBegin, TEnd>(
        float* input, in PackedLayer layer, float* bias, float* out0, float* out1, nint outStride, float* weight3, float bias3, float* values)
        where TBegin : struct
        where TEnd : struct
    {
        nint panelStride = layer.PanelStride;
        int depth = layer.Depth;
        for (int lane = 0; lane < SoftQTiles.PairsPerTile; lane += 2 * Vector<float>.Count)
        {
            float* panel = layer.Panels, panelBias = bias, panelWeight3 = weight3;
            float* first = AtLane(out0, out1, lane), second = AtLane(out0, out1, lane + Vector<float>.Count);
            Vector<float> sum0 = new(bias3), sum1 = sum0;
            for (int panels = layer.PanelCount; panels > 0; panels--)
            {
                for (int half = 0; half < SoftQTiles.OutputPanel; half += OutputBlock)
                {
                    Vector<float> c00, c01;
                    Vector<float> c10, c11;
                    Vector<float> c20, c21;
                    Vector<float> c30, c31;
                    if (typeof(TBegin) == typeof(FromResult))
                    {
                        c00 = Vector.Load(first + (0 * outStride));
                        c01 = Vector.Load(second + (0 * outStride));
                        c10 = Vector.Load(first + (1 * outStride));
                        c11 = Vector.Load(second + (1 * outStride));
                        c20 = Vector.Load(first + (2 * outStride));
                        c21 = Vector.Load(second + (2 * outStride));
                        c30 = Vector.Load(first + (3 * outStride));
                        c31 = Vector.Load(second + (3 * outStride));
                    }
                    else
                    {
                        c00 = c01 = new Vector<float>(panelBias[0]);
                        c10 = c11 = new Vector<float>(panelBias[1]);
                        c20 = c21 = new Vector<float>(panelBias[2]);
                        c30 = c31 = new Vector<float>(panelBias[3]);
                        panelBias += OutputBlock;
                    }

                    float* pairs = input + lane, weights = panel + half;
                    for (int k = depth; k > 0; k--)
                    {
                        Vector<float> a0 = Vector.Load(pairs), a1 = Vector.Load(pairs + Vector<float>.Count);
                        Vector<float> w0 = new(weights[0]);
                        c00 = Vector.MultiplyAddEstimate(a0, w0, c00);
                        c01 = Vector.MultiplyAddEstimate(a1, w0, c01);
                        Vector<float> w1 = new(weights[1]);
                        c10 = Vector.MultiplyAddEstimate(a0, w1, c10);
                        c11 = Vector.MultiplyAddEstimate(a1, w1, c11);
                        Vector<float> w2 = new(weights[2]);
                        c20 = Vector.MultiplyAddEstimate(a0, w2, c20);
                        c21 = Vector.MultiplyAddEstimate(a1, w2, c21);
                        Vector<float> w3 = new(weights[3]);
                        c30 = Vector.MultiplyAddEstimate(a0, w3, c30);
                        c31 = Vector.MultiplyAddEstimate(a1, w3, c31);
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
                    }

                    if (typeof(TEnd) == typeof(Dot))
                    {
                        sum0 = Vector.MultiplyAddEstimate(c00, new Vector<float>(panelWeight3[0]), sum0);
                        sum1 = Vector.MultiplyAddEstimate(c01, new Vector<float>(panelWeight3[0]), sum1);
                        sum0 = Vector.MultiplyAddEstimate(c10, new Vector<float>(panelWeight3[1]), sum0);
                        sum1 = Vector.MultiplyAddEstimate(c11, new Vector<float>(panelWeight3[1]), sum1);
                        sum0 = Vector.MultiplyAddEstimate(c20, new Vector<float>(panelWeight3[2]), sum0);
                        sum1 = Vector.MultiplyAddEstimate(c21, new Vector<float>(panelWeight3[2]), sum1);
                        sum0 = Vector.MultiplyAddEstimate(c30, new Vector<float>(panelWeight3[3]), sum0);
                        sum1 = Vector.MultiplyAddEstimate(c31, new Vector<float>(panelWeight3[3]), sum1);
                        panelWeight3 += OutputBlock;
                    }
                    else
                    {
                        c00.Store(first + (0 * outStride));
                        c01.Store(second + (0 * outStride));
                        c10.Store(first + (1 * outStride));
                        c11.Store(second + (1 * outStride));
                        c20.Store(first + (2 * outStride));
                        c21.Store(second + (2 * outStride));
                        c30.Store(first + (3 * outStride));
                        c31.Store(second + (3 * outStride));
                    }

                    first += OutputBlock * outStride;
                    second += OutputBlock * outStride;
                }

                panel += panelStride;
            }

            if (typeof(TEnd) == typeof(Dot))
            {
                sum0.Store(values + lane);
                sum1.Store(values + lane + Vector<float>.Count);
            }
        }
    }

    /// <summary>Where a lane of the tile goes: the first vector of pairs and the second one may lie apart.</summary>
    private static float* AtLane(float* out0, float* out1, int lane) =>
        lane < SoftQTiles.LaneBlock ? out0 + lane : out1 + (lane - SoftQTiles.LaneBlock);

    private readonly struct FromBias;

    private readonly struct FromResult;

    private readonly struct Store;

    private readonly struct StoreRectified;

    private readonly struct Dot;
}

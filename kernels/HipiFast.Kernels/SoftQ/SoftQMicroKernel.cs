using System.Runtime.Intrinsics;
using HipiFast.Kernels.Backends;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// One vector of 16 pairs: a block of 16 entries of one side (lanes) against one entry of the other (broadcast), as their shares of the first layer.
/// </summary>
/// <param name="broadcast"><c>[H]</c>: the broadcast entry's share.</param>
/// <param name="lanes"><c>[H][16]</c>: the lane block's share.</param>
internal readonly unsafe struct PairVector(float* broadcast, float* lanes)
{
    public readonly float* Broadcast = broadcast;
    public readonly float* Lanes = lanes;
}

/// <summary>A layer's weights packed in panels of 8 outputs, <c>[panel][input][8]</c>, or a range of its inputs.</summary>
/// <param name="panels">Panel 0, at the first input of the range.</param>
/// <param name="panelStride">Floats between panels.</param>
/// <param name="depth">Inputs in the range.</param>
/// <param name="panelCount">Number of panels; the last one is filled with zero weights.</param>
internal readonly unsafe struct PackedLayer(float* panels, int panelStride, int depth, int panelCount)
{
    public readonly float* Panels = panels;
    public readonly int PanelStride = panelStride;
    public readonly int Depth = depth;
    public readonly int PanelCount = panelCount;

    /// <summary>The weights of some of the inputs.</summary>
    public PackedLayer Slice(int firstInput, int inputs) => new(Panels + (firstInput * SoftQTiles.OutputPanel), PanelStride, inputs, PanelCount);
}

/// <summary>
/// The leaves of the soft-Q kernel: all work that is done per pair and hidden unit, on tiles of 32 pairs. A tile is stored transposed,
/// <c>[unit][32 pairs]</c>, so that vector lanes are pairs and every weight is a broadcast: no horizontal sums, no ragged edge in H.
/// </summary>
/// <remarks>
/// Every implementation adds up in the same order, bias first and then inputs in rising order, so that a pair's result does not depend on the tile it
/// is in. Results of different implementations may differ by rounding where one lacks fused multiply-add.
/// </remarks>
internal abstract unsafe class SoftQMicroKernel
{
    /// <summary>All implementations, by preference.</summary>
    private static readonly (Func<bool> IsSupported, SoftQMicroKernel Kernel)[] s_table =
    [
        (() => Vector512.IsHardwareAccelerated, new SoftQMicroKernel512()),
        (() => true, new SoftQMicroKernelPortable()),
    ];

    /// <summary>The first implementation in the table that suits this machine.</summary>
    public static SoftQMicroKernel Best { get; } = Array.Find(s_table, entry => entry.IsSupported()).Kernel;

    /// <summary>The implementations that can run here.</summary>
    public static IEnumerable<SoftQMicroKernel> Supported => s_table.Where(entry => entry.IsSupported()).Select(entry => entry.Kernel);

    /// <summary>The implementation of a managed variant.</summary>
    public static SoftQMicroKernel For(ManagedVariant variant) => s_table[variant == ManagedVariant.Vector512 ? 0 : 1].Kernel;

    /// <summary>Name for tests and reports.</summary>
    public abstract string Name { get; }

    /// <summary>tile = broadcast + lanes for 2 x 16 pairs, rectified on request.</summary>
    /// <param name="first">Pairs 0 to 15.</param>
    /// <param name="second">Pairs 16 to 31.</param>
    /// <param name="hidden">H.</param>
    /// <param name="rectify">Whether negative entries become 0.</param>
    /// <param name="tile">Result <c>[H][32]</c>.</param>
    public abstract void FirstLayer(in PairVector first, in PairVector second, int hidden, bool rectify, float* tile);

    /// <summary>out = W input + bias.</summary>
    /// <param name="input"><c>[depth][32]</c>.</param>
    /// <param name="layer">W.</param>
    /// <param name="bias">One per output, padded to whole panels.</param>
    /// <param name="out0">Result of pairs 0 to 15, one row per output, outputs rounded up to whole panels.</param>
    /// <param name="out1">Result of pairs 16 to 31.</param>
    /// <param name="outStride">Floats between rows of the results.</param>
    public void Linear(float* input, in PackedLayer layer, float* bias, float* out0, float* out1, int outStride) =>
        LinearBlocks(input, layer, layer.Depth, BlockLength(layer.Depth), bias, out0, out1, outStride);

    /// <summary>tile = relu(W input + bias).</summary>
    /// <param name="input"><c>[depth][32]</c>.</param>
    /// <param name="layer">W.</param>
    /// <param name="bias">One per output, padded to whole panels.</param>
    /// <param name="tile">Result <c>[outputs][32]</c>, outputs rounded up to whole panels.</param>
    public void Rectified(float* input, in PackedLayer layer, float* bias, float* tile)
    {
        int block = BlockLength(layer.Depth), last = (layer.Depth - 1) / block * block;
        if (last == 0)
        {
            RectifiedBlock(input, layer, bias, tile);
            return;
        }

        LinearBlocks(input, layer, last, block, bias, tile, tile + SoftQTiles.LaneBlock, SoftQTiles.PairsPerTile);
        AddRectifiedBlock(input + (last * SoftQTiles.PairsPerTile), layer.Slice(last, layer.Depth - last), tile);
    }

    /// <summary>tile = relu(W input + tile).</summary>
    /// <param name="input"><c>[depth][32]</c>.</param>
    /// <param name="layer">W.</param>
    /// <param name="tile"><c>[outputs][32]</c>, outputs rounded up to whole panels.</param>
    public void AddRectified(float* input, in PackedLayer layer, float* tile)
    {
        int block = BlockLength(layer.Depth), last = (layer.Depth - 1) / block * block;
        for (int k = 0; k < last; k += block)
        {
            AddBlock(input + (k * SoftQTiles.PairsPerTile), layer.Slice(k, block), tile, tile + SoftQTiles.LaneBlock, SoftQTiles.PairsPerTile);
        }

        AddRectifiedBlock(input + (last * SoftQTiles.PairsPerTile), layer.Slice(last, layer.Depth - last), tile);
    }

    /// <summary>values = weight3 . relu(W input + bias) + bias3.</summary>
    /// <param name="input"><c>[depth][32]</c>.</param>
    /// <param name="layer">W.</param>
    /// <param name="bias">One per hidden unit, padded to whole panels.</param>
    /// <param name="weight3">One per hidden unit, padded likewise.</param>
    /// <param name="bias3">The output's bias.</param>
    /// <param name="partial">Scratch <c>[outputs][32]</c>, outputs rounded up to whole panels.</param>
    /// <param name="values">Result <c>[32]</c>.</param>
    public void RectifiedDot(float* input, in PackedLayer layer, float* bias, float* weight3, float bias3, float* partial, float* values)
    {
        int block = BlockLength(layer.Depth), last = (layer.Depth - 1) / block * block;
        if (last == 0)
        {
            RectifiedDotBlock(input, layer, bias, weight3, bias3, values);
            return;
        }

        LinearBlocks(input, layer, last, block, bias, partial, partial + SoftQTiles.LaneBlock, SoftQTiles.PairsPerTile);
        AddRectifiedDotBlock(input + (last * SoftQTiles.PairsPerTile), layer.Slice(last, layer.Depth - last), partial, weight3, bias3, values);
    }

    /// <summary>result = W input + bias; the result in rows of <paramref name="outStride"/> floats.</summary>
    protected abstract void LinearBlock(float* input, in PackedLayer layer, float* bias, float* out0, float* out1, int outStride);

    /// <summary>result += W input.</summary>
    protected abstract void AddBlock(float* input, in PackedLayer layer, float* out0, float* out1, int outStride);

    /// <summary>tile = relu(W input + bias).</summary>
    protected abstract void RectifiedBlock(float* input, in PackedLayer layer, float* bias, float* tile);

    /// <summary>tile = relu(W input + tile).</summary>
    protected abstract void AddRectifiedBlock(float* input, in PackedLayer layer, float* tile);

    /// <summary>values = weight3 . relu(W input + bias) + bias3.</summary>
    protected abstract void RectifiedDotBlock(float* input, in PackedLayer layer, float* bias, float* weight3, float bias3, float* values);

    /// <summary>values = weight3 . relu(W input + partial) + bias3.</summary>
    protected abstract void AddRectifiedDotBlock(float* input, in PackedLayer layer, float* partial, float* weight3, float bias3, float* values);

    /// <summary>Length of equal blocks of at most <see cref="SoftQTiles.DepthBlock"/> inputs; the last may be shorter.</summary>
    private static int BlockLength(int depth)
    {
        int blocks = (depth + SoftQTiles.DepthBlock - 1) / SoftQTiles.DepthBlock;
        return (depth + blocks - 1) / blocks;
    }

    private void LinearBlocks(float* input, in PackedLayer layer, int depth, int block, float* bias, float* out0, float* out1, int outStride)
    {
        LinearBlock(input, layer.Slice(0, Math.Min(block, depth)), bias, out0, out1, outStride);
        for (int k = block; k < depth; k += block)
        {
            AddBlock(input + (k * SoftQTiles.PairsPerTile), layer.Slice(k, Math.Min(block, depth - k)), out0, out1, outStride);
        }
    }
}

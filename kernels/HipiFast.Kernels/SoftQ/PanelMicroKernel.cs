using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>A layer's weights by panels of 8 outputs, or a range of its inputs.</summary>
/// <param name="panels">Panel 0, at the first input of the range.</param>
/// <param name="panelStride">Floats between panels.</param>
/// <param name="inputStride">Floats between the inputs of a panel.</param>
/// <param name="depth">Inputs in the range.</param>
/// <param name="panelCount">Number of panels; the last one is filled with zero weights.</param>
internal readonly unsafe struct PanelLayer(float* panels, int panelStride, int inputStride, int depth, int panelCount)
{
    public readonly float* Panels = panels;
    public readonly int PanelStride = panelStride;
    public readonly int InputStride = inputStride;
    public readonly int Depth = depth;
    public readonly int PanelCount = panelCount;

    /// <summary>The weights of some of the inputs.</summary>
    public PanelLayer Slice(int firstInput, int inputs) =>
        new(Panels + ((nint)firstInput * InputStride), PanelStride, InputStride, inputs, PanelCount);
}

/// <summary>The last layer of a critic: <c>values = w3 . rectified sums + b3</c>.</summary>
/// <param name="weights">w3, one per hidden unit, padded to whole panels.</param>
/// <param name="bias">b3.</param>
/// <param name="values">Result, one per pair.</param>
internal readonly unsafe struct LastLayer(float* weights, float bias, float* values)
{
    public readonly float* Weights = weights;
    public readonly float Bias = bias;
    public readonly float* Values = values;
}

/// <summary>How the accumulators of a layer begin.</summary>
internal enum LayerBegin
{
    /// <summary>With the bias.</summary>
    Bias,

    /// <summary>With what the result holds.</summary>
    Result,
}

/// <summary>What becomes of the accumulators of a layer.</summary>
internal enum LayerEnd
{
    /// <summary>They are the result.</summary>
    Store,

    /// <summary>Rectified, they are the result.</summary>
    Rectify,

    /// <summary>Rectified and multiplied by w3, they are summed up: one value per pair.</summary>
    Dot,
}

/// <summary>
/// The micro-kernels in fp32. A tile is stored transposed, <c>[unit][48 pairs]</c>, so that vector lanes are pairs and
/// every weight is a broadcast: no horizontal sums, no ragged edge in H. Long layers are cut in depth so that the part
/// of the tile in use stays in the first-level cache.
/// </summary>
/// <remarks>Every sum begins with its bias and takes the inputs in rising order.</remarks>
internal abstract unsafe class PanelMicroKernel : MlpMicroKernel
{
    /// <inheritdoc/>
    public sealed override int TileVectors => SoftQTiles.TileVectors;

    /// <inheritdoc/>
    public sealed override MlpSoftQNetwork CreateNetwork() => new PanelNetwork();

    /// <inheritdoc/>
    public sealed override long ScratchFloats(MlpShape shape) => 2L * shape.HiddenStride * SoftQTiles.TileStride;

    /// <inheritdoc/>
    public sealed override void Values(
        SoftQNetwork critic, PairVector* pairs, int vectors, in ActionShare action, float* scratch, float* values)
    {
        PanelNetwork network = (PanelNetwork)critic;
        int hidden = network.Shape.Hidden, stride = network.Shape.HiddenStride;
        float* tile = scratch, partial = scratch + ((nint)stride * SoftQTiles.TileStride);
        FirstLayer(pairs, vectors, action, hidden, stride, true, tile);
        LastLayer last = new(network.Weight3, *network.Bias3, values);
        Run(LayerBegin.Bias, LayerEnd.Dot, vectors, tile, network.Second, network.Bias2, partial, last);
    }

    /// <inheritdoc/>
    public sealed override void Head(SoftQNetwork network, PairVector* pairs, int vectors, float* scratch, float* head)
    {
        PanelNetwork actor = (PanelNetwork)network;
        float* tile = scratch, hidden = scratch + ((nint)actor.Shape.HiddenStride * SoftQTiles.TileStride);
        FirstLayer(pairs, vectors, actor.Shape.Hidden, true, tile);
        Run(LayerBegin.Bias, LayerEnd.Rectify, vectors, tile, actor.Second, actor.Bias2, hidden, default);
        Run(LayerBegin.Bias, LayerEnd.Store, vectors, hidden, actor.Third, actor.Bias3, head, default);
    }

    /// <summary>tile = broadcast + lanes + the action's share, rectified on request.</summary>
    /// <param name="pairs">The tile's vectors.</param>
    /// <param name="vectors">How many.</param>
    /// <param name="action">Share of per-pair actions.</param>
    /// <param name="hidden">Units.</param>
    /// <param name="stride">Floats between the rows of the action's weights, <paramref name="hidden"/> padded.</param>
    /// <param name="rectify">Whether negative entries become 0.</param>
    /// <param name="tile">Result <c>[hidden rounded up to 8][48]</c>.</param>
    public void FirstLayer(
        PairVector* pairs, int vectors, in ActionShare action, int hidden, int stride, bool rectify, float* tile)
    {
        if (action.Action == null)
        {
            FirstLayer(pairs, vectors, hidden, rectify, tile);
            return;
        }

        // The last panel of outputs may reach beyond H: those rows are added to as well, and hold the zero padding of
        // both shares.
        PanelLayer layer = new(
            action.Weights, SoftQTiles.OutputPanel, stride, action.Count, SoftQTiles.Panels(hidden));
        FirstLayer(pairs, vectors, layer.PanelCount * SoftQTiles.OutputPanel, false, tile);
        LayerEnd end = rectify ? LayerEnd.Rectify : LayerEnd.Store;
        Run(LayerBegin.Result, end, vectors, action.Action, layer, null, tile, default);
    }

    /// <summary>tile = broadcast + lanes, rectified on request.</summary>
    /// <param name="pairs">The tile's vectors.</param>
    /// <param name="vectors">How many.</param>
    /// <param name="hidden">Hidden units.</param>
    /// <param name="rectify">Whether negative entries become 0.</param>
    /// <param name="tile">Result <c>[hidden][48]</c>.</param>
    protected abstract void FirstLayer(PairVector* pairs, int vectors, int hidden, bool rectify, float* tile);

    /// <summary>One layer, or a range of its inputs, for a tile.</summary>
    /// <param name="begin">How the sums begin.</param>
    /// <param name="end">What becomes of them.</param>
    /// <param name="vectors">Vectors of 16 pairs.</param>
    /// <param name="input"><c>[depth][48]</c>.</param>
    /// <param name="layer">Weights.</param>
    /// <param name="bias">One per output, padded to whole panels; not read when sums begin with the result.</param>
    /// <param name="result">
    /// <c>[outputs][48]</c>, outputs rounded up to whole panels; not written by <see cref="LayerEnd.Dot"/>.
    /// </param>
    /// <param name="last">Used by <see cref="LayerEnd.Dot"/>.</param>
    protected abstract void Layer(
        LayerBegin begin, LayerEnd end, int vectors, float* input, in PanelLayer layer, float* bias, float* result,
        in LastLayer last);

    /// <summary>A whole layer in blocks of its depth: all but the last leave plain sums in the result.</summary>
    /// <inheritdoc cref="Layer" path="/param"/>
    public void Run(
        LayerBegin begin, LayerEnd end, int vectors, float* input, in PanelLayer layer, float* bias, float* result,
        in LastLayer last)
    {
        int block = SoftQTiles.DepthBlockOf(layer.Depth), k = 0;
        for (; k < layer.Depth - block; k += block)
        {
            Layer(
                begin, LayerEnd.Store, vectors, input + ((nint)k * SoftQTiles.TileStride), layer.Slice(k, block), bias,
                result, default);
            begin = LayerBegin.Result;
        }

        input += (nint)k * SoftQTiles.TileStride;
        Layer(begin, end, vectors, input, layer.Slice(k, layer.Depth - k), bias, result, last);
    }
}

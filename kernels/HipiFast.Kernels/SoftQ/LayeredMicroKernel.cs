using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// The micro-kernel of networks of any layers: products by a <see cref="PanelMicroKernel"/>, what happens between them
/// by <see cref="TileSteps{TSimd, TVector}"/>. Two tiles of the widest layer take turns as a layer's input and its
/// output.
/// </summary>
/// <param name="leaves">Does the products.</param>
internal abstract unsafe class LayeredMicroKernel(PanelMicroKernel leaves) : SoftQMicroKernel
{
    /// <inheritdoc/>
    public sealed override string Name => "layered-" + leaves.Name;

    /// <inheritdoc/>
    public sealed override int TileVectors => leaves.TileVectors;

    /// <summary>The implementation for a kind of vector.</summary>
    /// <param name="kind">Kind of vector; any of them runs anywhere, if slowly.</param>
    /// <returns>A micro-kernel.</returns>
    public static new LayeredMicroKernel For(VectorKind kind) => kind switch
    {
        VectorKind.Vector512 => new LayeredMicroKernel<Simd512, Vector512<float>>(SoftQMicroKernel.For(kind)),
        VectorKind.Vector256 => new LayeredMicroKernel<Simd256, Vector256<float>>(SoftQMicroKernel.For(kind)),
        _ => new LayeredMicroKernel<SimdPortable, Vector<float>>(SoftQMicroKernel.For(kind)),
    };

    /// <inheritdoc/>
    public sealed override long ScratchFloats(SoftQNetwork network) =>
        ((LayeredSoftQNetwork)network).Inner.ScratchFloats;

    /// <inheritdoc/>
    public sealed override void Values(
        SoftQNetwork critic, PairVector* pairs, int vectors, in ActionShare action, float* scratch, float* values)
    {
        LayeredSoftQNetwork network = (LayeredSoftQNetwork)critic;
        ReadOnlySpan<PackedLayer> layers = network.Inner.Layers;
        float* tile = First(network, pairs, vectors, action, scratch), other = Other(network.Inner, tile, scratch);
        if (layers.IsEmpty)
        {
            new Span<float>(tile, vectors * SoftQTiles.LaneBlock).CopyTo(new Span<float>(
                values, vectors * SoftQTiles.LaneBlock));
            return;
        }

        PackedLayer output = layers[^1];
        LastLayer last = new(output.Row, *output.Bias, values);
        if (layers.Length > 1 && layers[^2].IsRectified)
        {
            // The last hidden layer is never written: its sums are rectified and summed up where they are.
            tile = Through(layers[..^2], vectors, tile, other);
            other = Other(network.Inner, tile, scratch);
            PackedLayer hidden = layers[^2];
            leaves.Run(LayerBegin.Bias, LayerEnd.Dot, vectors, tile, hidden.Panels, hidden.Bias, other, last);
        }
        else
        {
            Dot(Through(layers[..^1], vectors, tile, other), output.Panels.Depth, vectors, last);
        }
    }

    /// <inheritdoc/>
    public sealed override void Head(SoftQNetwork network, PairVector* pairs, int vectors, float* scratch, float* head)
    {
        LayeredSoftQNetwork layered = (LayeredSoftQNetwork)network;
        ReadOnlySpan<PackedLayer> layers = layered.Inner.Layers;
        if (layers.IsEmpty)
        {
            First(layered, pairs, vectors, default, head);
            return;
        }

        float* tile = First(layered, pairs, vectors, default, scratch);
        tile = Through(layers[..^1], vectors, tile, Other(layered.Inner, tile, scratch));
        Layer(layers[^1], vectors, tile, head);
    }

    /// <summary>Layers one after the other.</summary>
    /// <param name="layers">The layers.</param>
    /// <param name="vectors">Vectors of 16 pairs.</param>
    /// <param name="tile">Input <c>[inputs][48]</c>; is written over.</param>
    /// <param name="other">A tile that no layer is too wide for.</param>
    /// <returns>The tile that holds the last layer's output.</returns>
    public float* Through(ReadOnlySpan<PackedLayer> layers, int vectors, float* tile, float* other)
    {
        foreach (ref readonly PackedLayer layer in layers)
        {
            Layer(layer, vectors, tile, other);
            float* input = tile;
            tile = other;
            other = input;
        }

        return tile;
    }

    /// <summary>Applies what happens to a layer's sums.</summary>
    protected abstract void Apply(ReadOnlySpan<PackedStep> steps, float* tile, int units, int vectors);

    /// <summary>values = the products of the tile's units and the last layer's weights, summed up.</summary>
    protected abstract void Dot(float* tile, int units, int vectors, in LastLayer last);

    private static float* Other(PackedLayers layers, float* tile, float* scratch) =>
        tile == scratch ? scratch + PackedLayers.TileFloats(layers.Widest) : scratch;

    private float* First(
        LayeredSoftQNetwork network, PairVector* pairs, int vectors, in ActionShare action, float* tile)
    {
        PackedStep[] steps = network.FirstSteps;
        bool rectify = steps.Length > 0 && steps[0].Activation == Networks.Activation.Relu;
        leaves.FirstLayer(pairs, vectors, action, network.FirstOutputs, network.FirstStride, rectify, tile);
        Apply(steps.AsSpan(rectify ? 1 : 0), tile, network.FirstOutputs, vectors);
        return tile;
    }

    private void Layer(in PackedLayer layer, int vectors, float* input, float* result)
    {
        bool rectify = layer.Steps.Length > 0 && layer.Steps[0].Activation == Networks.Activation.Relu;
        LayerEnd end = rectify ? LayerEnd.Rectify : LayerEnd.Store;
        leaves.Run(LayerBegin.Bias, end, vectors, input, layer.Panels, layer.Bias, result, default);
        Apply(layer.Steps.AsSpan(rectify ? 1 : 0), result, layer.Outputs, vectors);
    }
}

/// <inheritdoc/>
internal sealed unsafe class LayeredMicroKernel<TSimd, TVector>(PanelMicroKernel leaves) : LayeredMicroKernel(leaves)
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <inheritdoc/>
    protected override void Apply(ReadOnlySpan<PackedStep> steps, float* tile, int units, int vectors) =>
        TileSteps<TSimd, TVector>.Apply(steps, tile, units, vectors);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Dot(float* tile, int units, int vectors, in LastLayer last)
    {
        float* weights = last.Weights;
        for (int lane = 0; lane < vectors * SoftQTiles.LaneBlock; lane += TSimd.Count)
        {
            // Two sums, so that one multiply-add does not wait for the one before.
            TVector even = TSimd.Broadcast(last.Bias), odd = TSimd.Zero;
            float* x = tile + lane;
            int unit = 0;
            for (; unit < units - 1; unit += 2, x += 2 * SoftQTiles.TileStride)
            {
                even = TSimd.MultiplyAdd(TSimd.Load(x), TSimd.Broadcast(weights[unit]), even);
                odd = TSimd.MultiplyAdd(
                    TSimd.Load(x + SoftQTiles.TileStride), TSimd.Broadcast(weights[unit + 1]), odd);
            }

            if (unit < units)
            {
                even = TSimd.MultiplyAdd(TSimd.Load(x), TSimd.Broadcast(weights[unit]), even);
            }

            TSimd.Store(TSimd.Add(even, odd), last.Values + lane);
        }
    }
}

using System.Runtime.Intrinsics;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// A network's weights in the order in which the micro-kernels read them: panels of 8 outputs, <c>[panel][input][8]</c>. Without packing, a panel's
/// rows would lie H floats apart: a power of two as often as not, so that they fight for the same cache sets, and a page each for large H.
/// </summary>
/// <remarks>The copy is kept until another network or version comes along.</remarks>
internal sealed unsafe class PackedMlp : IDisposable
{
    private readonly NativeBuffer<float> _memory = new(0);
    private MlpParameters? _network;
    private long _version;
    private long _second;
    private long _third;

    /// <summary>The network of which this is a copy.</summary>
    public MlpParameters Network => _network!;

    /// <summary>Shape of the network.</summary>
    public MlpShape Shape => _network!.Shape;

    /// <summary>W1 as it is stored, <c>[Inputs][HiddenStride]</c>.</summary>
    public float* Weight1 => _network!.Pointer + Shape.Weight1;

    /// <summary>b1, <c>[HiddenStride]</c>.</summary>
    public float* Bias1 => _network!.Pointer + Shape.Bias1;

    /// <summary>b2, <c>[HiddenStride]</c>.</summary>
    public float* Bias2 => _network!.Pointer + Shape.Bias2;

    /// <summary>W3 as it is stored: <c>[HiddenStride]</c> for a single output.</summary>
    public float* Weight3 => _network!.Pointer + Shape.Weight3;

    /// <summary>b3, <c>[Outputs]</c> padded to 16.</summary>
    public float* Bias3 => _network!.Pointer + Shape.Bias3;

    /// <summary>W2.</summary>
    public PackedLayer Second => new(_memory.Pointer + _second, Shape.Hidden * SoftQTiles.OutputPanel, Shape.Hidden, Panels(Shape.Hidden));

    /// <summary>W3 of a network with several outputs.</summary>
    public PackedLayer Third => new(_memory.Pointer + _third, Shape.Hidden * SoftQTiles.OutputPanel, Shape.Hidden, Panels(Shape.Outputs));

    /// <summary>The part of W1 that reads a range of inputs.</summary>
    /// <param name="firstInput">First input.</param>
    /// <param name="inputs">Number of inputs.</param>
    /// <returns>The packed range.</returns>
    public PackedLayer First(int firstInput, int inputs) =>
        new(_memory.Pointer + (firstInput * SoftQTiles.OutputPanel), Shape.Inputs * SoftQTiles.OutputPanel, inputs, Panels(Shape.Hidden));

    /// <summary>Copies a network unless this is its copy already.</summary>
    /// <param name="network">The network.</param>
    public void Update(MlpParameters network)
    {
        if (ReferenceEquals(network, _network) && network.Version == _version)
        {
            return;
        }

        _network = null;
        MlpShape shape = network.Shape;
        float* source = network.Pointer;
        _second = PackedLength(shape.Inputs, shape.HiddenStride);
        _third = _second + PackedLength(shape.Hidden, shape.HiddenStride);
        long length = _third + (shape.Outputs > 1 ? PackedLength(shape.Hidden, shape.OutputStride) : 0);
        _memory.EnsureLength(length);
        Pack(source + shape.Weight1, shape.Inputs, shape.HiddenStride, _memory.Pointer);
        Pack(source + shape.Weight2, shape.Hidden, shape.HiddenStride, _memory.Pointer + _second);
        if (shape.Outputs > 1)
        {
            Pack(source + shape.Weight3, shape.Hidden, shape.OutputStride, _memory.Pointer + _third);
        }

        _network = network;
        _version = network.Version;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _memory.Dispose();
        _network = null;
    }

    private static int Panels(int outputs) => (outputs + SoftQTiles.OutputPanel - 1) / SoftQTiles.OutputPanel;

    private static long PackedLength(int inputs, int stride) => (long)inputs * stride;

    /// <summary>
    /// Rows of <paramref name="stride"/> floats, a multiple of 16, into panels of 8: two panels at a time, a whole cache line of the source.
    /// </summary>
    private static void Pack(float* source, int inputs, int stride, float* packed)
    {
        int panelLength = inputs * SoftQTiles.OutputPanel;
        for (int column = 0; column < stride; column += 2 * SoftQTiles.OutputPanel)
        {
            float* from = source + column, to = packed + ((long)column * inputs);
            for (int k = 0; k < inputs; k++)
            {
                Vector256.Load(from).Store(to);
                Vector256.Load(from + SoftQTiles.OutputPanel).Store(to + panelLength);
                from += stride;
                to += SoftQTiles.OutputPanel;
            }
        }
    }
}

using System.Runtime.Intrinsics;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// A network's weights in the order in which <see cref="PanelMicroKernel"/> reads them: panels of 8 outputs,
/// <c>[panel][input][8]</c>. Without packing, a panel's rows would lie H floats apart: a power of two as often as not,
/// so that they fight for the same cache sets, and a page each for large H.
/// </summary>
internal sealed unsafe class PanelNetwork : MlpSoftQNetwork
{
    private readonly NativeBuffer<float> _memory = new(0);
    private long _third;

    /// <summary>W2.</summary>
    public PanelLayer Second => Layer(0, Shape.Hidden);

    /// <summary>W3 of a network with several outputs.</summary>
    public PanelLayer Third => Layer(_third, Shape.Outputs);

    /// <inheritdoc/>
    public override void Dispose()
    {
        _memory.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override void Pack(MlpParameters parameters)
    {
        MlpShape shape = parameters.Shape;
        _third = (long)shape.Hidden * shape.HiddenStride;
        _memory.EnsureLength(_third + (shape.Outputs > 1 ? (long)shape.Hidden * shape.OutputStride : 0));
        Pack(parameters.Pointer + shape.Weight2, shape.Hidden, shape.HiddenStride, _memory.Pointer);
        if (shape.Outputs > 1)
        {
            Pack(parameters.Pointer + shape.Weight3, shape.Hidden, shape.OutputStride, _memory.Pointer + _third);
        }
    }

    private PanelLayer Layer(long offset, int outputs) => new(
        _memory.Pointer + offset, Shape.Hidden * SoftQTiles.OutputPanel, SoftQTiles.OutputPanel, Shape.Hidden,
        SoftQTiles.Panels(outputs));

    /// <summary>
    /// Rows of <paramref name="stride"/> floats, a multiple of 16, into panels of 8: two panels at a time, a whole
    /// cache line of the source.
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

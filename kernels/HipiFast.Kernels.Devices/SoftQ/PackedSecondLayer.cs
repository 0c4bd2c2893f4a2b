using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.Devices.SoftQ;

/// <summary>A network's second layer on the device, packed in bf16 for tensor cores; renewed when the network has changed.</summary>
internal sealed class PackedSecondLayer(DeviceLauncher launcher) : IDisposable
{
    private readonly DeviceArray _memory = new(launcher.Runtime);
    private DeviceKernel? _kernel;
    private MlpParameters? _source;
    private long _version;

    /// <summary>The fragments.</summary>
    public DeviceView View { get; private set; }

    /// <summary>How groups share the network's work.</summary>
    public TensorTile Tile { get; private set; }

    /// <inheritdoc cref="DeviceArray.Generation"/>
    public int Generation => _memory.Generation;

    /// <summary>Queues the packing unless that has been done.</summary>
    /// <param name="source">The network.</param>
    /// <param name="network">Its copy on the device, renewed before.</param>
    public void Update(MlpParameters source, DeviceNetwork network)
    {
        if (ReferenceEquals(source, _source) && source.Version == _version)
        {
            return;
        }

        MlpShape shape = source.Shape;
        Tile = TensorTile.For(launcher.Runtime.Device, shape.HiddenStride);
        SecondLayerShape packing = new() { Weights = shape.Weight2, Stride = shape.HiddenStride, Blocks = Tile.Blocks };
        long fragments = Tile.Fragments(shape.HiddenStride);
        View = _memory.Ensure<Fragment>(fragments);
        _kernel ??= launcher.Runtime.Load(DeviceKernelNames.PackSecondLayer);
        launcher.Arguments.Clear().Add(network.View).Add(View).Add(packing);
        launcher.RunEntries(_kernel, fragments);
        (_source, _version) = (source, source.Version);
    }

    public void Dispose() => _memory.Dispose();

    // What a view of fragments counts in: a lane's four registers.
    private readonly record struct Fragment(uint X, uint Y, uint Z, uint W);
}

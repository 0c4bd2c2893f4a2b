using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.Devices.SoftQ;

/// <summary>
/// A network's second layer on the device, packed in bf16 for tensor cores; renewed when the network has changed.
/// </summary>
internal sealed class PackedSecondLayer(DeviceLauncher launcher) : IDisposable
{
    private readonly DeviceArray _memory = new(launcher.Runtime);
    private DeviceKernel? _kernel;
    private NetworkStamp _packed;

    /// <summary>The fragments.</summary>
    public DeviceView View { get; private set; }

    /// <summary>How groups share the network's work.</summary>
    public TensorTile Tile { get; private set; }

    /// <inheritdoc cref="DeviceArray.Generation"/>
    public int Generation => _memory.Generation;

    /// <summary>Queues the packing unless that has been done.</summary>
    /// <param name="shape">Shape of the network.</param>
    /// <param name="network">The network on the device, renewed before.</param>
    public void Update(MlpShape shape, DeviceNetwork network)
    {
        if (network.Stamp == _packed)
        {
            return;
        }

        Tile = TensorTile.For(launcher.Runtime.Device, shape.HiddenStride);
        SecondLayerShape packing = new() { Weights = shape.Weight2, Stride = shape.HiddenStride, Blocks = Tile.Blocks };
        long fragments = Tile.Fragments(shape.HiddenStride);
        View = _memory.Ensure<Fragment>(fragments);
        _kernel ??= launcher.Runtime.Load(DeviceKernelNames.PackSecondLayer);
        launcher.Arguments.Clear().Add(network.View).Add(View).Add(packing);
        launcher.RunEntries(_kernel, fragments);
        _packed = network.Stamp;
    }

    public void Dispose() => _memory.Dispose();

    // What a view of fragments counts in: a lane's four registers.
    private readonly record struct Fragment(uint X, uint Y, uint Z, uint W);
}

using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.Devices;

/// <summary>The device's copy of a network, renewed when the network has changed.</summary>
internal sealed class DeviceNetwork(DeviceRuntime runtime) : IDisposable
{
    private readonly DeviceArray _memory = new(runtime);
    private MlpParameters? _source;
    private long _version;

    /// <summary>The parameters in the layout of <see cref="MlpShape"/>.</summary>
    public DeviceView View { get; private set; }

    /// <inheritdoc cref="DeviceArray.Generation"/>
    public int Generation => _memory.Generation;

    /// <summary>Copies the network over unless that has been done.</summary>
    public void Update(MlpParameters source)
    {
        if (ReferenceEquals(source, _source) && source.Version == _version)
        {
            return;
        }

        View = _memory.Ensure<float>(source.Shape.Length);
        runtime.Upload<float>(source.Values, View);
        (_source, _version) = (source, source.Version);
    }

    public void Dispose() => _memory.Dispose();
}

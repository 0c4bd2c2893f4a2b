using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>
/// A network as a device's kernels read it: where it lies, when it is in that device's memory already, or else a copy, renewed when the network has
/// changed.
/// </summary>
internal sealed class DeviceNetwork(DeviceRuntime runtime) : IDisposable
{
    private readonly DeviceArray _memory = new(runtime);
    private MlpParameters? _source;
    private long _version;

    /// <summary>The parameters in the layout of <see cref="MlpShape"/>.</summary>
    public DeviceView View { get; private set; }

    /// <summary>Changes whenever the parameters lie somewhere else: a captured sequence is good for one place only.</summary>
    public int Generation { get; private set; }

    /// <summary>Finds the network on the device, or copies it over unless that has been done.</summary>
    public void Update(MlpParameters source)
    {
        if (source.Resident is DeviceParameters resident && ReferenceEquals(resident.Runtime, runtime))
        {
            Place(resident.View);

            // The copy, if there is one, is of another network or time.
            _source = null;
            return;
        }

        if (ReferenceEquals(source, _source) && source.Version == _version)
        {
            return;
        }

        Place(_memory.Ensure<float>(source.Shape.Length));
        runtime.Upload<float>(source.Values, View);
        (_source, _version) = (source, source.Version);
    }

    public void Dispose() => _memory.Dispose();

    private void Place(DeviceView view)
    {
        if (!ReferenceEquals(view.Buffer, View.Buffer) || view.ByteOffset != View.ByteOffset)
        {
            Generation++;
        }

        View = view;
    }
}

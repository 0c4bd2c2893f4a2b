using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>
/// A network as a device's kernels read it: where it lies, when it is in that device's memory already, or else a copy,
/// renewed when the network has changed.
/// </summary>
internal sealed class DeviceNetwork(DeviceRuntime runtime) : IDisposable
{
    private readonly DeviceArray _memory = new(runtime);

    // What the copy is of; default when there is none.
    private NetworkStamp _copied;

    /// <summary>The parameters in the layout of <see cref="MlpShape"/>.</summary>
    public DeviceView View { get; private set; }

    /// <summary>Which values those are.</summary>
    public NetworkStamp Stamp { get; private set; }

    /// <summary>
    /// Changes whenever the parameters lie somewhere else: a captured sequence is good for one place only.
    /// </summary>
    public int Generation { get; private set; }

    /// <summary>Finds the network on the device, or copies it over unless that has been done.</summary>
    public void Update(MlpParameters source)
    {
        if (runtime.Networks.Find(source) is { } resident)
        {
            Place(resident.View);
            Stamp = new NetworkStamp(resident, resident.Version);

            // The copy, if there is one, is of another network or time.
            _copied = default;
            return;
        }

        NetworkStamp wanted = new(source, source.Version);
        if (wanted == _copied)
        {
            return;
        }

        _copied = default;
        Place(_memory.Ensure<float>(source.Shape.Length));
        runtime.Upload<float>(source.Values, View);
        Stamp = _copied = wanted;
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

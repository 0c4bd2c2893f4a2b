namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>
/// A network that somebody trains in a device's memory. Kernels of that runtime read it in place; whoever changes it
/// sees to it that its changes and the runtime's main stream take turns (<see cref="ExternalStream"/>).
/// </summary>
/// <param name="view">The floats in the layout of <see cref="Networks.MlpShape"/>, padding zero.</param>
internal sealed class ResidentNetwork(DeviceView view)
{
    /// <summary>Where the newest values lie.</summary>
    public DeviceView View => view;

    /// <summary>Counts changes of the values there.</summary>
    public long Version { get; private set; }

    /// <summary>Says that the values have changed there. What is packed from them is packed anew.</summary>
    public void MarkChanged() => Version++;
}

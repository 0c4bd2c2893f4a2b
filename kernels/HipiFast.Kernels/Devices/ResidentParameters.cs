namespace HipiFast.Kernels.Devices;

/// <summary>
/// A network that somebody trains in a device's memory. Kernels of that runtime read it in place; whoever changes it sees to it that its changes and
/// the runtime's main stream take turns (<see cref="ExternalStream"/>).
/// </summary>
/// <param name="Runtime">The device.</param>
/// <param name="View">The floats in the layout of <see cref="Networks.MlpShape"/>, padding zero.</param>
internal sealed record ResidentParameters(DeviceRuntime Runtime, DeviceView View);

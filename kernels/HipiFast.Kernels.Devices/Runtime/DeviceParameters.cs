using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>
/// A network that somebody trains in a device's memory. Kernels of that runtime read it in place; whoever changes it sees to it that its changes and
/// the runtime's main stream take turns (<see cref="ExternalStream"/>).
/// </summary>
/// <param name="Runtime">The device.</param>
/// <param name="View">The floats in the layout of <see cref="MlpShape"/>, padding zero.</param>
internal sealed record DeviceParameters(DeviceRuntime Runtime, DeviceView View) : ResidentParameters
{
    public override void Download(Span<float> values) => Runtime.Download(View, values);
}

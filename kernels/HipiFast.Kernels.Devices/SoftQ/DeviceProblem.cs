using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Devices.SoftQ;

/// <summary>Where a batch and its candidates lie on the device, each view from its first row on.</summary>
internal readonly record struct DeviceProblem(
    DeviceView Call, DeviceView Observation, DeviceView Action, DeviceView NextObservation, DeviceView Task);

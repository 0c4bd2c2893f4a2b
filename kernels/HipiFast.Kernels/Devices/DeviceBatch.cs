namespace HipiFast.Kernels.Devices;

/// <summary>A batch of transitions in device memory; every matrix row-major without padding.</summary>
/// <param name="Observation">s, floats <c>[B, S]</c>.</param>
/// <param name="Action">a, floats <c>[B, A]</c>.</param>
/// <param name="NextObservation">s', floats <c>[B, S]</c>.</param>
/// <param name="Task">The commanded tasks, floats <c>[B, P]</c>.</param>
/// <param name="Reward">r under the commanded tasks, floats <c>[B]</c>.</param>
/// <param name="Terminated">1 where the commanded task ended, else 0, 32-bit integers <c>[B]</c>.</param>
/// <param name="ReplayIndex">Absolute numbers of the transitions, 64-bit integers <c>[B]</c>.</param>
public readonly record struct DeviceBatch(
    DeviceView Observation, DeviceView Action, DeviceView NextObservation, DeviceView Task, DeviceView Reward, DeviceView Terminated,
    DeviceView ReplayIndex);

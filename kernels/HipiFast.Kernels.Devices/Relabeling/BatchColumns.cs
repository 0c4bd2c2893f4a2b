using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Devices.Relabeling;

/// <summary>
/// Where the columns of a call's batch lie: in a <see cref="DeviceBatch"/>, or in the block that travels with the call.
/// </summary>
internal readonly record struct BatchColumns(
    DeviceView Observation, DeviceView Action, DeviceView NextObservation, DeviceView Task, DeviceView Reward,
    DeviceView Terminated)
{
    /// <summary>Those of a batch that is on the device already.</summary>
    public BatchColumns(DeviceBatch batch)
        : this(batch.Observation, batch.Action, batch.NextObservation, batch.Task, batch.Reward, batch.Terminated)
    {
    }
}

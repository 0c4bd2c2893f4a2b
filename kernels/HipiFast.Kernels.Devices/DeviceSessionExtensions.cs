using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Devices;

/// <summary>What a session on a device has beyond every session.</summary>
public static class DeviceSessionExtensions
{
    extension(ComputeSession session)
    {
        /// <summary>
        /// The layer over the session's device, for memory that relabel calls take where it lies (<see cref="DeviceBatch"/>,
        /// <see cref="DeviceReplay"/>); null for backends of the processor. Lives as long as the session.
        /// </summary>
        public DeviceRuntime? Runtime => (session.Transitions as DeviceTransitions)?.Runtime;
    }
}

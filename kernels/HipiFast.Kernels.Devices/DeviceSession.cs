using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.LogPartition;
using HipiFast.Kernels.Devices.Relabeling;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Devices.TaskSampling;

namespace HipiFast.Kernels.Devices;

/// <summary>
/// Sessions on a device: the three kernels over host memory, and the pipeline. Dense networks, which learn on the host,
/// stay there.
/// </summary>
public static class DeviceSession
{
    /// <summary>Makes a session.</summary>
    /// <param name="backend">The backend it is for.</param>
    /// <param name="runtime">The device; disposed with the session, or at once where there can be none.</param>
    /// <param name="options">Threads of the dense kernels.</param>
    /// <returns>The session; dispose it.</returns>
    public static ComputeSession Create(KernelBackend backend, DeviceRuntime runtime, SessionOptions options)
    {
        ArgumentNullException.ThrowIfNull(backend);
        ArgumentNullException.ThrowIfNull(runtime);
        DeviceLauncher? launcher = null;
        ComputeSession? host = null;
        try
        {
            launcher = new DeviceLauncher(runtime);
            host = ManagedBackend.Best.CreateSession(new SessionOptions(options.MaxThreads));
            return Compose(backend, launcher, host);
        }
        catch
        {
            launcher?.Dispose();
            runtime.Dispose();
            host?.Dispose();
            throw;
        }
    }

    private static ComputeSession Compose(KernelBackend backend, DeviceLauncher launcher, ComputeSession host)
    {
        DeviceSoftQ softQ = new(launcher, backend.Precision);
        DeviceLogPartition logPartition = new(launcher);
        DeviceTaskSampling taskSampling = new(launcher);
        DeviceRelabelPipeline pipeline = new(launcher, softQ, logPartition, taskSampling);
        DeviceTransitions transitions = new(launcher);

        // The launcher first: it knows whether a kernel is being used.
        return new ComputeSession(
            [launcher, transitions, pipeline, taskSampling, logPartition, softQ, launcher.Runtime, host])
        {
            Backend = backend,
            SoftQ = softQ,
            LogPartition = logPartition,
            TaskSampling = taskSampling,
            Dense = host.Dense,
            RelabelPipeline = pipeline,
            Transitions = transitions,
        };
    }

    extension(ComputeSession session)
    {
        /// <summary>
        /// The layer over the session's device, for memory that relabel calls take where it lies
        /// (<see cref="DeviceBatch"/>, <see cref="DeviceReplay"/>); null for backends of the processor. Lives as long
        /// as the session.
        /// </summary>
        public DeviceRuntime? Runtime => (session.Transitions as DeviceTransitions)?.Runtime;
    }
}

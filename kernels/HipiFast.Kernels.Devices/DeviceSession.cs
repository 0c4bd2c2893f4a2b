using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Devices.LogPartition;
using HipiFast.Kernels.Devices.Relabeling;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Devices.TaskSampling;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Devices;

/// <summary>
/// A session on a device: the three kernels over host memory, and the pipeline. Dense networks, which learn on the host, stay there.
/// </summary>
public sealed class DeviceSession : ComputeSession
{
    private readonly DeviceLauncher _launcher;
    private readonly DeviceSoftQ _softQ;
    private readonly DeviceLogPartition _logPartition;
    private readonly DeviceTaskSampling _taskSampling;
    private readonly DeviceRelabelPipeline _pipeline;
    private readonly DeviceTransitions _transitions;
    private readonly ComputeSession _host;

    /// <summary>Makes a session.</summary>
    /// <param name="backend">The backend it is for.</param>
    /// <param name="runtime">The device; disposed with the session.</param>
    /// <param name="options">Threads of the dense kernels.</param>
    public DeviceSession(KernelBackend backend, DeviceRuntime runtime, SessionOptions options)
    {
        ArgumentNullException.ThrowIfNull(backend);
        ArgumentNullException.ThrowIfNull(runtime);
        Backend = backend;
        _transitions = new DeviceTransitions(runtime);
        _launcher = new DeviceLauncher(runtime);
        _softQ = new DeviceSoftQ(_launcher, backend.Precision);
        _logPartition = new DeviceLogPartition(_launcher);
        _taskSampling = new DeviceTaskSampling(_launcher);
        _pipeline = new DeviceRelabelPipeline(_launcher, _softQ, _logPartition, _taskSampling);
        _host = KernelRegistry.Default.Resolve(ManagedBackend.FamilyName).CreateSession(new SessionOptions(options.MaxThreads));
    }

    /// <inheritdoc/>
    public override KernelBackend Backend { get; }

    /// <inheritdoc/>
    public override ISoftQKernel SoftQ => _softQ;

    /// <inheritdoc/>
    public override ILogPartitionKernel LogPartition => _logPartition;

    /// <inheritdoc/>
    public override ITaskSamplingKernel TaskSampling => _taskSampling;

    /// <inheritdoc/>
    public override IDenseKernel Dense => _host.Dense;

    /// <inheritdoc/>
    public override IRelabelPipeline RelabelPipeline => _pipeline;

    /// <inheritdoc/>
    public override TransitionMemory Transitions => _transitions;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        DeviceRuntime runtime = _transitions.Runtime;
        _transitions.Dispose();
        _pipeline.Dispose();
        _taskSampling.Dispose();
        _logPartition.Dispose();
        _softQ.Dispose();
        _launcher.Dispose();
        runtime.Dispose();
        _host.Dispose();
        base.Dispose(disposing);
    }
}

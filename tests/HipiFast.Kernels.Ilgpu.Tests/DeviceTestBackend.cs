using System.Runtime.CompilerServices;
using HipiFast.Kernels.Backends;

namespace HipiFast.Kernels.Ilgpu.Tests;

/// <summary>
/// The backend on the first device of one kind, under a name of its own, so that tests can ask for that kind and be
/// skipped without it.
/// </summary>
internal sealed class DeviceTestBackend(string kind) : KernelBackend
{
    public const string Cpu = "ilgpu-cpu", OpenCl = "ilgpu-opencl", Cuda = "ilgpu-cuda";

    private static readonly IlgpuBackend s_backend = new();

    private ComputeSession? _session;

    public override string Name => kind;

    public override string Description => s_backend.Description;

    private DeviceInfo? Device => s_backend.Devices.FirstOrDefault(
        device => device.Id.StartsWith(kind["ilgpu-".Length..], StringComparison.Ordinal));

    [ModuleInitializer]
    public static void Register()
    {
        foreach (string kind in (string[])[Cpu, OpenCl, Cuda])
        {
            // Never what "auto" takes.
            KernelRegistry.Default.Register(new DeviceTestBackend(kind), int.MinValue);
        }
    }

    public override bool IsSupported(out string reason)
    {
        reason = Device is null ? "ILGPU finds no such device." : string.Empty;
        return Device is not null;
    }

    /// <summary>
    /// The one session of the device, which outlives its users: compiling the kernels for every test would take most of
    /// the time.
    /// </summary>
    public override ComputeSession CreateSession(SessionOptions options) =>
        Lend(this, _session ??= s_backend.CreateSession(new SessionOptions(options.MaxThreads, Device!.Id)));

    /// <summary>A session with a device memory of its own; dispose it.</summary>
    internal static ComputeSession CreateOwn(string kind) =>
        s_backend.CreateSession(new SessionOptions(0, new DeviceTestBackend(kind).Device!.Id));

    /// <summary>A session of a backend whose kernels are another session's and outlive it.</summary>
    internal static ComputeSession Lend(KernelBackend backend, ComputeSession session) => new()
    {
        Backend = backend,
        SoftQ = session.SoftQ,
        LogPartition = session.LogPartition,
        TaskSampling = session.TaskSampling,
        Dense = session.Dense,
        RelabelPipeline = session.RelabelPipeline,
        Transitions = session.Transitions,
    };
}

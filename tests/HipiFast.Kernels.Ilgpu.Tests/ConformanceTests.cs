using System.Runtime.CompilerServices;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance.Backends;
using HipiFast.Kernels.Conformance.LogPartition;
using HipiFast.Kernels.Conformance.Relabeling;
using HipiFast.Kernels.Conformance.SoftQ;
using HipiFast.Kernels.Conformance.TaskSampling;

// ILGPU's launchers see the suite's internal task families.
[assembly: InternalsVisibleTo("ILGPURuntime")]

// The devices are shared, and serve one thread at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace HipiFast.Kernels.Ilgpu.Tests;

/// <summary>SoftQ on ILGPU's CPU accelerator.</summary>
[RunsBackend(DeviceTestBackend.Cpu)]
public sealed class CpuSoftQConformance : SoftQContract
{
    protected override long BytesPerCall => Sessions.BytesPerCall;

    protected override bool IsEmulated => true;

    protected override ComputeSession CreateSession(int maxThreads) =>
        Sessions.Create(DeviceTestBackend.Cpu, maxThreads);
}

/// <summary>LogPartition on ILGPU's CPU accelerator.</summary>
[RunsBackend(DeviceTestBackend.Cpu)]
public sealed class CpuLogPartitionConformance : LogPartitionContract
{
    protected override long BytesPerCall => Sessions.BytesPerCall;

    protected override bool IsEmulated => true;

    protected override ComputeSession CreateSession(int maxThreads) =>
        Sessions.Create(DeviceTestBackend.Cpu, maxThreads);
}

/// <summary>TaskSampling on ILGPU's CPU accelerator.</summary>
[RunsBackend(DeviceTestBackend.Cpu)]
public sealed class CpuTaskSamplingConformance : TaskSamplingContract
{
    protected override long BytesPerCall => Sessions.BytesPerCall;

    protected override bool IsEmulated => true;

    // One entry at a time, a million tasks take long.
    protected override int WideDraws => 5;

    protected override ComputeSession CreateSession(int maxThreads) =>
        Sessions.Create(DeviceTestBackend.Cpu, maxThreads);
}

/// <summary>SoftQ on an OpenCL device.</summary>
[RunsBackend(DeviceTestBackend.OpenCl)]
public sealed class OpenClSoftQConformance : SoftQContract
{
    protected override long BytesPerCall => Sessions.BytesPerCall;

    protected override ComputeSession CreateSession(int maxThreads) =>
        Sessions.Create(DeviceTestBackend.OpenCl, maxThreads);
}

/// <summary>LogPartition on an OpenCL device.</summary>
[RunsBackend(DeviceTestBackend.OpenCl)]
public sealed class OpenClLogPartitionConformance : LogPartitionContract
{
    protected override long BytesPerCall => Sessions.BytesPerCall;

    protected override ComputeSession CreateSession(int maxThreads) =>
        Sessions.Create(DeviceTestBackend.OpenCl, maxThreads);
}

/// <summary>TaskSampling on an OpenCL device.</summary>
[RunsBackend(DeviceTestBackend.OpenCl)]
public sealed class OpenClTaskSamplingConformance : TaskSamplingContract
{
    protected override long BytesPerCall => Sessions.BytesPerCall;

    protected override int WideDraws => 40;

    protected override ComputeSession CreateSession(int maxThreads) =>
        Sessions.Create(DeviceTestBackend.OpenCl, maxThreads);
}

/// <summary>SoftQ on a CUDA device.</summary>
[RunsBackend(DeviceTestBackend.Cuda)]
public sealed class CudaSoftQConformance : SoftQContract
{
    protected override long BytesPerCall => Sessions.BytesPerCall;

    protected override ComputeSession CreateSession(int maxThreads) =>
        Sessions.Create(DeviceTestBackend.Cuda, maxThreads);
}

/// <summary>LogPartition on a CUDA device.</summary>
[RunsBackend(DeviceTestBackend.Cuda)]
public sealed class CudaLogPartitionConformance : LogPartitionContract
{
    protected override long BytesPerCall => Sessions.BytesPerCall;

    protected override ComputeSession CreateSession(int maxThreads) =>
        Sessions.Create(DeviceTestBackend.Cuda, maxThreads);
}

/// <summary>TaskSampling on a CUDA device.</summary>
[RunsBackend(DeviceTestBackend.Cuda)]
public sealed class CudaTaskSamplingConformance : TaskSamplingContract
{
    protected override long BytesPerCall => Sessions.BytesPerCall;

    protected override ComputeSession CreateSession(int maxThreads) =>
        Sessions.Create(DeviceTestBackend.Cuda, maxThreads);
}

/// <summary>Sessions of a device by the name of its test backend.</summary>
internal static class Sessions
{
    /// <summary>
    /// ILGPU makes an object or two, of about 100 bytes, for every launch and every copy, of which a call has a few
    /// dozen. An array of a call's size would show.
    /// </summary>
    public const long BytesPerCall = 4096;

    public static ComputeSession Create(string name, int maxThreads = 0) =>
        KernelRegistry.Default.Resolve(name).CreateSession(new SessionOptions(maxThreads));
}

/// <summary>The relabel pipeline on ILGPU's CPU accelerator.</summary>
[RunsBackend(DeviceTestBackend.Cpu)]
public sealed class CpuRelabelPipelineConformance : RelabelPipelineContract
{
    // A call launches several kernels for each of its blocks.
    protected override long BytesPerCall => 4 * Sessions.BytesPerCall;

    protected override ComputeSession CreateSession(int maxThreads) =>
        Sessions.Create(DeviceTestBackend.Cpu, maxThreads);
}

/// <summary>The relabel pipeline on an OpenCL device.</summary>
[RunsBackend(DeviceTestBackend.OpenCl)]
public sealed class OpenClRelabelPipelineConformance : RelabelPipelineContract
{
    // A call launches several kernels for each of its blocks.
    protected override long BytesPerCall => 4 * Sessions.BytesPerCall;

    protected override ComputeSession CreateSession(int maxThreads) =>
        Sessions.Create(DeviceTestBackend.OpenCl, maxThreads);
}

/// <summary>The relabel pipeline on a CUDA device.</summary>
[RunsBackend(DeviceTestBackend.Cuda)]
public sealed class CudaRelabelPipelineConformance : RelabelPipelineContract
{
    // A call launches several kernels for each of its blocks.
    protected override long BytesPerCall => 4 * Sessions.BytesPerCall;

    protected override ComputeSession CreateSession(int maxThreads) =>
        Sessions.Create(DeviceTestBackend.Cuda, maxThreads);
}

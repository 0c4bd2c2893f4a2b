global using RingAtSpeed = HipiFast.Kernels.Conformance.Relabeling.RingAtSpeed;

using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance.Backends;
using HipiFast.Kernels.Conformance.Relabeling;

namespace HipiFast.Kernels.Ilgpu.Tests.Relabeling;

/// <summary>The pipeline on ILGPU's CPU accelerator.</summary>
[RunsBackend(DeviceTestBackend.Cpu)]
public sealed class CpuPipelineTests : DevicePipelineContract
{
    protected override string Backend => DeviceTestBackend.Cpu;
}

/// <summary>The pipeline on an OpenCL device.</summary>
[RunsBackend(DeviceTestBackend.OpenCl)]
public sealed class OpenClPipelineTests : DevicePipelineContract
{
    protected override string Backend => DeviceTestBackend.OpenCl;
}

/// <summary>The pipeline on a CUDA device.</summary>
[RunsBackend(DeviceTestBackend.Cuda)]
public sealed class CudaPipelineTests : DevicePipelineContract
{
    protected override string Backend => DeviceTestBackend.Cuda;
}

/// <summary>Batches on ILGPU's CPU accelerator.</summary>
[RunsBackend(DeviceTestBackend.Cpu)]
public sealed class CpuResidentTests : ResidentContract
{
    protected override string Backend => DeviceTestBackend.Cpu;

    protected override ComputeSession CreateOther() => DeviceTestBackend.CreateOwn(Backend);
}

/// <summary>Batches on an OpenCL device.</summary>
[RunsBackend(DeviceTestBackend.OpenCl)]
public sealed class OpenClResidentTests : ResidentContract
{
    protected override string Backend => DeviceTestBackend.OpenCl;

    protected override ComputeSession CreateOther() => DeviceTestBackend.CreateOwn(Backend);
}

/// <summary>Batches on a CUDA device.</summary>
[RunsBackend(DeviceTestBackend.Cuda)]
public sealed class CudaResidentTests : ResidentContract
{
    protected override string Backend => DeviceTestBackend.Cuda;

    protected override ComputeSession CreateOther() => DeviceTestBackend.CreateOwn(Backend);
}

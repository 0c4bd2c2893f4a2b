using HipiFast.Kernels.Conformance.Backends;
using HipiFast.Kernels.Conformance.Relabeling;
using HipiFast.Kernels.Conformance.Training;

namespace HipiFast.Kernels.Cuda.Tests.Machine;

/// <summary>Relabel calls, as they are and as graphs, on the PTX machine.</summary>
[RunsBackend(MachineBackend.Fp32)]
[Collection(FakeDriverGroup.Name)]
public sealed class PipelineTests : DevicePipelineContract
{
    protected override string Backend => MachineBackend.Fp32;
}

/// <summary>Relabel calls on batches that lie on the device, on the PTX machine.</summary>
[RunsBackend(MachineBackend.Fp32)]
[Collection(FakeDriverGroup.Name)]
public sealed class ResidentTests : ResidentContract
{
    protected override string Backend => MachineBackend.Fp32;
}

/// <summary>The same in bf16, where device and host give the same bits as well.</summary>
[RunsBackend(MachineBackend.Bf16)]
[Collection(FakeDriverGroup.Name)]
public sealed class ResidentBf16Tests : ResidentContract
{
    protected override string Backend => MachineBackend.Bf16;
}

/// <summary>Training on the PTX machine.</summary>
[RunsBackend(MachineBackend.Fp32)]
[Collection(FakeDriverGroup.Name)]
public sealed class TrainingTests : DeviceTrainingContract
{
    protected override string Backend => MachineBackend.Fp32;
}

using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance.Backends;
using HipiFast.Kernels.Conformance.LogPartition;
using HipiFast.Kernels.Conformance.Relabeling;
using HipiFast.Kernels.Conformance.SoftQ;
using HipiFast.Kernels.Conformance.TaskSampling;

namespace HipiFast.Kernels.Cuda.Tests.Machine;

/// <summary>SoftQ in fp32 on the PTX machine.</summary>
[RunsBackend(MachineBackend.Fp32)]
[Collection(FakeDriverGroup.Name)]
public sealed class SoftQConformance : SoftQContract
{
    protected override bool IsEmulated => true;

    protected override ComputeSession CreateSession(int maxThreads) => MachineBackend.Open(MachineBackend.Fp32);
}

/// <summary>SoftQ in bf16 on the PTX machine.</summary>
[RunsBackend(MachineBackend.Bf16)]
[Collection(FakeDriverGroup.Name)]
public sealed class SoftQBf16Conformance : SoftQContract
{
    protected override bool IsEmulated => true;

    protected override ComputeSession CreateSession(int maxThreads) => MachineBackend.Open(MachineBackend.Bf16);
}

/// <summary>LogPartition on the PTX machine.</summary>
[RunsBackend(MachineBackend.Fp32)]
[Collection(FakeDriverGroup.Name)]
public sealed class LogPartitionConformance : LogPartitionContract
{
    protected override bool IsEmulated => true;

    protected override ComputeSession CreateSession(int maxThreads) => MachineBackend.Open(MachineBackend.Fp32);
}

/// <summary>TaskSampling on the PTX machine.</summary>
[RunsBackend(MachineBackend.Fp32)]
[Collection(FakeDriverGroup.Name)]
public sealed class TaskSamplingConformance : TaskSamplingContract
{
    protected override bool IsEmulated => true;

    protected override int WideDraws => 2;

    protected override ComputeSession CreateSession(int maxThreads) => MachineBackend.Open(MachineBackend.Fp32);
}

/// <summary>The relabel pipeline in fp32 on the PTX machine.</summary>
[RunsBackend(MachineBackend.Fp32)]
[Collection(FakeDriverGroup.Name)]
public sealed class RelabelPipelineConformance : RelabelPipelineContract
{
    protected override bool IsEmulated => true;

    protected override ComputeSession CreateSession(int maxThreads) => MachineBackend.Open(MachineBackend.Fp32);
}

/// <summary>The relabel pipeline in bf16 on the PTX machine.</summary>
[RunsBackend(MachineBackend.Bf16)]
[Collection(FakeDriverGroup.Name)]
public sealed class RelabelPipelineBf16Conformance : RelabelPipelineContract
{
    protected override bool IsEmulated => true;

    protected override ComputeSession CreateSession(int maxThreads) => MachineBackend.Open(MachineBackend.Bf16);
}

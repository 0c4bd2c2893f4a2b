using HipiFast.Kernels.Conformance.Backends;
using HipiFast.Kernels.Conformance.Training;

namespace HipiFast.Kernels.Ilgpu.Tests.Training;

/// <summary>Training on ILGPU's CPU accelerator.</summary>
[RunsBackend(DeviceTestBackend.Cpu)]
public sealed class DeviceTrainingTests : DeviceTrainingContract
{
    protected override string Backend => DeviceTestBackend.Cpu;
}

using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Tests.Data;

/// <summary>The plain references that lie beside the fast kernels, as a backend: they have to pass the same suite.</summary>
internal sealed class ReferenceBackend : KernelBackend
{
    public override string Name => "reference";

    public override string Description => "scalar references";

    public override bool IsSupported(out string reason)
    {
        reason = string.Empty;
        return true;
    }

    public override ComputeSession CreateSession(SessionOptions options) => new Session(this);

    private sealed class Session(ReferenceBackend backend) : ComputeSession
    {
        public override KernelBackend Backend => backend;

        public override ISoftQKernel SoftQ => throw new NotSupportedException();

        public override ILogPartitionKernel LogPartition { get; } = new ReferenceLogPartition();

        public override ITaskSamplingKernel TaskSampling { get; } = new ReferenceTaskSampling();

        public override IDenseKernel Dense => throw new NotSupportedException();
    }
}

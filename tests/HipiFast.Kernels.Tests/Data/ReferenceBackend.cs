using HipiFast.Kernels.Backends;
using HipiFast.Kernels.LogPartition;
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

    public override ComputeSession CreateSession(SessionOptions options) => new()
    {
        Backend = this,
        SoftQ = null!,
        LogPartition = new ReferenceLogPartition(),
        TaskSampling = new ReferenceTaskSampling(),
        Dense = null!,
    };
}

using HipiFast.Kernels.Backends;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Tests.Data;

/// <summary>
/// The oracles as a backend: what the suite asks of kernels beside agreement with them holds for them, too.
/// </summary>
internal sealed class OracleBackend : KernelBackend
{
    public override string Name => "oracle";

    public override string Description => "double precision";

    public override bool IsSupported(out string reason)
    {
        reason = string.Empty;
        return true;
    }

    public override ComputeSession CreateSession(SessionOptions options) => new()
    {
        Backend = this,
        SoftQ = null!,
        LogPartition = new OracleLogPartition(),
        TaskSampling = new OracleTaskSampling(),
        Dense = null!,
    };
}

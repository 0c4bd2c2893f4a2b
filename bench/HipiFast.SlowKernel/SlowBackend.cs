using HipiFast.Kernels.Backends;

namespace HipiFast.SlowKernel;

/// <summary>Another backend with <see cref="SlowLogPartition"/>.</summary>
/// <param name="inner">The backend.</param>
internal sealed class SlowBackend(KernelBackend inner) : KernelBackend
{
    public override string Name => "slow";

    public override string Description => $"{inner.Name} with a slow log partition";

    public override KernelPrecision Precision => inner.Precision;

    public override bool IsSupported(out string reason) => inner.IsSupported(out reason);

    public override ComputeSession CreateSession(SessionOptions options)
    {
        ComputeSession session = inner.CreateSession(options);
        return new ComputeSession(session)
        {
            Backend = this,
            SoftQ = session.SoftQ,
            LogPartition = new SlowLogPartition(session.LogPartition),
            TaskSampling = session.TaskSampling,
            Dense = session.Dense,
        };
    }
}

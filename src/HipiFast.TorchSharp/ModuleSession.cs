using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.TorchSharp;

/// <summary>The kernels of another session, but soft Q-values through modules.</summary>
internal sealed class ModuleSession(ComputeSession inner, ModuleSoftQ softQ) : ComputeSession
{
    /// <inheritdoc/>
    public override KernelBackend Backend => inner.Backend;

    /// <inheritdoc/>
    public override ISoftQKernel SoftQ => softQ;

    /// <inheritdoc/>
    public override ILogPartitionKernel LogPartition => inner.LogPartition;

    /// <inheritdoc/>
    public override ITaskSamplingKernel TaskSampling => inner.TaskSampling;

    /// <inheritdoc/>
    public override IDenseKernel Dense => inner.Dense;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            softQ.Dispose();
        }

        base.Dispose(disposing);
    }
}

using HipiFast.Kernels.Dense;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Backends;

/// <summary>The kernels of one backend with their scratch memory. One session serves one thread at a time.</summary>
public abstract class ComputeSession : IDisposable
{
    /// <summary>The backend that made it.</summary>
    public abstract KernelBackend Backend { get; }

    /// <summary>Soft-Q matrix.</summary>
    public abstract ISoftQKernel SoftQ { get; }

    /// <summary>Log partition.</summary>
    public abstract ILogPartitionKernel LogPartition { get; }

    /// <summary>Gumbel-max sampling.</summary>
    public abstract ITaskSamplingKernel TaskSampling { get; }

    /// <summary>Dense forward, backward and optimiser steps.</summary>
    public abstract IDenseKernel Dense { get; }

    /// <summary>A whole relabel call in one go; null where the kernels above are the way.</summary>
    public virtual IRelabelPipeline? RelabelPipeline => null;

    /// <summary>Transitions in the memory of the session's device; null for backends of the processor. Lives as long as the session.</summary>
    public virtual TransitionMemory? Transitions => null;

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees scratch memory.</summary>
    /// <param name="disposing">True.</param>
    protected virtual void Dispose(bool disposing)
    {
    }
}

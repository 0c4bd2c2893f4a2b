using HipiFast.Kernels.Dense;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Backends;

/// <summary>
/// The kernels of one backend with their scratch memory, put together. One session serves one thread at a time.
/// </summary>
/// <param name="owned">What is disposed of with the session, in this order.</param>
public sealed class ComputeSession(params IReadOnlyList<IDisposable> owned) : IDisposable
{
    private HostRelabelPipeline? _hostPipeline;
    private bool _isDisposed;

    /// <summary>The backend that made it.</summary>
    public required KernelBackend Backend { get; init; }

    /// <summary>Soft-Q matrix.</summary>
    public required ISoftQKernel SoftQ { get; init; }

    /// <summary>Log partition.</summary>
    public required ILogPartitionKernel LogPartition { get; init; }

    /// <summary>Gumbel-max sampling.</summary>
    public required ITaskSamplingKernel TaskSampling { get; init; }

    /// <summary>Dense forward, backward and optimiser steps.</summary>
    public required IDenseKernel Dense { get; init; }

    /// <summary>
    /// A whole relabel call: composed of the kernels above unless another pipeline is given, such as one that runs on a
    /// device.
    /// </summary>
    internal IRelabelPipeline RelabelPipeline
    {
        get => field ??= _hostPipeline = new HostRelabelPipeline(SoftQ, LogPartition, TaskSampling);
        init;
    }

    /// <summary>
    /// Transitions in the memory of the session's device; null for backends of the processor. Lives as long as the
    /// session.
    /// </summary>
    public TransitionMemory? Transitions { get; init; }

    /// <summary>
    /// The same kernels with another soft-Q matrix: nothing that goes around <see cref="SoftQ"/> is taken over. This
    /// session must outlive the result, unless it is among what the result owns.
    /// </summary>
    /// <param name="softQ">The soft-Q matrix.</param>
    /// <param name="owned">What is disposed of with the result, in this order.</param>
    /// <returns>The session; dispose it.</returns>
    public ComputeSession WithSoftQ(ISoftQKernel softQ, params IReadOnlyList<IDisposable> owned) => new(owned)
    {
        Backend = Backend,
        SoftQ = softQ,
        LogPartition = LogPartition,
        TaskSampling = TaskSampling,
        Dense = Dense,
    };

    /// <summary>Frees scratch memory; a second call does nothing.</summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _hostPipeline?.Dispose();
        foreach (IDisposable part in owned)
        {
            part.Dispose();
        }
    }
}

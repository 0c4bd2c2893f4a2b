using HipiFast.Kernels.Dense;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Backends;

/// <summary>
/// The kernels of one backend with their scratch memory, put together. One session serves one thread at a time.
/// </summary>
/// <remarks>
/// Whatever uses a session (relabelers, learners, other sessions made of it) is refused with an
/// <see cref="ObjectDisposedException"/> once the session has been disposed of, and a session cannot be disposed of in
/// the middle of a call. A second thread is refused with an <see cref="InvalidOperationException"/>.
/// </remarks>
/// <param name="owned">What is disposed of with the session, in this order.</param>
public sealed class ComputeSession(params IReadOnlyList<IDisposable> owned) : IDisposable
{
    private HostRelabelPipeline? _hostPipeline;
    private UseGuard _use;

    /// <summary>The backend that made it.</summary>
    public required KernelBackend Backend { get; init; }

    /// <summary>Soft-Q matrix.</summary>
    public required ISoftQKernel SoftQ
    {
        get
        {
            ThrowIfDisposed();
            return field;
        }

        init;
    }

    /// <summary>Log partition.</summary>
    public required ILogPartitionKernel LogPartition
    {
        get
        {
            ThrowIfDisposed();
            return field;
        }

        init;
    }

    /// <summary>Gumbel-max sampling.</summary>
    public required ITaskSamplingKernel TaskSampling
    {
        get
        {
            ThrowIfDisposed();
            return field;
        }

        init;
    }

    /// <summary>Dense forward, backward and optimiser steps.</summary>
    public required IDenseKernel Dense
    {
        get
        {
            ThrowIfDisposed();
            return field;
        }

        init;
    }

    /// <summary>
    /// A whole relabel call: composed of the kernels above unless another pipeline is given, such as one that runs on a
    /// device.
    /// </summary>
    internal IRelabelPipeline RelabelPipeline
    {
        get
        {
            ThrowIfDisposed();
            return field ??= _hostPipeline = new HostRelabelPipeline(SoftQ, LogPartition, TaskSampling);
        }

        init;
    }

    /// <summary>
    /// Transitions in the memory of the session's device; null for backends of the processor. Lives as long as the
    /// session.
    /// </summary>
    public TransitionMemory? Transitions
    {
        get
        {
            ThrowIfDisposed();
            return field;
        }

        init;
    }

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
    /// <exception cref="InvalidOperationException">A call is under way; dispose again when it has ended.</exception>
    public void Dispose()
    {
        if (!_use.Close(this))
        {
            return;
        }

        try
        {
            _hostPipeline?.Dispose();
            foreach (IDisposable part in owned)
            {
                part.Dispose();
            }
        }
        catch
        {
            // A kernel in use, or a device that has failed: what is left can be disposed of once more.
            _use.Reopen();
            throw;
        }
    }

    /// <summary>Begins a call that works with several of the kernels.</summary>
    /// <returns>What ends the call.</returns>
    /// <exception cref="ObjectDisposedException">The session has been disposed of.</exception>
    /// <exception cref="InvalidOperationException">Somebody uses it.</exception>
    internal UseGuard.Scope Enter() => _use.Enter(this);

    /// <summary>Whether <see cref="Dispose"/> has been called.</summary>
    internal bool IsDisposed => _use.IsDisposed;

    /// <summary>Throws when the session has been disposed of.</summary>
    /// <exception cref="ObjectDisposedException">It has.</exception>
    internal void ThrowIfDisposed() => _use.ThrowIfDisposed(this);
}

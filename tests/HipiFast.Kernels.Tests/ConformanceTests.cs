using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Kernels.Tests.Data;
using HipiFast.Kernels.Tests.LogPartition;
using HipiFast.Kernels.Tests.SoftQ;
using HipiFast.Kernels.Tests.TaskSampling;
using HipiFast.Kernels.Threading;

namespace HipiFast.Kernels.Tests;

/// <summary>The managed backend as users get it.</summary>
public sealed class ManagedSoftQConformance : SoftQContract
{
    protected override ComputeSession CreateSession(int maxThreads) => new ManagedBackend().CreateSession(new SessionOptions(maxThreads));
}

/// <inheritdoc cref="ManagedSoftQConformance"/>
public sealed class ManagedLogPartitionConformance : LogPartitionContract
{
    protected override ComputeSession CreateSession(int maxThreads) => new ManagedBackend().CreateSession(new SessionOptions(maxThreads));
}

/// <inheritdoc cref="ManagedSoftQConformance"/>
public sealed class ManagedTaskSamplingConformance : TaskSamplingContract
{
    protected override ComputeSession CreateSession(int maxThreads) => new ManagedBackend().CreateSession(new SessionOptions(maxThreads));
}

/// <summary>The managed soft-Q kernel on the micro-kernel for machines without wide vectors.</summary>
public sealed class PortableSoftQConformance : SoftQContract
{
    protected override ComputeSession CreateSession(int maxThreads) => new Session(maxThreads > 0 ? maxThreads : Environment.ProcessorCount);

    private sealed class Session(int threads) : ComputeSession
    {
        private readonly ManagedSoftQ _softQ = new(threads, SoftQMicroKernel.Supported.Last(), WorkerPool.Shared);

        public override KernelBackend Backend => throw new NotSupportedException();

        public override ISoftQKernel SoftQ => _softQ;

        public override ILogPartitionKernel LogPartition => throw new NotSupportedException();

        public override ITaskSamplingKernel TaskSampling => throw new NotSupportedException();

        public override IDenseKernel Dense => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            _softQ.Dispose();
            base.Dispose(disposing);
        }
    }
}

/// <summary>The plain reference beside the fast kernel.</summary>
public sealed class ReferenceLogPartitionConformance : LogPartitionContract
{
    protected override ComputeSession CreateSession(int maxThreads) => new ReferenceBackend().CreateSession(new SessionOptions(maxThreads));
}

/// <inheritdoc cref="ReferenceLogPartitionConformance"/>
public sealed class ReferenceTaskSamplingConformance : TaskSamplingContract
{
    // One entry at a time, a million tasks take long.
    protected override int WideDraws => 20;

    protected override ComputeSession CreateSession(int maxThreads) => new ReferenceBackend().CreateSession(new SessionOptions(maxThreads));
}

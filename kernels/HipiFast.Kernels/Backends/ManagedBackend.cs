using System.Numerics;
using System.Runtime.Intrinsics;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Backends;

/// <summary>The backend that runs anywhere: C# on the CPU, Vector512 kernels where the processor has them, portable vectors elsewhere.</summary>
public sealed class ManagedBackend : KernelBackend
{
    /// <inheritdoc/>
    public override string Name => "managed";

    /// <inheritdoc/>
    public override string Description =>
        $"C# fp32, {(Vector512.IsHardwareAccelerated ? 512 : Vector<byte>.Count * 8)}-bit vectors, {Environment.ProcessorCount} cores";

    /// <inheritdoc/>
    public override bool IsSupported(out string reason)
    {
        reason = string.Empty;
        return true;
    }

    /// <inheritdoc/>
    public override ComputeSession CreateSession(SessionOptions options) => new Session(this, options);

    private sealed class Session : ComputeSession
    {
        private readonly ManagedSoftQ _softQ;
        private readonly ManagedDense _dense;
        private readonly ManagedTaskSampling _taskSampling;

        public Session(ManagedBackend backend, SessionOptions options)
        {
            int threads = options.MaxThreads > 0 ? options.MaxThreads : Environment.ProcessorCount;
            Backend = backend;
            _softQ = new ManagedSoftQ(threads);
            _dense = new ManagedDense();
            LogPartition = new ManagedLogPartition(threads);
            _taskSampling = new ManagedTaskSampling(threads);
        }

        public override KernelBackend Backend { get; }

        public override ISoftQKernel SoftQ => _softQ;

        public override ILogPartitionKernel LogPartition { get; }

        public override ITaskSamplingKernel TaskSampling => _taskSampling;

        public override IDenseKernel Dense => _dense;

        protected override void Dispose(bool disposing)
        {
            _softQ.Dispose();
            _taskSampling.Dispose();
            base.Dispose(disposing);
        }
    }
}

using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance.LogPartition;
using HipiFast.Kernels.Conformance.SoftQ;
using HipiFast.Kernels.Conformance.TaskSampling;

namespace HipiFast.Kernels.Conformance;

/// <summary>
/// Base of the conformance suite. A backend joins with one sealed subclass per contract (<c>SoftQContract</c>,
/// <c>LogPartitionContract</c>, <c>TaskSamplingContract</c>), each saying only how to make a session, and with
/// <see cref="RunsBackendAttribute"/> for which backend, so that its tests are skipped where that cannot run.
/// </summary>
public abstract class KernelContract
{
    /// <summary>
    /// A session of the backend under test, limited to <paramref name="maxThreads"/> threads (0: as many as there are
    /// cores).
    /// </summary>
    protected abstract ComputeSession CreateSession(int maxThreads);

    /// <summary>
    /// Bytes that each call may allocate: 0, but for a library underneath that allocates whenever a kernel is launched.
    /// </summary>
    protected virtual long BytesPerCall => 0;

    /// <summary>
    /// Whether the processor does the work of a device's threads one after the other, and the host's threads none of
    /// it: what is repeated for these, or is wide to occupy them, is then done once and narrow.
    /// </summary>
    protected virtual bool IsEmulated => false;

    /// <summary>How many threads of the host a test tries.</summary>
    protected int[] ThreadCounts => IsEmulated ? [1] : [1, 2, 3];

    /// <summary>Fails when a call, repeated at a size seen before, allocates managed memory on this thread.</summary>
    protected void AssertAllocatesNothing(Action call)
    {
        // The runtime itself allocates a little the first time that threads contend for a lock, hence more than one
        // try; a kernel that allocates in every call fails them all.
        const int Tries = 3, CallsPerTry = 10;
        long allocated = long.MaxValue;
        for (int i = 0; i < Tries && allocated > CallsPerTry * BytesPerCall; i++)
        {
            call();
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int j = 0; j < CallsPerTry; j++)
            {
                call();
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.InRange(allocated, 0, CallsPerTry * BytesPerCall);
    }
}

using HipiFast.Kernels.Backends;
using HipiFast.Kernels.LogPartition;
using HipiFast.SlowKernel;

namespace HipiFast.Benchmarking.Tests.Gate;

/// <summary>
/// The backend with which the gate is tested computes the same as another, with a tenth more work in one kernel.
/// </summary>
public sealed class SlowKernelTests
{
    private const int Rows = 160, Candidates = 33;

    [Fact]
    public void TheResultIsThatOfTheBackendItSlowsDown()
    {
        KernelBackend backend = KernelRegistry.Default.Resolve(ManagedBackend.FamilyName);
        using ComputeSession plain = backend.CreateSession(new SessionOptions(1));
        using ComputeSession slow = new SlowBackend(backend).CreateSession(new SessionOptions(1));
        Assert.Equal(Compute(plain.LogPartition), Compute(slow.LogPartition));
    }

    [Fact]
    public void ATenthOfTheRowsIsFoldedInTwice()
    {
        CountingLogPartition counting = new();
        Compute(new SlowLogPartition(counting));
        Assert.Equal(Rows + (Rows / 10), counting.Rows);
    }

    private static float[] Compute(ILogPartitionKernel kernel)
    {
        float[] softQ = [.. Enumerable.Range(0, Rows * Candidates).Select(i => 3 * MathF.Sin(1.3f * i))];
        float[] max = new float[Candidates], sum = new float[Candidates], result = new float[Candidates];
        max.AsSpan().Fill(float.NegativeInfinity);
        kernel.Accumulate(softQ, Rows, Candidates, max, sum);
        kernel.Finish(max, sum, Rows, result);
        return result;
    }

    private sealed class CountingLogPartition : ILogPartitionKernel
    {
        public int Rows { get; private set; }

        public void Accumulate(
            ReadOnlySpan<float> softQ, int rows, int candidates, Span<float> runningMax, Span<float> runningSum)
        {
            Assert.Equal(rows * candidates, softQ.Length);
            Rows += rows;
        }

        public void Finish(
            ReadOnlySpan<float> runningMax, ReadOnlySpan<float> runningSum, long totalRows, Span<float> logPartition)
        {
        }
    }
}

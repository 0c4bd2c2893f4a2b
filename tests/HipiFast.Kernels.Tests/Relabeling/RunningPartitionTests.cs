using HipiFast.Kernels.Backends;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.Relabeling;

namespace HipiFast.Kernels.Tests.Relabeling;

/// <summary>The sums of a partition that is kept across batches.</summary>
public sealed class RunningPartitionTests
{
    private const float Decay = 0.75f;

    // Critics' values may fall by hundreds while an agent learns; the sums of the first batches must neither overflow
    // nor keep the later ones out.
    [Theory]
    [InlineData(-300f)]
    [InlineData(300f)]
    public void ValuesMayMoveFarFromThoseOfEarlierBatches(float later)
    {
        const int rows = 4;
        using ComputeSession session = KernelRegistry.Default.Resolve("managed").CreateSession(new SessionOptions(1));
        ILogPartitionKernel kernel = session.LogPartition;
        using RunningPartition partition = new(Decay);
        float[] logPartition = new float[1], softQ = new float[rows];
        double expected = double.NegativeInfinity, weight = 0;
        for (int call = 0; call < 1500; call++)
        {
            softQ.AsSpan().Fill(call == 0 ? 0 : later);
            partition.Begin(1);
            Span<float> max = partition.NewMax, sum = partition.NewSum;
            kernel.Accumulate(softQ, rows, 1, max, sum);
            partition.Finish(kernel, rows, logPartition);
            partition.Commit();
            double faded = expected + Math.Log(Decay), batch = softQ[0] + Math.Log(rows),
                larger = Math.Max(faded, batch);
            expected = larger + Math.Log(Math.Exp(faded - larger) + Math.Exp(batch - larger));
            weight = (Decay * weight) + rows;
            // While nothing but the first batch is in the sums, each call rounds them once.
            Assert.Equal(expected - Math.Log(weight), logPartition[0], 1e-2);
        }
    }

    [Fact]
    public void ABatchThatIsNotCommittedIsForgotten()
    {
        using ComputeSession session = KernelRegistry.Default.Resolve("managed").CreateSession(new SessionOptions(1));
        using RunningPartition partition = new(Decay), other = new(Decay);
        Run(partition, 0.5f, commits: true);
        Run(partition, 40f, commits: false);
        Run(other, 0.5f, commits: true);
        Assert.Equal(Run(other, 1f, commits: true), Run(partition, 1f, commits: true));

        float Run(RunningPartition target, float value, bool commits)
        {
            float[] logPartition = new float[1];
            target.Begin(1);
            Span<float> max = target.NewMax, sum = target.NewSum;
            session.LogPartition.Accumulate([value, value], 2, 1, max, sum);
            target.Finish(session.LogPartition, 2, logPartition);
            if (commits)
            {
                target.Commit();
            }

            return logPartition[0];
        }
    }
}

using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance;
using HipiFast.Kernels.Conformance.Data;
using HipiFast.Kernels.Conformance.SoftQ;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Runtime;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Ilgpu.Tests.Runtime;

/// <summary>
/// Groups of four threads, each one of the system's, on ILGPU's CPU accelerator: what depends on barriers and shared
/// memory. Elsewhere the accelerator runs groups of one thread, because these are slow.
/// </summary>
public sealed class GroupTests : IDisposable
{
    private const int Threads = SoftQTile.NarrowThreads * SoftQTile.NarrowThreads;

    private static readonly ComputeSession s_session = Open(Threads);

    public void Dispose() => GC.SuppressFinalize(this);

    [Theory]
    [InlineData(3, 17, 17)]
    [InlineData(9, 5, 40)]
    [InlineData(1, 1, 1)]
    public void SoftQAgreesWithTheOracle(int rows, int candidates, int hidden)
    {
        using SoftQCase data = new(rows, candidates, hidden);
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            data.Estimator = estimator;
            data.AssertConforms(s_session);
        }
    }

    // Groups as on a device: the tile of 128 hidden units, and the half, of 64, once and in three chunks.
    [Theory]
    [InlineData(5, 13, 200, SoftQEstimator.SoftCritic)]
    [InlineData(19, 9, 64, SoftQEstimator.Bellman)]
    [InlineData(33, 8, 150, SoftQEstimator.SoftCritic)]
    public void TheTilesOfADeviceAgreeWithTheOracle(int rows, int candidates, int hidden, SoftQEstimator estimator)
    {
        using SoftQCase data = new(rows, candidates, hidden) { Estimator = estimator };
        using ComputeSession session = Open(SoftQTile.WideThreads * SoftQTile.WideThreads);
        data.AssertConforms(session);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 5)]
    [InlineData(300, 3)]
    public void LogPartitionAgreesWithTheOracle(int rows, int candidates)
    {
        float[] softQ = new RandomData(4).NormalsWithOutliers(rows * candidates, 3), max = new float[candidates],
            sum = new float[candidates];
        float[] logPartition = new float[candidates];
        max.AsSpan().Fill(float.NegativeInfinity);
        s_session.LogPartition.Accumulate(softQ, rows, candidates, max, sum);
        s_session.LogPartition.Finish(max, sum, rows, logPartition);
        double[] expected = LogPartitionOracle.Compute(softQ, rows, candidates);
        Tolerance.AssertClose(expected, logPartition, Tolerance.OfSpread([.. softQ.Select(q => (double)q)]), "logZ");
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(7, 61)]
    [InlineData(40, 9)]
    public void SamplesAgreeWithTheOracle(int rows, int candidates)
    {
        // Far enough apart that rounding decides nothing.
        TaskPosterior posterior = new()
        {
            SoftQ = new RandomData(5).NormalsWithOutliers(rows * candidates, 20),
            Rows = rows, Candidates = candidates, Temperature = 1, Seed = 3, Call = 2,
        };
        int[] index = new int[rows], mode = new int[rows], row = new int[candidates];
        float[] entropy = new float[rows], normalizer = new float[rows];
        s_session.TaskSampling.SampleTasks(
            posterior, new TaskSamples { Index = index, Mode = mode, Entropy = entropy, LogNormalizer = normalizer });
        s_session.TaskSampling.SampleRows(posterior, row);
        for (int j = 0; j < rows; j++)
        {
            Assert.Equal(TaskSamplingOracle.SampleTask(posterior, j).Index, index[j]);
            Assert.Equal(TaskSamplingOracle.Mode(posterior, j).Index, mode[j]);
            (double expectedEntropy, double expectedNormalizer) = TaskSamplingOracle.Statistics(posterior, j);
            Assert.Equal(expectedEntropy, entropy[j], 1e-4);
            Assert.Equal(expectedNormalizer, normalizer[j], 1e-3);
        }

        for (int i = 0; i < candidates; i++)
        {
            Assert.Equal(TaskSamplingOracle.SampleRow(posterior, i).Index, row[i]);
        }
    }

    private static ComputeSession Open(int threads) => DeviceSession.Create(
        new IlgpuBackend(),
        new IlgpuRuntime(
            new DeviceInfo("cpu-groups", "groups of threads", 0, 0, 1, threads, threads, 1 << 16),
            () => IlgpuContext.OpenCpu(threads)),
        new SessionOptions(1));
}

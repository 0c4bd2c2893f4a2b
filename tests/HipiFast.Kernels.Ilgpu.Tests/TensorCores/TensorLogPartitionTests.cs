using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Conformance;
using HipiFast.Kernels.Conformance.Backends;
using HipiFast.Kernels.Conformance.SoftQ;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Ilgpu.Tests.TensorCores;

/// <summary>
/// The log partition of a relabel call in bf16, which the critics' kernel leaves in parts, is that of the matrix that
/// it computes.
/// </summary>
public sealed class TensorLogPartitionTests
{
    public static TheoryData<string, int, int, int> Sizes => new()
    {
        // Rows of one tile and of several; fewer tasks than a tile has, and a tile that is partly filled on both sides.
        { TensorTestBackend.OneWarp, 1, 1, 16 },
        { TensorTestBackend.OneWarp, 65, 1, 16 },
        { TensorTestBackend.OneWarp, 1, 9, 17 },
        { TensorTestBackend.OneWarp, 33, 3, 33 },
        { TensorTestBackend.OneWarp, 17, 19, 64 },
        { TensorTestBackend.FourWarps, 17, 9, 80 },
        { TensorTestBackend.EightWarps, 3, 3, 72 },
        { TensorTestBackend.EightWarpsWhole, 17, 8, 200 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void EverySizeAgreesWithTheOracle(string backend, int rows, int candidates, int hidden)
    {
        using SoftQCase data = new(rows, candidates, hidden) { Estimator = SoftQEstimator.SoftCritic };
        AssertConforms(TensorTestBackend.Open(backend), data);
    }

    [Theory]
    [InlineData(TwinCombination.Min)]
    [InlineData(TwinCombination.Mean)]
    [InlineData(TwinCombination.First)]
    public void TwinsAreOneBeforeTheyAreSummed(TwinCombination twin)
    {
        using SoftQCase data = new(19, 10, 24) { Twin = twin };
        AssertConforms(TensorTestBackend.Open(TensorTestBackend.OneWarp), data);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(16)]
    public void BlocksOfRowsAgreeWithTheOracle(int blockRows)
    {
        using SoftQCase data = new(23, 11, 20) { Estimator = SoftQEstimator.Bellman };
        AssertConforms(TensorTestBackend.Open(TensorTestBackend.OneWarp), data, blockRows);
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(8)]
    public void SpecialValuesDecideTheirColumnAndNoOther(int blockRows)
    {
        // The last row of one tile and the first of another hold what the task says: +inf, -inf or NaN.
        const int Rows = 21, Candidates = 12;
        using SoftQCase data = new(Rows, Candidates, 20)
        {
            Family = TaskFamily.Create(default(ExtremeFamily), [1f, -1f, 0f]), ExactTerminalValue = true,
        };
        for (int j = 0; j < Rows; j++)
        {
            data.Observation[j * data.ObservationDimension] = j == 7 ? 1 : j == 8 ? 2 : j == 20 ? 3 : 0;
        }

        for (int i = 0; i < Candidates; i++)
        {
            data.Task[i * data.TaskDimension] = i % 8;
        }

        ComputeSession session = TensorTestBackend.Open(TensorTestBackend.OneWarp);
        float[] found = AssertConforms(session, data, blockRows);
        for (int i = 0; i < Candidates; i++)
        {
            bool isInfinite = (i & 1) != 0, isNaN = (i & 4) != 0;
            bool isRight = isNaN
                ? float.IsNaN(found[i])
                : isInfinite
                ? float.IsPositiveInfinity(found[i])
                : float.IsFinite(found[i]);
            Assert.True(isRight, $"Column {i}: {found[i]}.");
        }

        // Nothing but -inf where every row has it.
        for (int j = 0; j < Rows; j++)
        {
            data.Observation[j * data.ObservationDimension] = 2;
        }

        found = AssertConforms(session, data, blockRows);
        Assert.Equal(float.NegativeInfinity, found[2]);
        Assert.True(float.IsFinite(found[4]));
    }

    [Fact]
    public void ARowOfNaNSpoilsEveryColumn()
    {
        using SoftQCase data = new(30, 9, 20) { Family = TaskFamily.Create(default(ExtremeFamily), [0f, 0f, 0f]) };
        data.Observation[13 * data.ObservationDimension] = float.NaN;
        float[] found = Partition(TensorTestBackend.Open(TensorTestBackend.OneWarp), data, int.MaxValue);
        Assert.All(found, value => Assert.True(float.IsNaN(value)));
    }

    [Fact]
    public void RepeatedCallsGiveTheSameBits()
    {
        using SoftQCase data = new(17, 9, 80) { Estimator = SoftQEstimator.SoftCritic };
        ComputeSession session = TensorTestBackend.Open(TensorTestBackend.FourWarps);
        float[] first = Partition(session, data, int.MaxValue);
        Tolerance.AssertSame(first, Partition(session, data, int.MaxValue), "logZ again");
    }

    // Against the oracle's sum of the matrix that the same session computes, so that bf16 has no part in it.
    private static float[] AssertConforms(ComputeSession session, SoftQCase data, int blockRows = int.MaxValue)
    {
        float[] softQ = data.Compute(session.SoftQ), found = Partition(session, data, blockRows);
        double[] expected = LogPartitionOracle.Compute(softQ, data.Rows, data.Candidates);
        double tolerance = Tolerance.OfSpread([.. softQ.Select(value => (double)value)]);
        Tolerance.AssertClose(expected, found, tolerance, $"logZ of [{data.Rows}, {data.Candidates}]");
        return found;
    }

    private static float[] Partition(ComputeSession session, SoftQCase data, int blockRows)
    {
        float[] logPartition = new float[data.Candidates];
        session.RelabelPipeline.Run(
            new RelabelProblem
            {
                SoftQ = data.Problem,
                Commanded = new float[data.Rows * data.TaskDimension],
                HasPartition = true,
                Temperature = 1,
                RelabelFraction = 1,
                GoalMix = 0,
                MemoryBudget = (long)Math.Min(blockRows, data.Rows) * data.Candidates * sizeof(float),
            },
            new RelabelOutput
            {
                NewTask = new float[data.Rows * data.TaskDimension],
                TaskIndex = new int[data.Rows],
                Reward = new float[data.Rows],
                Terminated = new byte[data.Rows],
                LogPartition = logPartition,
            });
        return logPartition;
    }

    /// <summary>
    /// The state's first entry is 0 or the number, from 1, of one of the constants; where the bit of that number is set
    /// in the task's first entry, the value is that constant over zero.
    /// </summary>
    internal readonly struct ExtremeFamily : ITaskFamily
    {
        public int TaskDimension => 2;

        public bool HasAchievedTask => false;

        public float Reward<TVector>(in TaskPair<TVector> pair)
            where TVector : struct, IVector =>
                Terminates(pair) ? pair.Constants[(int)pair.Observation[0] - 1] / (0f * pair.Observation[0]) : 0f;

        public bool Terminates<TVector>(in TaskPair<TVector> pair)
            where TVector : struct, IVector =>
                pair.Observation[0] > 0f && ((int)pair.Task[0] >> ((int)pair.Observation[0] - 1) & 1) != 0;

        public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
            where TVector : struct, IVector => 0f;
    }
}

/// <summary>The same on the tensor cores of a CUDA device, with its tiles.</summary>
[RunsBackend(TensorTestBackend.Cuda)]
public sealed class CudaTensorLogPartitionTests
{
    [Theory]
    [InlineData(1, 1, 16)]
    [InlineData(300, 67, 256)]
    [InlineData(1000, 5, 64)]
    public void EverySizeAgreesWithTheOracle(int rows, int candidates, int hidden) =>
        new TensorLogPartitionTests().EverySizeAgreesWithTheOracle(TensorTestBackend.Cuda, rows, candidates, hidden);
}

using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Devices;

/// <summary>One comparison of a device with the managed engine.</summary>
/// <param name="Name">Kernel and sizes.</param>
/// <param name="Error">
/// Largest difference, relative to the spread of the soft-Q matrix; for samples and calls, the share that differ beyond
/// doubt; infinite for a call that was refused.
/// </param>
/// <param name="Passed">Whether it is within bounds.</param>
internal readonly record struct ConformanceResult(string Name, double Error, bool Passed);

/// <summary>
/// A device against the managed engine, where the test suite (and its double-precision oracle) cannot be run: soft-Q,
/// log partition, samples of both kinds and whole relabel calls, on batches of the host and of the device, at sizes
/// that are no multiples of any tile.
/// </summary>
internal sealed class DeviceConformance(ComputeSession device, ComputeSession managed)
{
    /// <summary>In fp32 an engine is within this of the truth, relative to the spread of Q~.</summary>
    private const double Fp32Error = 1e-4;

    /// <summary>In bf16 Q~ is.</summary>
    private const double Bf16Error = 1e-2;

    // The managed engine has its own error.
    private readonly double _softQTolerance = Fp32Error
        + (device.Backend.Precision == KernelPrecision.Bf16 ? Bf16Error : Fp32Error);

    private const uint Call = 7;
    private const float Alpha = 0.5f;
    private const float Gamma = 0.99f;

    // B, K, H: single ones, odd ones, one more and one less than powers of two, several tiles.
    private static readonly (int Rows, int Candidates, int Hidden)[] s_sizes =
        [(1, 1, 1), (1, 37, 16), (37, 1, 33), (33, 65, 64), (63, 31, 100), (130, 257, 256), (300, 200, 320)];

    private static readonly (
        int Rows, int Candidates, int Hidden)[] s_smallSizes = [(1, 1, 1), (9, 5, 7), (33, 17, 33)];

    /// <summary>Compares.</summary>
    /// <param name="quick">Few and small sizes only.</param>
    /// <returns>The results, one after another as they come.</returns>
    public IEnumerable<ConformanceResult> Run(bool quick)
    {
        foreach ((int rows, int candidates, int hidden) in quick ? s_smallSizes : s_sizes)
        {
            foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
            {
                foreach (ConformanceResult result in Compare(new BenchmarkCase(
                    BenchmarkCase.SoftQ, BenchmarkCase.PeerShape, rows, candidates, hidden, estimator)))
                {
                    yield return result;
                }
            }
        }
    }

    private ConformanceResult[] Compare(BenchmarkCase benchmark)
    {
        (int rows, int candidates) = (benchmark.Batch, benchmark.Candidates);
        string size = $"B {rows}, K {candidates}, H {benchmark.Hidden}";
        using AgentNetworks agent = new(benchmark.Shape, benchmark.Hidden);
        agent.Initialize(BenchmarkData.Seed);
        using TransitionBatch batch = BenchmarkData.Batch(benchmark.Shape, rows);
        float[] expected = new float[rows * candidates], actual = new float[rows * candidates];
        SoftQ(managed, benchmark, agent, batch, expected);
        SoftQ(device, benchmark, agent, batch, actual);

        // One entry has no spread; its size then stands for it.
        double spread = expected.Length > 1 ? expected.Max() - expected.Min() : Math.Max(1, Math.Abs(expected[0]));
        double softQ = Difference(expected, actual) / spread;

        // What follows is compared on the same matrix.
        float[] expectedPartition = Partition(
            managed, expected, rows, candidates), actualPartition = Partition(device, expected, rows, candidates);
        double partition = Difference(expectedPartition, actualPartition) / spread;
        double doubt = 4 * Fp32Error * spread;
        double tasks = TaskMismatches(expected, expectedPartition, rows, candidates, doubt), slots = RowMismatches(
            expected, rows, candidates, doubt);

        // Two scores, each with the errors of an entry and of its column's logZ.
        double calls = OrRefused(() => RelabelMismatches(benchmark, agent, batch, 4 * _softQTolerance * spread));
        double resident = OrRefused(() => ResidentMismatches(benchmark, agent, batch));
        return
        [
            new($"soft-q {benchmark.EstimatorName}, {size}", softQ, softQ <= _softQTolerance),
            new($"log-partition {benchmark.EstimatorName}, {size}", partition, partition <= 2 * Fp32Error),
            new($"sample-tasks {benchmark.EstimatorName}, {size}", tasks, tasks == 0),
            new($"sample-rows {benchmark.EstimatorName}, {size}", slots, slots == 0),
            new($"relabel {benchmark.EstimatorName}, {size}", calls, calls == 0),
            new($"resident {benchmark.EstimatorName}, {size}", resident, resident == 0),
        ];
    }

    private static void SoftQ(
        ComputeSession session, BenchmarkCase benchmark, AgentNetworks agent, TransitionBatch batch, float[] softQ) =>
        session.SoftQ.Compute(
            BenchmarkData.Problem(
                benchmark.Estimator, agent, batch, BenchmarkData.Tasks(benchmark.Shape, benchmark.Candidates),
                BenchmarkData.GoalFamily(benchmark.Shape)) with
            {
                Alpha = Alpha, Gamma = Gamma, ExactTerminalValue = true, Call = Call,
            },
            softQ);

    // The largest difference; NaN counts as infinite.
    private static double Difference(float[] expected, float[] actual)
    {
        double largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double difference = Math.Abs((double)expected[i] - actual[i]);
            largest = difference <= largest ? largest : double.IsNaN(difference) ? double.PositiveInfinity : difference;
        }

        return largest;
    }

    private static float[] Partition(ComputeSession session, float[] softQ, int rows, int candidates)
    {
        float[] max = new float[candidates], sum = new float[candidates], result = new float[candidates];
        max.AsSpan().Fill(float.NegativeInfinity);
        session.LogPartition.Accumulate(softQ, rows, candidates, max, sum);
        session.LogPartition.Finish(max, sum, rows, result);
        return result;
    }

    // Share of the rows whose samples differ though their noisy scores are further apart than rounding can move them.
    private double TaskMismatches(float[] softQ, float[] partition, int rows, int candidates, double doubt)
    {
        TaskPosterior posterior = new()
        {
            SoftQ = softQ,
            Rows = rows,
            Candidates = candidates,
            LogPartition = partition,
            Temperature = 1,
            Seed = BenchmarkData.Seed,
            Call = Call,
        };
        int[] expected = new int[rows], actual = new int[rows];
        managed.TaskSampling.SampleTasks(posterior, new TaskSamples { Index = expected });
        device.TaskSampling.SampleTasks(posterior, new TaskSamples { Index = actual });
        int wrong = 0;
        for (int row = 0; row < rows; row++)
        {
            if (actual[row] < 0 || actual[row] >= candidates
                || Score(row, expected[row]) - Score(row, actual[row]) > doubt)
            {
                wrong++;
            }
        }

        return (double)wrong / rows;

        double Score(int row, int task) =>
            softQ[(row * candidates) + task] - partition[task] + Noise(row, task, RandomPurpose.TaskSampling);
    }

    private double RowMismatches(float[] softQ, int rows, int candidates, double doubt)
    {
        TaskPosterior posterior = new()
        {
            SoftQ = softQ, Rows = rows, Candidates = candidates, Temperature = 1, Seed = BenchmarkData.Seed,
            Call = Call,
        };
        int[] expected = new int[candidates], actual = new int[candidates];
        managed.TaskSampling.SampleRows(posterior, expected);
        device.TaskSampling.SampleRows(posterior, actual);
        int wrong = 0;
        for (int task = 0; task < candidates; task++)
        {
            if (
                actual[task] < 0 || actual[task] >= rows
                    || Score(expected[task], task) - Score(actual[task], task) > doubt)
            {
                wrong++;
            }
        }

        return (double)wrong / candidates;

        double Score(int row, int task) =>
            softQ[(row * candidates) + task] + Noise(row, task, RandomPurpose.RowSampling);
    }

    // A device that computes nonsense has its calls refused, which is a result, too.
    private static double OrRefused(Func<double> mismatches)
    {
        try
        {
            return mismatches();
        }
        catch (InvalidDataException)
        {
            return double.PositiveInfinity;
        }
    }

    // Whole calls: share of the rows whose task, reward or termination is not what the managed engine gives.
    private double RelabelMismatches(BenchmarkCase benchmark, AgentNetworks agent, TransitionBatch batch, double doubt)
    {
        (int rows, int candidates) = (benchmark.Batch, benchmark.Candidates);
        using TransitionBatch expected =
            BenchmarkData.Batch(benchmark.Shape, rows), actual = BenchmarkData.Batch(benchmark.Shape, rows);
        int[] expectedIndex = Relabel(
            managed, benchmark, agent, expected), actualIndex = Relabel(device, benchmark, agent, actual);
        float[] softQ = new float[rows * candidates];
        SoftQ(managed, benchmark, agent, batch, softQ);
        float[] partition = Partition(managed, softQ, rows, candidates);
        int wrong = 0;
        for (int row = 0; row < rows; row++)
        {
            int index = actualIndex[row];
            bool isSame = index == expectedIndex[row];
            bool isRight = isSame
                ? expected.Reward[row] == actual.Reward[row] && expected.Terminated[row] == actual.Terminated[row]
                : index >= 0 && index < candidates && expectedIndex[row] >= 0
                    && Score(row, expectedIndex[row]) - Score(row, index) <= doubt;
            wrong += isRight ? 0 : 1;
        }

        return (double)wrong / rows;

        double Score(int row, int task) =>
            softQ[(row * candidates) + task] - partition[task] + Noise(row, task, RandomPurpose.TaskSampling);
    }

    // A batch on the device against the same batch brought along: share of the rows that differ in a single bit.
    private double ResidentMismatches(BenchmarkCase benchmark, AgentNetworks agent, TransitionBatch batch)
    {
        ReplayBuffer replay = new(batch.Shape, batch.Count);
        replay.AppendEpisode(batch);
        using ResidentReplay resident = new(device.Transitions!, replay);
        using TransitionBatch expected = new(batch.Shape, batch.Count);
        replay.Sample(expected, batch.Count, BenchmarkData.Seed, Call);
        using ITransitionBatch drawn = resident.CreateBatch(batch.Count);
        resident.Sample(drawn, batch.Count, BenchmarkData.Seed, Call);
        int[] expectedIndex = Relabel(device, benchmark, agent, expected), actualIndex;
        using (Relabeler relabeler = MakeRelabeler(device, benchmark, agent))
        {
            actualIndex = relabeler.Relabel(drawn).TaskIndex.ToArray();
        }

        TransitionBatch actual = drawn.ToHost();
        int width = batch.Shape.TaskDimension, wrong = 0;
        for (int row = 0; row < batch.Count; row++)
        {
            bool isRight = expectedIndex[row] == actualIndex[row] && expected.Reward[row].Equals(actual.Reward[row])
                && expected.Terminated[row] == actual.Terminated[row]
                && expected.Task.Slice(row * width, width).SequenceEqual(actual.Task.Slice(row * width, width));
            wrong += isRight ? 0 : 1;
        }

        return (double)wrong / batch.Count;
    }

    private static int[] Relabel(
        ComputeSession session, BenchmarkCase benchmark, AgentNetworks agent, TransitionBatch batch)
    {
        using Relabeler relabeler = MakeRelabeler(session, benchmark, agent);
        return relabeler.Relabel(batch).TaskIndex.ToArray();
    }

    private static Relabeler MakeRelabeler(ComputeSession session, BenchmarkCase benchmark, AgentNetworks agent)
    {
        RelabelOptions options = new()
        {
            Candidates = CandidateSource.Fixed,
            Estimator = benchmark.Estimator,
            RelabelFraction = 0.5f,
            Alpha = Alpha,
            Gamma = Gamma,
            Seed = BenchmarkData.Seed,
        };
        Relabeler relabeler = new(session, BenchmarkData.GoalFamily(benchmark.Shape), agent, options) { Call = Call };
        relabeler.SetFixedCandidates(BenchmarkData.Tasks(benchmark.Shape, benchmark.Candidates));
        return relabeler;
    }

    private static double Noise(int row, int task, RandomPurpose purpose) =>
        Philox.ToGumbel(Philox.Next((uint)(task / 4), (uint)row, Call, (uint)purpose, BenchmarkData.Seed)[task % 4]);
}

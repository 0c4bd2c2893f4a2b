using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Tests.Relabeling;

/// <summary>Inverse RL by row against sums in double precision, with made-up critics.</summary>
public sealed class InverseRlTests
{
    // The posterior that the options describe, q[row, candidate], and the log partition.
    private static (double[,] Posterior, double[] LogPartition) Oracle(
        float[,] softQ, RelabelOptions options, float[]? logPrior = null)
    {
        int rows = softQ.GetLength(0), candidates = softQ.GetLength(1);
        double[] logPartition = new double[candidates];
        for (int i = 0; i < candidates && options.Partition == PartitionMode.Batch; i++)
        {
            double sum = 0;
            for (int j = 0; j < rows; j++)
            {
                sum += Math.Exp(softQ[j, i]);
            }

            logPartition[i] = Math.Log(sum / rows);
        }

        double[,] posterior = new double[rows, candidates];
        for (int j = 0; j < rows; j++)
        {
            double sum = 0;
            for (int i = 0; i < candidates; i++)
            {
                posterior[j, i] = Math.Exp(
                    ((softQ[j, i] - logPartition[i]) / options.Temperature) + (logPrior is null ? 0 : logPrior[i]));
                sum += posterior[j, i];
            }

            for (int i = 0; i < candidates; i++)
            {
                posterior[j, i] /= sum;
            }
        }

        return (posterior, logPartition);
    }

    [Theory]
    [InlineData(CandidateSource.Commanded, PartitionMode.Batch, 1f)]
    [InlineData(CandidateSource.Reached, PartitionMode.None, 0.5f)]
    [InlineData(CandidateSource.Both, PartitionMode.Batch, 2f)]
    [InlineData(CandidateSource.Fixed, PartitionMode.Batch, 1f)]
    [InlineData(CandidateSource.Fixed, PartitionMode.None, 1f)]
    public void ResultAndDiagnosticsMatchTheOracle(CandidateSource source, PartitionMode partition, float temperature)
    {
        const int Rows = 37;
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        RelabelOptions options = new()
        {
            Candidates = source, Partition = partition, Temperature = temperature, RelabelFraction = 0.7f, Seed = 5,
        };
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, options);
        using TransitionBatch batch = RelabelData.Batch(Rows), original = RelabelData.Batch(Rows);

        // The fixed set holds the commanded task of row 3 twice, and a task that was not commanded.
        float[]? logPrior = source == CandidateSource.Fixed ? [0.5f, -1, 0.25f] : null;
        float[] commanded3 = RelabelData.Row(original.Task, 3, 2);
        relabeler.SetFixedCandidates([.. commanded3, 0.1f, 0.2f, .. commanded3], logPrior);
        Recorder recorder = new();
        relabeler.Observer = recorder;

        RelabelResult result = relabeler.Relabel(batch);

        float[] expected = source switch
        {
            CandidateSource.Commanded => original.Task.ToArray(),
            CandidateSource.Reached => Reached(original),
            CandidateSource.Both => [.. original.Task, .. Reached(original)],
            _ => [.. commanded3, 0.1f, 0.2f, .. commanded3],
        };
        Assert.Equal(expected, result.Candidates.ToArray());
        (double[,] posterior, double[] logPartition) = Oracle(recorder.SoftQ(Rows), options, logPrior);
        int candidates = expected.Length / 2;
        if (partition == PartitionMode.Batch)
        {
            Assert.Equal(candidates, result.LogPartition.Length);
            for (int i = 0; i < candidates; i++)
            {
                Assert.Equal(logPartition[i], result.LogPartition[i], 1e-4);
            }

            Assert.Equal(logPartition.Min(), result.Diagnostics.LogPartitionMin, 1e-4);
            Assert.Equal(logPartition.Max(), result.Diagnostics.LogPartitionMax, 1e-4);
        }
        else
        {
            Assert.True(result.LogPartition.IsEmpty);
            Assert.True(
                float.IsNaN(result.Diagnostics.LogPartitionMin) && float.IsNaN(result.Diagnostics.LogPartitionMax));
        }

        double entropy = 0, divergence = 0;
        int modes = 0, found = 0;
        for (int j = 0; j < Rows; j++)
        {
            int mode = 0;
            double commanded = 0;
            for (int i = 0; i < candidates; i++)
            {
                Assert.Equal(posterior[j, i], recorder.Posterior(j, i), 1e-4);
                entropy -= posterior[j, i] * Math.Log(posterior[j, i]);
                mode = posterior[j, i] > posterior[j, mode] ? i : mode;
                commanded += expected.AsSpan(i * 2, 2).SequenceEqual(original.Task.Slice(j * 2, 2))
                    ? posterior[j, i]
                    : 0;
            }

            modes += expected.AsSpan(mode * 2, 2).SequenceEqual(original.Task.Slice(j * 2, 2)) ? 1 : 0;
            divergence -= commanded > 0 ? Math.Log(commanded) : 0;
            found += commanded > 0 ? 1 : 0;
        }

        Assert.Equal(entropy / Rows, result.Diagnostics.PosteriorEntropy, 1e-3);
        Assert.Equal(Math.Exp(entropy / Rows), result.Diagnostics.EffectiveTasks, 2e-3 * candidates);
        Assert.Equal((double)modes / Rows, result.Diagnostics.CommandedIsMode, 1e-6);
        if (found == 0)
        {
            Assert.True(float.IsNaN(result.Diagnostics.KlFromCommanded));
        }
        else
        {
            Assert.Equal(divergence / found, result.Diagnostics.KlFromCommanded, 1e-3);
        }

        AssertGathered(result, batch, original);
        RelabelData.AssertJudged(RelabelData.GoalFamily, batch);
        Assert.Equal(0.7, result.Diagnostics.RelabeledShare, 0.25);
        Assert.Equal(result.Relabeled.ToArray().Average(r => (float)r), result.Diagnostics.RelabeledShare, 1e-6);
    }

    // Each task's Q~ is highest at its own number, so an index into any other array than the one that was scored would
    // show.
    [Theory]
    [InlineData(CandidateSource.Commanded)]
    [InlineData(CandidateSource.Reached)]
    [InlineData(CandidateSource.Both)]
    public void SampledIndexPointsAtTheTaskThatWasScored(CandidateSource source)
    {
        // The critic wants the task whose first entry is closest to the action's.
        using ComputeSession session = FunctionSession.Create(
            (in SoftQProblem p, int row, int i) => -1e4f * MathF.Abs(p.Task[i * 2] - p.Action[row * 2]));
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent,
                new RelabelOptions
                {
                    Candidates = source,
                    Partition = PartitionMode.None,
                    RelabelFraction = 1,
                    Temperature = 0,
                    ExactTerminalValue = false,
                });
        using TransitionBatch batch = RelabelData.Batch(50), original = RelabelData.Batch(50);

        RelabelResult result = relabeler.Relabel(batch);

        AssertGathered(result, batch, original);
        float[] candidates = result.Candidates.ToArray();
        for (int row = 0; row < 50; row++)
        {
            float wanted = original.Action[row * 2];
            float best = Enumerable.Range(0, candidates.Length / 2).Min(i => MathF.Abs(candidates[i * 2] - wanted));
            Assert.Equal(best, MathF.Abs(batch.Task[row * 2] - wanted));
        }
    }

    [Theory]
    [InlineData(-1e9f)]
    [InlineData(1e9f)]
    public void APriorIsUnnormalised(float shift)
    {
        // Shifts that single precision takes without loss: multiples of 64, as far apart as its numbers near 1e9 lie.
        float[] near = [0, -64, 0, float.NegativeInfinity, 0];
        float[] far = [.. near.Select(entry => entry + shift)];
        Assert.Equal(near, far.Select(entry => entry - shift));
        foreach (bool isFixed in (bool[])[true, false])
        {
            Assert.Equal(Labels(near, isFixed), Labels(far, isFixed));
        }

        static int[] Labels(float[] logPrior, bool isFixed)
        {
            float[] tasks = [0, 0, 0.5f, 0.5f, -0.5f, 0.5f, 0.2f, 0.1f, 0.9f, -0.3f];
            using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
            using Relabeler relabeler = new(
                RelabelData.GoalFamily,
                agent,
                new RelabelOptions { Candidates = CandidateSource.Fixed, RelabelFraction = 1, Seed = 5 });
            using TransitionBatch batch = RelabelData.Batch(200, 2, RelabelData.Shape);
            if (isFixed)
            {
                relabeler.SetFixedCandidates(tasks, logPrior);
            }

            int[] labels =
            [
                .. (isFixed ? relabeler.Relabel(batch) : relabeler.Relabel(batch, tasks, logPrior: logPrior)).TaskIndex,
            ];
            Assert.True(labels.Distinct().Count() > 1);
            Assert.DoesNotContain(3, labels);
            return labels;
        }
    }

    [Fact]
    public void ReachedStatesMayBeTheCurrentOnes()
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent,
                new RelabelOptions
                {
                    Candidates = CandidateSource.Reached,
                    ReachedState = ReachedState.Current,
                    RelabelFraction = 1,
                });
        using TransitionBatch batch = RelabelData.Batch(9);

        float[] candidates = relabeler.Relabel(batch).Candidates.ToArray();

        Assert.All(Enumerable.Range(0, 9), row => Assert.Equal(
            batch.Observation.Slice(row * 3, 2).ToArray(), RelabelData.Row(candidates, row, 2)));
    }

    [Fact]
    public void GivenCandidatesReplaceTheSource()
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent, new RelabelOptions { RelabelFraction = 1 });
        using TransitionBatch batch = RelabelData.Batch(9), original = RelabelData.Batch(9);

        RelabelResult result = relabeler.Relabel(batch, [0.1f, 0.2f, 0.3f, 0.4f]);

        Assert.Equal([0.1f, 0.2f, 0.3f, 0.4f], result.Candidates.ToArray());
        AssertGathered(result, batch, original);
    }

    [Fact]
    public void SamplesFollowThePosterior()
    {
        const int Rows = 4, Calls = 4000;
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        RelabelOptions options = new() { Candidates = CandidateSource.Fixed, RelabelFraction = 1, Temperature = 1.5f };
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, options);
        relabeler.SetFixedCandidates([0, 0, 0.5f, 0.5f, -0.5f, 0.5f], [0, 0.7f, -0.4f]);
        using TransitionBatch batch = RelabelData.Batch(Rows), original = RelabelData.Batch(Rows);
        Recorder recorder = new();
        relabeler.Observer = recorder;
        relabeler.Relabel(batch);
        double[,] posterior = Oracle(recorder.SoftQ(Rows), options, [0, 0.7f, -0.4f]).Posterior;
        relabeler.Observer = null;

        int[,] counts = new int[Rows, 3];
        for (int call = 0; call < Calls; call++)
        {
            original.Task.CopyTo(batch.Task);
            ReadOnlySpan<int> index = relabeler.Relabel(batch).TaskIndex;
            for (int j = 0; j < Rows; j++)
            {
                counts[j, index[j]]++;
            }
        }

        // 8 degrees of freedom: a chi-square above 40 has probability 3e-6.
        double chiSquare = 0;
        for (int j = 0; j < Rows; j++)
        {
            for (int i = 0; i < 3; i++)
            {
                double mean = posterior[j, i] * Calls;
                chiSquare += (counts[j, i] - mean) * (counts[j, i] - mean) / mean;
            }
        }

        Assert.InRange(chiSquare, 0, 40);
    }

    [Fact]
    public void PriorShiftsAndExcludes()
    {
        float ShareOfFirst(float[] logPrior)
        {
            using ComputeSession session = FunctionSession.Create((in SoftQProblem _, int _, int _) => 0);
            using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
            using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent,
                new RelabelOptions { Candidates = CandidateSource.Fixed, RelabelFraction = 1 });
            relabeler.SetFixedCandidates([0, 0, 1, 1], logPrior);
            using TransitionBatch batch = RelabelData.Batch(4000);
            return relabeler.Relabel(batch).TaskIndex.ToArray().Count(i => i == 0) / 4000f;
        }

        Assert.Equal(0.5f, ShareOfFirst([]), 0.04f);
        Assert.Equal(0.75f, ShareOfFirst([MathF.Log(3), 0]), 0.035f);
        Assert.Equal(0, ShareOfFirst([float.NegativeInfinity, 0]));
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(0.05f)]
    [InlineData(0f)]
    public void TemperatureGoesDownToTheMode(float temperature)
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent,
            new RelabelOptions { RelabelFraction = 1, Temperature = temperature });
        using TransitionBatch batch = RelabelData.Batch(60);
        Recorder recorder = new();
        relabeler.Observer = recorder;

        RelabelResult result = relabeler.Relabel(batch);

        int agreeing = 0;
        for (int j = 0; j < 60; j++)
        {
            int mode = Enumerable.Range(0, 60).MaxBy(i => recorder.SoftQ(60)[j, i] - recorder.LogPartition[i]);
            agreeing += mode == result.TaskIndex[j] ? 1 : 0;
        }

        if (temperature == 0)
        {
            Assert.Equal(60, agreeing);
            Assert.Equal(0, result.Diagnostics.PosteriorEntropy);
            Assert.Equal(1, result.Diagnostics.EffectiveTasks);
            Assert.True(float.IsNaN(result.Diagnostics.KlFromCommanded));
            Assert.Equal(1, recorder.Posterior(7, result.TaskIndex[7]));
        }
        else
        {
            Assert.InRange(agreeing, temperature == 1 ? 0 : 20, temperature == 1 ? 20 : 59);
        }
    }

    // A batch of four minibatches is relabeled as one: its partition and candidates span all four.
    [Fact]
    public void PoolIsOneJointCall()
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent, new RelabelOptions { RelabelFraction = 1 });
        using TransitionBatch pool = RelabelData.Batch(32), original = RelabelData.Batch(32);

        RelabelResult result = relabeler.Relabel(pool);

        Assert.Equal(32 * 2, result.Candidates.Length);
        Assert.Equal(1, ((FunctionSoftQ)session.SoftQ).Calls);
        AssertGathered(result, pool, original);

        // Some row of the first minibatch took a task of another one.
        Assert.Contains(result.TaskIndex[..8].ToArray(), index => index >= 8);
    }

    // A prior given with the call: an excluded task is never drawn, odds shift by the prior's, and the next call knows
    // nothing of it.
    [Fact]
    public void GivenCandidatesTakeAPrior()
    {
        using ComputeSession session = FunctionSession.Create((in SoftQProblem _, int _, int _) => 0);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent, new RelabelOptions { RelabelFraction = 1 });
        Recorder recorder = new();
        relabeler.Observer = recorder;
        using TransitionBatch batch = RelabelData.Batch(200);
        float[] tasks = [0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f];

        int[] index = relabeler.Relabel(
            batch, tasks, logPrior: [MathF.Log(3), float.NegativeInfinity, 0]).TaskIndex.ToArray();

        Assert.Equal([0, 2], index.Distinct().Order());
        Assert.Equal([0.75f, 0f, 0.25f], Enumerable.Range(0, 3).Select(i => MathF.Round(recorder.Posterior(7, i), 5)));
        relabeler.Observer = null;
        Assert.Equal([0, 1, 2], relabeler.Relabel(batch, tasks).TaskIndex.ToArray().Distinct().Order());
        Assert.Contains("2 entries for 3 candidate tasks",
            Assert.Throws<ArgumentException>(() => relabeler.Relabel(batch, tasks, logPrior: [0f, 0f])).Message,
            StringComparison.Ordinal);
    }

    // A budget of a few rows forces two passes; the noise is counted by row, so only rounding in logZ can tell the
    // difference.
    [Theory]
    [InlineData(PartitionMode.Batch)]
    [InlineData(PartitionMode.None)]
    public void MemoryBudgetDoesNotChangeTheResult(PartitionMode partition)
    {
        (int[] Index, float[] LogPartition, int Calls, int Blocks, RelabelDiagnostics Diagnostics) Run(long budget)
        {
            using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
            using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
            using Relabeler relabeler = new(
                session, RelabelData.GoalFamily, agent,
                    new RelabelOptions { Partition = partition, RelabelFraction = 1, MemoryBudget = budget, Seed = 2 });
            Recorder recorder = new();
            relabeler.Observer = recorder;
            using TransitionBatch batch = RelabelData.Batch(150);
            RelabelResult result = relabeler.Relabel(batch);
            return (result.TaskIndex.ToArray(), result.LogPartition.ToArray(), (
                (FunctionSoftQ)session.SoftQ).Calls, recorder.Blocks, result.Diagnostics);
        }

        var whole = Run(1 << 30);
        foreach (long budget in new long[] { 1, 150 * 4 * 7 * 2, 150 * 4 * 149 * 2 })
        {
            var blocks = Run(budget);

            // 149 rows would fit: the blocks are of 128.
            int rows = Math.Max(1, (int)(budget / (150 * 8)));
            rows = rows > 64 ? rows / 64 * 64 : rows;
            Assert.Equal((150 + rows - 1) / rows, blocks.Blocks);
            Assert.Equal(blocks.Blocks * (partition == PartitionMode.Batch ? 2 : 1), blocks.Calls);
            Assert.Equal(whole.LogPartition.Length, blocks.LogPartition.Length);
            for (int i = 0; i < whole.LogPartition.Length; i++)
            {
                Assert.Equal(whole.LogPartition[i], blocks.LogPartition[i], 1e-5f);
            }

            Assert.InRange(whole.Index.Zip(blocks.Index).Count(pair => pair.First != pair.Second), 0, 1);
            Assert.Equal(whole.Diagnostics.PosteriorEntropy, blocks.Diagnostics.PosteriorEntropy, 1e-5f);
            Assert.Equal(whole.Diagnostics.KlFromCommanded, blocks.Diagnostics.KlFromCommanded, 1e-5f);
        }

        Assert.Equal((1, 1), (whole.Calls, whole.Blocks));
    }

    [Fact]
    public void RelabelFractionIsTheShareThatReceivesANewTask()
    {
        foreach (float fraction in new[] { 0f, 0.2f, 0.8f, 1f })
        {
            using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
            using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
            using Relabeler relabeler = new(
                session, RelabelData.GoalFamily, agent,
                new RelabelOptions { Candidates = CandidateSource.Fixed, RelabelFraction = fraction });
            relabeler.SetFixedCandidates([5, 5]);
            using TransitionBatch batch = RelabelData.Batch(20000), original = RelabelData.Batch(20000);

            RelabelResult result = relabeler.Relabel(batch);

            int changed = Enumerable.Range(0, 20000).Count(row => batch.Task[row * 2] == 5);
            Assert.Equal(changed, result.Relabeled.ToArray().Sum(r => r));
            Assert.Equal(20000 - changed, result.TaskIndex.ToArray().Count(i => i == -1));
            if (fraction is 0 or 1)
            {
                Assert.Equal(fraction * 20000, changed);
            }
            else
            {
                // The standard deviation is 57.
                Assert.InRange(changed, (fraction * 20000) - 260, (fraction * 20000) + 260);
            }

            RelabelData.AssertJudged(RelabelData.GoalFamily, batch);
            Assert.Equal(original.Observation.ToArray(), batch.Observation.ToArray());
        }
    }

    [Fact]
    public void CriticIsNotAskedWhenNoSlotNeedsIt()
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent, new RelabelOptions { RelabelFraction = 0 });
        using TransitionBatch batch = RelabelData.Batch(10);

        RelabelResult result = relabeler.Relabel(batch);

        Assert.Equal(0, ((FunctionSoftQ)session.SoftQ).Calls);
        Assert.True(result.Candidates.IsEmpty);
        Assert.True(float.IsNaN(result.Diagnostics.EffectiveTasks) && float.IsNaN(result.Diagnostics.TerminatedShare));
    }

    [Fact]
    public void ProblemCarriesTheOptions()
    {
        SoftQEstimator estimator = default;
        (
            TwinCombination Twin, float Alpha, float Gamma, bool Exact, bool Networks, CriticRange Range, ulong Seed,
            uint Call) seen = default;
        using ComputeSession session = FunctionSession.Create((in SoftQProblem p, int _, int _) =>
        {
            estimator = p.Estimator;
            seen = (
                p.Twin, p.Alpha, p.Gamma, p.ExactTerminalValue,
                p.Actor is not null && p.Critic2 is not null && p.Family is not null,
                p.CriticRange, p.Seed, p.Call);
            return 0;
        });
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        agent.CriticRange = new CriticRange(-3, 4);
        agent.LogAlpha = MathF.Log(0.25f);
        using TransitionBatch batch = RelabelData.Batch(3);

        using (Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent, new RelabelOptions { RelabelFraction = 1, Seed = 8 }))
        {
            relabeler.Call = 77;
            relabeler.Relabel(batch);
            Assert.Equal(SoftQEstimator.Critic, estimator);
            Assert.Equal(
                (TwinCombination.Min, MathF.Exp(agent.LogAlpha), 0.99f, true, true, new CriticRange(-3, 4), 8UL, 77u),
                seen);
            Assert.Equal(78u, relabeler.Call);
        }

        RelabelOptions options = new()
        {
            RelabelFraction = 1, Estimator = SoftQEstimator.Bellman, Twin = TwinCombination.First, Alpha = 1,
            Gamma = 0.5f,
                ExactTerminalValue = false,
        };
        using (Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, options))
        {
            relabeler.Relabel(batch);
            Assert.Equal(SoftQEstimator.Bellman, estimator);
            Assert.Equal((TwinCombination.First, 1f, 0.5f, false, true, new CriticRange(-3, 4), 0UL, 0u), seen);
        }
    }

    private static float[] Reached(TransitionBatch batch)
    {
        List<float> tasks = [];
        for (int row = 0; row < batch.Count; row++)
        {
            tasks.AddRange(batch.NextObservation.Slice(row * 3, 2));
        }

        return [.. tasks];
    }

    private static void AssertGathered(in RelabelResult result, TransitionBatch batch, TransitionBatch original)
    {
        for (int row = 0; row < batch.Count; row++)
        {
            int index = result.TaskIndex[row];
            Assert.Equal(index >= 0, result.Relabeled[row] == 1);
            Assert.Equal(index < 0 ? RelabelData.Row(original.Task, row, 2)
                : RelabelData.Row(result.Candidates, index, 2),
                RelabelData.Row(batch.Task, row, 2));
        }
    }
}

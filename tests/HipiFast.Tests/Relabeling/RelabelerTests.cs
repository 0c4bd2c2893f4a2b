using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Tasks;
using HipiFast.Testing;
using HipiFast.Tests.Replay;

namespace HipiFast.Tests.Relabeling;

/// <summary>Mixing, baselines, the real networks, determinism, allocation and bad input.</summary>
public sealed class RelabelerTests
{
    private static readonly TaskFamily s_discrete = TaskFamily.Create(new BiasedTasks(0));

    [Fact]
    public void NoneChangesNoTask()
    {
        using Relabeler relabeler = new(RelabelData.GoalFamily, null,
            new RelabelOptions { Strategy = RelabelStrategy.None, RelabelFraction = 1, GoalMix = 1 });
        using TransitionBatch batch = RelabelData.Batch(20), original = RelabelData.Batch(20);

        RelabelResult result = relabeler.Relabel(batch);

        Assert.Equal(original.Task.ToArray(), batch.Task.ToArray());
        Assert.Equal(original.Observation.ToArray(), batch.Observation.ToArray());
        Assert.Equal(0, result.Relabeled.ToArray().Sum(r => r));
        Assert.Equal(0, result.Diagnostics.RelabeledShare);

        // Rows that keep their task are judged by the same rewards as all others.
        RelabelData.AssertJudged(RelabelData.GoalFamily, batch);
    }

    [Fact]
    public void RandomTakesAnotherRowsTask()
    {
        using Relabeler relabeler = new(
            RelabelData.GoalFamily, null,
            new RelabelOptions { Strategy = RelabelStrategy.Random, RelabelFraction = 1 });
        using TransitionBatch batch = RelabelData.Batch(5), original = RelabelData.Batch(5);
        int[,] counts = new int[5, 5];
        for (int call = 0; call < 2000; call++)
        {
            original.Task.CopyTo(batch.Task);
            Assert.Equal(-1, relabeler.Relabel(batch).TaskIndex[0]);
            for (int row = 0; row < 5; row++)
            {
                counts[row, Enumerable.Range(0, 5).Single(other => original.Task[other * 2] == batch.Task[row * 2])]++;
            }
        }

        // Never a row's own task, the four others alike: 500 each with a standard deviation of 19.
        for (int row = 0; row < 5; row++)
        {
            for (int other = 0; other < 5; other++)
            {
                Assert.InRange(counts[row, other], row == other ? 0 : 400, row == other ? 0 : 600);
            }
        }

        RelabelData.AssertJudged(RelabelData.GoalFamily, batch);
    }

    [Fact]
    public void RandomDrawsFromTheDistribution()
    {
        TransitionShape shape = new(4, 1, 3);
        using Relabeler relabeler = new(
            s_discrete, null, new RelabelOptions { Strategy = RelabelStrategy.Random, RelabelFraction = 1, Seed = 6 },
            new OneHotTasks(3));
        using TransitionBatch batch = RelabelData.Batch(3000, 0, shape);

        relabeler.Relabel(batch);

        // One row alone has no other to borrow from, but a distribution serves it too.
        Assert.All(Enumerable.Range(0, 3),
            task =>
                Assert.InRange(Enumerable.Range(0, 3000).Count(row => batch.Task[(row * 3) + task] == 1), 880, 1120));
        batch.Count = 1;
        relabeler.Relabel(batch);
        Assert.Equal(1, RelabelData.Row(batch.Task, 0, 3).Sum());
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(0.5f)]
    [InlineData(0.3f)]
    [InlineData(1f)]
    public void GoalMixIsAShareOfTheRelabeledSlots(float mix)
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using ReplayBuffer replay = new(RelabelData.Shape, 100);
        for (int i = 0; i < 100; i++)
        {
            replay.Append([0, 0, 0], [0, 0], [50 + i, 0, 0], [0, 0], [0], [0], [i % 10 == 9 ? (byte)1 : (byte)0]);
        }

        using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, new RelabelOptions
        {
            RelabelFraction = 0.8f, GoalMix = mix, GoalMixStrategy = RelabelStrategy.Final,
            Candidates = CandidateSource.Fixed, Seed = 1,
        });
        relabeler.SetFixedCandidates([-7, -7]);
        using TransitionBatch batch = new(RelabelData.Shape, 10000);
        replay.Sample(batch, 10000, 1, 1);

        RelabelResult result = relabeler.Relabel(batch, replay);

        int inferred = 0, goals = 0;
        for (int row = 0; row < 10000; row++)
        {
            float task = batch.Task[row * 2];
            inferred += task == -7 ? 1 : 0;
            goals += task >= 50 ? 1 : 0;
            Assert.Equal(task == -7 ? 0 : -1, result.TaskIndex[row]);
            Assert.Equal(task != 0 ? 1 : 0, result.Relabeled[row]);
            Assert.True(task < 50 || task == 50 + (batch.ReplayIndex[row] / 10 * 10) + 9);
        }

        // 8000 relabeled slots; standard deviations of at most 50.
        Assert.InRange(goals, (mix * 8000) - 250, (mix * 8000) + 250);
        Assert.InRange(inferred, ((1 - mix) * 8000) - 250, ((1 - mix) * 8000) + 250);
        Assert.True(mix is > 0 and < 1 || inferred * goals == 0);
    }

    [Fact]
    public void GoalMixServesRandomRelabelingToo()
    {
        using ReplayBuffer replay = new(RelabelData.Shape, 4);
        for (int i = 0; i < 4; i++)
        {
            replay.Append([0, 0, 0], [0, 0], [50, 0, 0], [i, 0], [0], [0], [0]);
        }

        using Relabeler relabeler = new(
            RelabelData.GoalFamily, null,
            new RelabelOptions { Strategy = RelabelStrategy.Random, RelabelFraction = 1, GoalMix = 0.5f });
        using TransitionBatch batch = new(RelabelData.Shape, 2000);
        replay.Sample(batch, 2000, 1, 1);
        relabeler.Relabel(batch, replay);

        Assert.InRange(Enumerable.Range(0, 2000).Count(row => batch.Task[row * 2] == 50), 880, 1120);
    }

    // The managed kernels and real networks: the same indices, tasks and diagnostics for any number of threads.
    [Theory]
    [InlineData(SoftQEstimator.Critic, Assignment.Row)]
    [InlineData(SoftQEstimator.SoftCritic, Assignment.Row)]
    [InlineData(SoftQEstimator.Bellman, Assignment.Row)]
    [InlineData(SoftQEstimator.Bellman, Assignment.Task)]
    public void ThreadsDoNotChangeTheResult(SoftQEstimator estimator, Assignment assignment)
    {
        (int[] Index, float[] Contents, RelabelDiagnostics Diagnostics) Run(int threads)
        {
            using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape, 40);
            using Relabeler relabeler = new(RelabelData.GoalFamily, agent, new RelabelOptions
            {
                Estimator = estimator, Assignment = assignment, Candidates = CandidateSource.Both,
                Compute = new() { Threads = threads }, RelabelFraction = 0.8f,
                    Temperature = 0.1f,
            });
            using TransitionBatch batch = RelabelData.Batch(131);
            RelabelResult result = relabeler.Relabel(batch);
            return (result.TaskIndex.ToArray(), RelabelData.Contents(batch), result.Diagnostics);
        }

        var one = Run(1);
        foreach (int threads in new[] { 2, 3, 0 })
        {
            var several = Run(threads);
            Assert.Equal(one.Index, several.Index);
            Assert.Equal(one.Contents, several.Contents);
            Assert.Equal(one.Diagnostics, several.Diagnostics);
        }
    }

    [Theory]
    [InlineData(SoftQEstimator.Critic)]
    [InlineData(SoftQEstimator.Bellman)]
    public void MemoryBudgetDoesNotChangeTheResultWithRealNetworks(SoftQEstimator estimator)
    {
        int[] Run(long budget)
        {
            using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape, 40);
            using Relabeler relabeler = new(
                RelabelData.GoalFamily, agent,
                    new RelabelOptions
                    {
                        Estimator = estimator,
                        RelabelFraction = 1,
                        Temperature = 0.1f,
                        MemoryBudget = budget,
                    });
            using TransitionBatch batch = RelabelData.Batch(131);
            return relabeler.Relabel(batch).TaskIndex.ToArray();
        }

        Assert.InRange(Run(1 << 30).Zip(Run(131 * 4 * 17)).Count(pair => pair.First != pair.Second), 0, 1);
    }

    // Fig. 8 on transitions: the Bellman estimate contains the reward, so a constant on one task's reward shifts its
    // column. The kept seed draws the same noise.
    [Fact]
    public void PartitionCancelsAConstantOnOneTasksReward()
    {
        TransitionShape shape = new(4, 1, 3);
        int[] Run(float bias, PartitionMode partition)
        {
            using AgentNetworks agent = RelabelData.Agent(shape);
            using Relabeler relabeler = new(
                TaskFamily.Create(new BiasedTasks(bias)),
                agent,
                new RelabelOptions
                {
                    Estimator = SoftQEstimator.Bellman,
                    Partition = partition,
                    Candidates = CandidateSource.Fixed,
                    RelabelFraction = 1,
                    Seed = 3,
                });
            relabeler.SetFixedCandidates(BiasedTasks.All);
            using TransitionBatch batch = RelabelData.Batch(400, 2, shape);
            return relabeler.Relabel(batch).TaskIndex.ToArray();
        }

        Assert.InRange(Run(0, PartitionMode.Batch).Zip(
            Run(8, PartitionMode.Batch)).Count(pair => pair.First != pair.Second), 0, 1);
        Assert.InRange(Run(0, PartitionMode.None).Count(index => index == 0), 60, 300);
        Assert.InRange(Run(8, PartitionMode.None).Count(index => index == 0), 390, 400);
    }

    [Fact]
    public void CallDecidesTheDraws()
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(RelabelData.GoalFamily, agent, new RelabelOptions { RelabelFraction = 1 });
        int[] Run(uint call)
        {
            relabeler.Call = call;
            using TransitionBatch batch = RelabelData.Batch(50);
            return relabeler.Relabel(batch).TaskIndex.ToArray();
        }

        int[] first = Run(1), second = Run(2);
        Assert.Equal(3u, relabeler.Call);
        Assert.NotEqual(first, second);
        Assert.Equal(first, Run(1));
    }

    [Fact]
    public void SharedSessionIsNotDisposed()
    {
        using ComputeSession session = KernelRegistry.Default.Resolve(
            ManagedBackend.FamilyName).CreateSession(new SessionOptions(1));
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        for (int i = 0; i < 2; i++)
        {
            using Relabeler relabeler = new(session, RelabelData.GoalFamily, agent, new RelabelOptions());
            using TransitionBatch batch = RelabelData.Batch(8);
            relabeler.Relabel(batch);
        }
    }

    [Theory]
    [InlineData(RelabelStrategy.InverseRl, Assignment.Row, SoftQEstimator.Critic)]
    [InlineData(RelabelStrategy.InverseRl, Assignment.Row, SoftQEstimator.SoftCritic)]
    [InlineData(RelabelStrategy.InverseRl, Assignment.Row, SoftQEstimator.Bellman)]
    [InlineData(RelabelStrategy.InverseRl, Assignment.Task, SoftQEstimator.Critic)]
    [InlineData(RelabelStrategy.Random, Assignment.Row, SoftQEstimator.Critic)]
    public void SteadyStateAllocatesNothing(RelabelStrategy strategy, Assignment assignment, SoftQEstimator estimator)
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using ReplayBuffer replay = new(RelabelData.Shape, 100);
        for (int i = 0; i < 100; i++)
        {
            replay.Append([i, 0, 0], [0, 0], [i, 1, 0], [i, 2], [0], [0], [i % 10 == 9 ? (byte)1 : (byte)0]);
        }

        using Relabeler relabeler = new(RelabelData.GoalFamily, agent, new RelabelOptions
        {
            Strategy = strategy, Assignment = assignment, Estimator = estimator, Candidates = CandidateSource.Both,
            RelabelFraction = 0.8f,
                GoalMix = 0.5f,
            Compute = new() { Threads = 2 },
        });
        using TransitionBatch batch = new(RelabelData.Shape, 64);
        void Step()
        {
            replay.Sample(batch, 64, 1, relabeler.Call);
            relabeler.Relabel(batch, replay);
        }

        SteadyState.AssertAllocatesNothing(Step);
    }

    [Fact]
    public void TrajectoriesAllocateNothing()
    {
        using Relabeler relabeler = new(
            RelabelData.GoalFamily, null, new RelabelOptions { Compute = new() { Threads = 2 } });
        using TransitionBatch batch = RelabelData.Batch(60);
        long[] episode = [.. Enumerable.Range(0, 60).Select(row => (long)row / 6)];

        SteadyState.AssertAllocatesNothing(() => relabeler.RelabelTrajectories(batch, episode));
    }

    [Theory]
    [InlineData("Observation", "The observation of transition 4 is NaN in column 1; expected finite numbers.")]
    [InlineData("Action", "The action of transition 6 is NaN in column 1; expected finite numbers.")]
    [InlineData("NextObservation", "The next observation of transition 4 is NaN in column 1; expected finite numbers.")]
    [InlineData("Task", "The task of transition 6 is NaN in column 1; expected finite numbers.")]
    public void NaNInTheBatchIsNamed(string column, string message)
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(RelabelData.GoalFamily, agent, new RelabelOptions());
        using TransitionBatch batch = RelabelData.Batch(20);
        Span<float> values = column switch
        {
            "Observation" => batch.Observation,
            "Action" => batch.Action,
            "NextObservation" => batch.NextObservation,
            _ => batch.Task,
        };
        values[13] = float.NaN;
        float[] before = RelabelData.Contents(batch);

        Assert.Equal(message, Assert.Throws<InvalidDataException>(() => relabeler.Relabel(batch)).Message);
        Assert.Equal(before, RelabelData.Contents(batch));
        Assert.Equal(0u, relabeler.Call);
    }

    [Theory]
    [InlineData(
        float.NaN, "The critic estimate of transition 11 under candidate task 5 is NaN; expected a finite number.")]
    [InlineData(
        float.PositiveInfinity,
        "The critic estimate of transition 11 under candidate task 5 is infinity; expected a finite number.")]
    [InlineData(
        float.NegativeInfinity,
        "The critic estimate of transition 11 under candidate task 5 is -infinity; expected a finite number.")]
    public void CriticThatIsNotFiniteIsNamedByItsFirstPair(float value, string message)
    {
        foreach (long budget in new long[] { 1 << 20, 20 * 4 * 3 })
        {
            foreach (PartitionMode partition in new[] { PartitionMode.Batch, PartitionMode.None })
            {
                using ComputeSession session = FunctionSession.Create(
                    (in SoftQProblem p, int row, int i) =>
                        (p.FirstRow + row, i) is (11, 5) or (11, 7) or (17, 1) ? value : 0);
                using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
                using Relabeler relabeler = new(
                    session, RelabelData.GoalFamily, agent,
                    new RelabelOptions
                    {
                        MemoryBudget = budget, Partition = partition, RelabelFraction = 1, ExactTerminalValue = false,
                    });
                using TransitionBatch batch = RelabelData.Batch(20);
                float[] before = RelabelData.Contents(batch);

                Assert.Equal(message, Assert.Throws<InvalidDataException>(() => relabeler.Relabel(batch)).Message);
                Assert.Equal(before, RelabelData.Contents(batch));
            }
        }
    }

    [Fact]
    public void NetworkWithANaNWeightIsNamedByItsFirstPair()
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        agent.Critic2!.Bias(2)[0] = float.NaN;
        agent.Critic2.MarkChanged();
        using Relabeler relabeler = new(
            RelabelData.GoalFamily, agent, new RelabelOptions { RelabelFraction = 1, ExactTerminalValue = false });
        using TransitionBatch batch = RelabelData.Batch(20);

        Assert.Equal(
            "The critic estimate of transition 0 under candidate task 0 is NaN; expected a finite number.",
            Assert.Throws<InvalidDataException>(() => relabeler.Relabel(batch)).Message);
    }

    [Fact]
    public void AnObserverThatThrowsLeavesTheBatchAsItWas()
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            RelabelData.GoalFamily, agent, new RelabelOptions { RelabelFraction = 1 }) { Observer = new Thrower() };
        using TransitionBatch batch = RelabelData.Batch(20);
        float[] before = RelabelData.Contents(batch);

        Assert.Throws<IOException>(() => relabeler.Relabel(batch));
        Assert.Equal(before, RelabelData.Contents(batch));
    }

    [Fact]
    public void ScoresBeyondAnyFloatStillChoose()
    {
        using ComputeSession session = FunctionSession.Create((in SoftQProblem _, int row, int i) => 1e20f * (row + i));
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent,
            new RelabelOptions
            {
                RelabelFraction = 1, Temperature = 1e-25f, Partition = PartitionMode.None, ExactTerminalValue = false,
            });
        using TransitionBatch batch = RelabelData.Batch(3);

        Assert.Equal([2, 2, 2], relabeler.Relabel(batch).TaskIndex.ToArray());
    }

    [Fact]
    public void ShapesThatDisagreeAreRefused()
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape), wide = RelabelData.Agent(
            new TransitionShape(3, 2, 5));
        using Relabeler relabeler = new(RelabelData.GoalFamily, agent, new RelabelOptions());
        using TransitionBatch states = RelabelData.Batch(3, 0, new TransitionShape(4, 2, 2)),
            tasks = RelabelData.Batch(3, 0, new TransitionShape(3, 2, 1));
        using TransitionBatch batch = RelabelData.Batch(3), empty = new(RelabelData.Shape, 1);
        using ReplayBuffer replay = new(new TransitionShape(4, 2, 2), 10);

        AssertRefused(
            "The batch has the widths 4 (state), 2 (action), 2 (task); the agent takes 3 (state), 2 (action), 2 "
            + "(task).",
            () => relabeler.Relabel(states));
        AssertRefused("The batch has tasks of 1 entries; the task family has 2.", () => relabeler.Relabel(tasks));
        AssertRefused("the replay buffer has 4 (state), 2 (action), 2 (task).", () => relabeler.Relabel(batch, replay));
        AssertRefused("The batch holds no transitions.", () => relabeler.Relabel(empty));
        AssertRefused("The agent takes tasks of 5 entries; the task family has 2.",
            () => new Relabeler(RelabelData.GoalFamily, wide, new RelabelOptions()));
        AssertRefused("The task distribution makes tasks of 3 entries; the task family has 2.",
            () => new Relabeler(RelabelData.GoalFamily, agent, new RelabelOptions(), new OneHotTasks(3)));
        AssertRefused("needs an agent's networks; none were given",
            () =>
                new Relabeler(RelabelData.GoalFamily, null, new RelabelOptions { RelabelFraction = 1 }).Relabel(batch));
        AssertRefused("and there is only one", () => Single().Relabel(RelabelData.Batch(1)));

        static Relabeler Single() => new(
            RelabelData.GoalFamily, null,
            new RelabelOptions { Strategy = RelabelStrategy.Random, RelabelFraction = 1 });
    }

    [Fact]
    public void CandidatesThatAreNoneAreRefused()
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(RelabelData.GoalFamily, agent,
            new RelabelOptions { Candidates = CandidateSource.Fixed, RelabelFraction = 1 });
        using TransitionBatch batch = RelabelData.Batch(3);

        AssertRefused(
            "There are no candidate tasks: fixed candidates were asked for and none were set.",
            () => relabeler.Relabel(batch));
        AssertRefused(
            "There are no candidate tasks; relabeling needs at least one.", () => relabeler.SetFixedCandidates([]));
        AssertRefused("There are no candidate tasks; relabeling needs at least one.", () => relabeler.Relabel(
            batch, ReadOnlySpan<float>.Empty));
        AssertRefused("The candidate tasks have 3 entries, which is not a multiple of the task family's 2.",
            () => relabeler.SetFixedCandidates([1, 2, 3]));
        AssertRefused(
            "Candidate task 1 is NaN in column 0; expected finite numbers.",
            () => relabeler.SetFixedCandidates([1, 2, float.NaN, 3]));
        AssertRefused(
            "The prior has 1 entries for 2 candidate tasks.", () => relabeler.SetFixedCandidates([1, 2, 3, 4], [1]));
        AssertRefused("The log prior of candidate task 1 is NaN", () => relabeler.SetFixedCandidates(
            [1, 2, 3, 4], [1, float.NaN]));
        AssertRefused("The prior excludes every candidate task.", () => relabeler.SetFixedCandidates(
            [1, 2], [float.NegativeInfinity]));
    }

    [Fact]
    public void GoalStrategiesAreRefusedWithoutAMapFromStatesToTasks()
    {
        foreach ((RelabelOptions options, string what) in new[]
        {
            (new RelabelOptions { Strategy = RelabelStrategy.Final }, "'final' relabeling"),
            (new RelabelOptions { Strategy = RelabelStrategy.Future }, "'future' relabeling"),
            (new RelabelOptions { GoalMix = 0.5f }, "a goal mix"),
            (new RelabelOptions { Candidates = CandidateSource.Both }, "reached states as candidates"),
            (new RelabelOptions { Candidates = CandidateSource.Reached }, "reached states as candidates"),
        })
        {
            AssertRefused(
                $"This task family has no map from states to tasks, so {what} does not apply; it takes a goal family.",
                () => new Relabeler(s_discrete, null, options));
        }

        new Relabeler(
            s_discrete, null, new RelabelOptions { Strategy = RelabelStrategy.None, Candidates = CandidateSource.Both })
            .Dispose();
    }

    [Fact]
    public void OptionsOutOfRangeAreRefused()
    {
        foreach ((RelabelOptions options, string name) in new[]
        {
            (new RelabelOptions { RelabelFraction = 1.5f }, "RelabelFraction is 1.5; expected a number from 0 to 1."),
            (new RelabelOptions { RelabelFraction = float.NaN }, "RelabelFraction is NaN"),
            (new RelabelOptions { GoalMix = -0.1f }, "GoalMix is -0.1"),
            (
                new RelabelOptions { GoalMixStrategy = RelabelStrategy.Random },
                "GoalMixStrategy is Random; expected Final or Future."),
            (new RelabelOptions { Temperature = -1 }, "Temperature is -1"),
            (new RelabelOptions { Temperature = float.PositiveInfinity }, "Temperature is Infinity"),
            (new RelabelOptions { FutureHorizon = -1 }, "FutureHorizon is -1"),
            (new RelabelOptions { RowPool = 0 }, "RowPool is 0"),
            (new RelabelOptions { Alpha = -1 }, "Alpha is -1"),
            (new RelabelOptions { Gamma = 1.1f }, "Gamma is 1.1"),
            (new RelabelOptions { MemoryBudget = 0 }, "MemoryBudget is 0"),
            (new RelabelOptions { Compute = new() { Threads = -1 } }, "Threads is -1"),
            (new RelabelOptions { Strategy = (RelabelStrategy)77 }, "Strategy is 77"),
        })
        {
            AssertRefused("The relabeling option " + name, () => new Relabeler(RelabelData.GoalFamily, null, options));
        }
    }

    [Fact]
    public void ASharedSessionAndABatchThatCanBeChangedAreNeeded()
    {
        Assert.Throws<ArgumentNullException>(
            () => new Relabeler(null!, RelabelData.GoalFamily, null, new RelabelOptions()));
        using Relabeler relabeler = new(
            RelabelData.GoalFamily, null, new RelabelOptions { Strategy = RelabelStrategy.None });
        using Elsewhere batch = new();
        AssertRefused("A Elsewhere cannot be relabeled in place", () => relabeler.Relabel(batch));
    }

    private static void AssertRefused(string message, Action action) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);

    private sealed class Elsewhere : ITransitionBatch
    {
        public TransitionShape Shape => RelabelData.Shape;

        public int Count => 1;

        public TransitionBatch ToHost() => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }

    private sealed class Thrower : IRelabelObserver
    {
        public bool WantsPosterior => false;

        public void OnBlock(in RelabelBlock block) => throw new IOException("The disk is full.");
    }
}

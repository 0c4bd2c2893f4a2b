using HipiFast.Relabeling;
using HipiFast.Testing;
using HipiFast.Training;

namespace HipiFast.Training.Tests;

[Collection(nameof(NoAllocationElsewhere))]
public class TrainerTests
{
    [Theory]
    [InlineData(RelabelStrategy.InverseRl, Assignment.Row)]
    [InlineData(RelabelStrategy.InverseRl, Assignment.Task)]
    [InlineData(RelabelStrategy.Future, Assignment.Row)]
    public void StepsAllocateNothing(RelabelStrategy strategy, Assignment assign)
    {
        using Trainer trainer = new(new TrainingConfig
        {
            Environment = "nav2d",
            Run = new() { InitialRandomSteps = 100, EvalEvery = 1_000_000, EvalEpisodes = 2 },
            Compute = new() { Threads = 1 },
            Learner = new() { Hidden = 16 },
            Relabeling = new()
            {
                Strategy = strategy, Assignment = assign, Candidates = CandidateSource.Both, GoalMix = 0.5f,
            },
        });
        Steps(600);
        SteadyState.AssertAllocatesNothing(() => Steps(25));
        Assert.InRange(trainer.EnvSteps, 1100, int.MaxValue);
        Assert.Equal(2 * (trainer.EnvSteps - 100), trainer.GradientSteps);

        void Steps(int count)
        {
            for (int i = 0; i < count; i++)
            {
                trainer.Step();
            }
        }
    }

    [Fact]
    public void EveryUpdateDrawsItsOwnTransitionsAndTasks()
    {
        using Trainer trainer = new(new TrainingConfig
        {
            Run = new() { InitialRandomSteps = 500, EvalEvery = 1_000_000, EvalEpisodes = 2, GradientSteps = 1 },
            Learner = new() { Hidden = 8 },
        });
        HashSet<string> minibatches = [], relabelings = [];
        for (int i = 0; i < 520; i++)
        {
            trainer.Step();
            if (i >= 500)
            {
                // Coarse distances from the newest: were the draws of every update the same, a buffer that grows by one
                // would hardly change them.
                long newest = trainer.Batch.ReplayIndex.ToArray().Max();
                minibatches.Add(
                    string.Join(',', trainer.Batch.ReplayIndex.ToArray().Select(index => (newest - index) / 16)));
                relabelings.Add(string.Join(
                    ',', trainer.Batch.Terminated.ToArray()) + string.Join(',', trainer.Batch.Task.ToArray()));
            }
        }

        Assert.Equal(20, minibatches.Count);
        Assert.Equal(20, relabelings.Count);
    }

    [Fact]
    public void StepsAllocateNothingOnAnyThread()
    {
        TrainingConfig config = new()
        {
            Run = new() { InitialRandomSteps = 100, EvalEvery = 1_000_000, EvalEpisodes = 2 },
            Compute = new() { Threads = 2 },
            Learner = new() { Hidden = 16 },
        };
        using Trainer trainer = new(config);
        for (int i = 0; i < 600; i++)
        {
            trainer.Step();
        }

        // The runtime's own threads (tiered compilation, the test host) may allocate meanwhile: the quietest of several
        // stretches counts.
        long least = long.MaxValue;
        for (int stretch = 0; stretch < 5; stretch++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < 500; i++)
            {
                trainer.Step();
            }

            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        // Less than the smallest object for every step.
        Assert.InRange(least, 0, (500 * 24) - 1);
    }

    [Fact]
    public void EvaluationsDrawUnderKeysOfTheirOwn()
    {
        ulong[] keys = [.. Enumerable.Range(0, 100).Select(number => Evaluator.DeriveSeed(1, (uint)number)), 1];
        Assert.Equal(keys.Length, keys.Distinct().Count());
    }

    [Fact]
    public void UnknownNamesAreExplained()
    {
        Assert.Contains(
            "did you mean 'nav2d'?", Refused<ArgumentException>(new TrainingConfig { Environment = "nav2" }));
        Assert.Contains("Unknown backend 'gpu'", Refused<ArgumentException>(
            new TrainingConfig { Compute = new() { Backend = "gpu" } }));
        Assert.Contains("Unknown learner 'embed'", Refused<ArgumentException>(
            new TrainingConfig { Learner = new() { Name = "embed" } }));
        Assert.Contains("HipiFast.TorchSharp.dll", Refused<NotSupportedException>(
            new TrainingConfig { Learner = new() { Name = "torch" } }));

        static string Refused<TException>(TrainingConfig config)
            where TException : Exception => Assert.Throws<TException>(() => new Trainer(config)).Message;
    }
}

/// <summary>Tests that count allocations run alone.</summary>
[CollectionDefinition(nameof(NoAllocationElsewhere), DisableParallelization = true)]
public class NoAllocationElsewhere
{
}

using HipiFast.Environments;
using HipiFast.Kernels.Random;
using HipiFast.Storage;

namespace HipiFast.Testing;

/// <summary>What every environment of the registry must hold to, by name; each method is one test.</summary>
public static class EnvironmentContract
{
    /// <summary>
    /// Actions of copy c at a step; each copy has its own stream, so copies can be compared between runs of different
    /// widths.
    /// </summary>
    public static void RandomActions(Span<float> action, int actionDimension, uint step, ulong seed)
    {
        for (int i = 0; i < action.Length; i++)
        {
            PhiloxBlock words = Philox.Next(
                (uint)(i % actionDimension), (uint)(i / actionDimension), step, (uint)RandomPurpose.SyntheticData,
                seed);
            action[i] = (2f * Philox.ToUniform(words.X)) - 1f;
        }
    }

    public static void SameSeedGivesTheSameRun(string name)
    {
        Assert.Equal(Trace(name, 4, 300, seed: 7), Trace(name, 4, 300, seed: 7));
        Assert.NotEqual(Trace(name, 4, 300, seed: 7), Trace(name, 4, 300, seed: 8));
    }

    public static void ACopyBehavesTheSameWhateverTheNumberOfCopies(string name)
    {
        List<float> wide = Trace(name, 9, 250, seed: 3, only: 2);
        Assert.Equal(wide, Trace(name, 3, 250, seed: 3, only: 2));
        Assert.NotEqual(wide, Trace(name, 9, 250, seed: 3, only: 5));
    }

    public static void ResetStartsOver(string name)
    {
        using VectorEnvironment environment = EnvironmentRegistry.Create(name, 3);
        environment.Reset(11);
        float[] observation = environment.Observation.ToArray(), task = environment.Task.ToArray();
        float[] action = new float[3 * environment.Shape.ActionDimension];
        for (uint step = 0; step < 20; step++)
        {
            RandomActions(action, environment.Shape.ActionDimension, step, 1);
            environment.Step(action, out _);
        }

        environment.Reset(11);
        Assert.Equal(observation, environment.Observation.ToArray());
        Assert.Equal(task, environment.Task.ToArray());
    }

    public static void RandomEpisodesStayFiniteAndInRange(
        string name, int episodesWanted, int? episodeLimit, float range)
    {
        const int copies = 20;
        using VectorEnvironment environment = EnvironmentRegistry.Create(
            name, copies, new EnvironmentSettings { EpisodeLimit = episodeLimit });
        environment.Reset(5);
        float[] action = new float[copies * environment.Shape.ActionDimension];
        int episodes = 0;
        for (uint step = 0; episodes < episodesWanted; step++)
        {
            RandomActions(action, environment.Shape.ActionDimension, step, 2);
            environment.Step(action, out StepResult result);
            foreach (float value in result.NextObservation)
            {
                Assert.InRange(value, -range, range);
            }

            foreach (float value in environment.Task)
            {
                Assert.InRange(value, -1f, 1f);
            }

            for (int copy = 0; copy < copies; copy++)
            {
                Assert.True(float.IsFinite(result.Reward[copy]));
                Assert.False(result.Terminated[copy] != 0 && result.Truncated[copy] != 0);
                episodes += result.Terminated[copy] | result.Truncated[copy];
            }
        }
    }

    public static void RewardAndTerminationAreTheFamilysVerdictOnTheStateBeforeTheStep(string name)
    {
        const int copies = 6;
        using VectorEnvironment environment = EnvironmentRegistry.Create(name, copies);
        environment.Reset(21);
        int width = environment.Shape.ObservationDimension, actions = environment.Shape.ActionDimension,
            tasks = environment.Shape.TaskDimension;
        float[] action = new float[copies * actions], reward = new float[copies];
        byte[] terminated = new byte[copies];
        for (uint step = 0; step < 150; step++)
        {
            RandomActions(action, actions, step, 3);
            float[] before = environment.Observation.ToArray(), task = environment.Task.ToArray();
            environment.Step(action, out StepResult result);
            environment.Family.EvaluateRows(
                new(before, action, result.NextObservation, copies), task, reward, terminated);
            Assert.Equal(reward, result.Reward.ToArray());
            Assert.Equal(terminated, result.Terminated.ToArray());
            Assert.Equal(copies * width, before.Length);
            Assert.Equal(copies * tasks, task.Length);
        }
    }

    public static void TheTimeLimitTruncatesAndIsNotATermination(string name)
    {
        EnvironmentSettings settings = new() { EpisodeLimit = 7, ActionNoise = NoNoise(name) };
        using VectorEnvironment environment = EnvironmentRegistry.Create(name, 2, settings);
        Assert.Equal(7, environment.EpisodeLimit);
        environment.Reset(1);
        float[] action = new float[2 * environment.Shape.ActionDimension];
        for (int step = 1; step <= 7; step++)
        {
            environment.Step(action, out StepResult result);

            // Copies at rest, away from their goals, end only by time.
            Assert.Equal(-1, result.Terminated.IndexOf((byte)1));
            Assert.Equal(step == 7, result.Truncated[0] != 0);
            Assert.Equal(step == 7, result.Truncated[1] != 0);
        }
    }

    public static void AStepAllocatesNothing(string name)
    {
        using VectorEnvironment environment = EnvironmentRegistry.Create(
            name, 5, new EnvironmentSettings { EpisodeLimit = 10 });
        environment.Reset(1);
        float[] action = new float[5 * environment.Shape.ActionDimension];
        Run(200);
        SteadyState.AssertAllocatesNothing(() => Run(10));

        void Run(uint steps)
        {
            for (uint step = 0; step < steps; step++)
            {
                RandomActions(action, environment.Shape.ActionDimension, step, 4);
                environment.Step(action, out _);
            }
        }
    }

    public static void BadActionsAndUseBeforeResetAreRefused(string name)
    {
        using VectorEnvironment environment = EnvironmentRegistry.Create(name, 2);
        float[] action = new float[2 * environment.Shape.ActionDimension];
        Assert.Throws<InvalidOperationException>(() => environment.Step(action, out _));
        environment.Reset(0);
        Assert.Throws<ArgumentException>(() => environment.Step(action.AsSpan(1), out _));
        action[^1] = float.NaN;
        Assert.Contains("copy 1 is NaN", Assert.Throws<ArgumentException>(
            () => environment.Step(action, out _)).Message, StringComparison.Ordinal);
    }

    public static void FixedTasksAreExactlyWhatADiscreteEnvironmentCommands(string name)
    {
        // Enough for the 48 tasks of the gridworld all to come up.
        const int copies = 1000;
        using VectorEnvironment environment = EnvironmentRegistry.Create(name, copies);
        environment.Reset(9);
        int dimension = environment.Shape.TaskDimension;
        Assert.Equal(dimension, environment.TaskDistribution.TaskDimension);
        if (environment.FixedTasks.IsEmpty)
        {
            Assert.True(environment.Family.HasAchievedTask || environment.Family.IsLinear);
            return;
        }

        Assert.False(environment.Family.HasAchievedTask);
        HashSet<string> known = [], seen = [];
        for (int k = 0; k < environment.FixedTasks.Length; k += dimension)
        {
            known.Add(string.Join(' ', environment.FixedTasks.Slice(k, dimension).ToArray()));
        }

        for (int copy = 0; copy < copies; copy++)
        {
            seen.Add(string.Join(' ', environment.Task.Slice(copy * dimension, dimension).ToArray()));
        }

        Assert.Equal(environment.FixedTasks.Length / dimension, known.Count);
        Assert.Equal(known, seen);
    }

    public static void ARunGoesOnFromTheMiddleOfAnEpisode(string name)
    {
        const int copies = 3;
        EnvironmentSettings settings = new() { EpisodeLimit = 25 };
        using TemporaryDirectory directory = new();
        string path = directory["state.safetensors"];
        using VectorEnvironment original = EnvironmentRegistry.Create(name, copies, settings);
        original.Reset(31);
        Run(original, 0, 40);
        SafetensorsWriter writer = new();
        original.SaveState(writer, "environment.");
        writer.Save(path);
        List<float> expected = Run(original, 40, 60);
        using VectorEnvironment resumed = EnvironmentRegistry.Create(name, copies, settings);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        resumed.LoadState(file, "environment.");
        Assert.Equal(expected, Run(resumed, 40, 60));

        // Also into an environment that has been somewhere else in the meantime.
        resumed.Reset(5);
        Run(resumed, 0, 10);
        resumed.LoadState(file, "environment.");
        Assert.Equal(expected, Run(resumed, 40, 60));
    }

    public static void ARestingCopyStaysAndTheOthersGoOn(string name)
    {
        const int copies = 4, rested = 1, before = 9;
        EnvironmentSettings settings = new() { EpisodeLimit = 12 };
        using VectorEnvironment whole = EnvironmentRegistry.Create(name, copies, settings);
        using VectorEnvironment partial = EnvironmentRegistry.Create(name, copies, settings);
        int width = whole.Shape.ObservationDimension;
        whole.Reset(17);
        partial.Reset(17);
        Assert.Equal(Run(whole, 0, before), Run(partial, 0, before));
        Assert.Throws<ArgumentOutOfRangeException>(() => partial.Rest(copies));
        Assert.Throws<ArgumentOutOfRangeException>(() => partial.Rest(-1));
        partial.Rest(rested);
        float[] still = partial.Observation.Slice(rested * width, width).ToArray(),
            action = new float[copies * whole.Shape.ActionDimension];
        for (uint step = before; step < 40; step++)
        {
            RandomActions(action, whole.Shape.ActionDimension, step, 12);
            whole.Step(action, out StepResult all);
            partial.Step(action, out StepResult some);
            Assert.Equal((0f, 0, 0), (some.Reward[rested], some.Terminated[rested], some.Truncated[rested]));
            Assert.Equal(still, some.NextObservation.Slice(rested * width, width).ToArray());
            Assert.Equal(still, partial.Observation.Slice(rested * width, width).ToArray());
            for (int copy = 0; copy < copies; copy++)
            {
                Assert.Equal(copy == rested, partial.IsResting(copy));
                if (copy != rested)
                {
                    Assert.Equal(all.Reward[copy], some.Reward[copy]);
                    Assert.Equal(all.Truncated[copy], some.Truncated[copy]);
                    Assert.Equal(
                        whole.Observation.Slice(copy * width, width).ToArray(),
                        partial.Observation.Slice(copy * width, width).ToArray());
                }
            }
        }

        InvalidOperationException refused = Assert.Throws<InvalidOperationException>(
            () => partial.SaveState(new SafetensorsWriter(), "x."));
        Assert.Contains("1 of 4", refused.Message, StringComparison.Ordinal);
        whole.Reset(18);
        partial.Reset(18);
        Assert.False(partial.IsResting(rested));
        Assert.Equal(Run(whole, 0, 20), Run(partial, 0, 20));
    }

    private static List<float> Run(VectorEnvironment environment, uint first, uint steps)
    {
        List<float> trace = [];
        float[] action = new float[environment.Count * environment.Shape.ActionDimension];
        for (uint step = first; step < first + steps; step++)
        {
            RandomActions(action, environment.Shape.ActionDimension, step, 12);
            trace.AddRange(environment.Observation);
            trace.AddRange(environment.Task);
            environment.Step(action, out StepResult result);
            trace.AddRange(result.NextObservation);
            trace.AddRange(result.Reward);
            foreach (byte truncated in result.Truncated)
            {
                trace.Add(truncated);
            }
        }

        return trace;
    }

    private static float? NoNoise(string name) => name.Contains("2d", StringComparison.Ordinal) ? 0f : null;

    private static List<float> Trace(string name, int copies, int steps, ulong seed, int only = -1)
    {
        using VectorEnvironment environment = EnvironmentRegistry.Create(
            name, copies, new EnvironmentSettings { EpisodeLimit = 40 });
        environment.Reset(seed);
        int width = environment.Shape.ObservationDimension, tasks = environment.Shape.TaskDimension;
        float[] action = new float[copies * environment.Shape.ActionDimension];
        List<float> trace = [];
        for (uint step = 0; step < steps; step++)
        {
            RandomActions(action, environment.Shape.ActionDimension, step, 99);
            environment.Step(action, out StepResult result);
            for (int copy = 0; copy < copies; copy++)
            {
                if (only < 0 || only == copy)
                {
                    trace.AddRange(result.NextObservation.Slice(copy * width, width));
                    trace.AddRange(environment.Observation.Slice(copy * width, width));
                    trace.AddRange(environment.Task.Slice(copy * tasks, tasks));
                    trace.Add(result.Reward[copy]);
                    trace.Add(result.Terminated[copy] + (2 * result.Truncated[copy]));
                }
            }
        }

        return trace;
    }
}

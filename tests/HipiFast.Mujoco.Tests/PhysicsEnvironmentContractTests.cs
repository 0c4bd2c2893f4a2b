using HipiFast.Environments;
using HipiFast.Mujoco.Simulation;
using HipiFast.Testing;

namespace HipiFast.Mujoco.Tests;

/// <summary>Holds the physics environments to the contract of all environments.</summary>
public sealed class PhysicsEnvironmentContractTests
{
    // How many random episodes each environment plays; a thousand takes minutes, so it is for a run by hand.
    private const string EpisodesVariable = "HIPIFAST_PHYSICS_EPISODES";
    private const int Episodes = 40;
    private const int ShortEpisode = 40;

    // The fastest joints reach 50 rad/s when their actions alternate at random; states are scaled to a few units.
    private const float Range = 20f;

    public static TheoryData<string> Names => [.. Registration.Names];

    /// <summary>One version of each environment, for what versions have in common: the dynamics.</summary>
    public static TheoryData<string> Dynamics =>
        ["quadruped-linear", "finger", "reacher-discrete", "sawyer-margin", "jaco", "walker", "cheetah", "desk"];

    [PhysicsTheory]
    [MemberData(nameof(Dynamics))]
    public void SameSeedGivesTheSameRun(string name) => EnvironmentContract.SameSeedGivesTheSameRun(name);

    [PhysicsTheory]
    [MemberData(nameof(Dynamics))]
    public void ACopyBehavesTheSameWhateverTheNumberOfCopies(string name) =>
        EnvironmentContract.ACopyBehavesTheSameWhateverTheNumberOfCopies(name);

    [PhysicsTheory]
    [MemberData(nameof(Dynamics))]
    public void ResetStartsOver(string name) => EnvironmentContract.ResetStartsOver(name);

    [PhysicsTheory]
    [MemberData(nameof(Names))]
    public void RandomEpisodesStayFiniteAndInRange(string name)
    {
        // A simulation that diverges throws, so that a reset within MuJoCo cannot hide it.
        int? wanted = int.TryParse(Environment.GetEnvironmentVariable(EpisodesVariable), out int episodes)
            ? episodes
            : null;
        EnvironmentContract.RandomEpisodesStayFiniteAndInRange(
            name, wanted ?? Episodes, wanted is null ? ShortEpisode : null, Range);
    }

    [PhysicsTheory]
    [MemberData(nameof(Names))]
    public void RewardAndTerminationAreTheFamilysVerdictOnTheStateBeforeTheStep(string name) =>
        EnvironmentContract.RewardAndTerminationAreTheFamilysVerdictOnTheStateBeforeTheStep(name);

    [PhysicsTheory]
    [MemberData(nameof(Dynamics))]
    public void AStepAllocatesNothing(string name) => EnvironmentContract.AStepAllocatesNothing(name);

    [PhysicsTheory]
    [MemberData(nameof(Names))]
    public void BadActionsAndUseBeforeResetAreRefused(string name) =>
        EnvironmentContract.BadActionsAndUseBeforeResetAreRefused(name);

    [PhysicsTheory]
    [MemberData(nameof(Names))]
    public void FixedTasksAreExactlyWhatADiscreteEnvironmentCommands(string name) =>
        EnvironmentContract.FixedTasksAreExactlyWhatADiscreteEnvironmentCommands(name);

    [PhysicsTheory]
    [MemberData(nameof(Dynamics))]
    public void ARunGoesOnFromTheMiddleOfAnEpisode(string name) =>
        EnvironmentContract.ARunGoesOnFromTheMiddleOfAnEpisode(name);

    [PhysicsTheory]
    [MemberData(nameof(Dynamics))]
    public void ARestingCopyStaysAndTheOthersGoOn(string name) =>
        EnvironmentContract.ARestingCopyStaysAndTheOthersGoOn(name);

    [PhysicsTheory]
    [MemberData(nameof(Dynamics))]
    public void CopiesSteppedSideBySideAreThoseSteppedOneByOne(string name)
    {
        const int copies = 16;
        using MujocoEnvironment parallel = Physics.Create(name, copies, new EnvironmentSettings { EpisodeLimit = 15 });
        using MujocoEnvironment serial = Physics.Create(
            name, copies, new EnvironmentSettings { EpisodeLimit = 15, Threads = 1 });
        parallel.Reset(4);
        serial.Reset(4);
        float[] action = new float[copies * parallel.Shape.ActionDimension];
        for (uint step = 0; step < 40; step++)
        {
            EnvironmentContract.RandomActions(action, parallel.Shape.ActionDimension, step, 6);
            parallel.Step(action, out StepResult side);
            serial.Step(action, out StepResult single);
            Assert.True(side.NextObservation.SequenceEqual(single.NextObservation));
            Assert.True(side.Reward.SequenceEqual(single.Reward));
            for (int copy = 0; copy < copies; copy++)
            {
                Assert.True(parallel.StateOf(copy).SequenceEqual(serial.StateOf(copy)), $"step {step}, copy {copy}");
            }
        }
    }

    [PhysicsTheory]
    [MemberData(nameof(Names))]
    public void ResetGivesTheSamePhysicsBitForBit(string name)
    {
        using MujocoEnvironment environment = Physics.Create(name, 3);
        environment.Reset(11);
        double[][] first = [.. Enumerable.Range(0, 3).Select(copy => environment.StateOf(copy).ToArray())];

        // Copies begin apart, but for the Sawyer, whose arm always begins in one place.
        Assert.Equal(name.StartsWith("sawyer", StringComparison.Ordinal), first[0].AsSpan().SequenceEqual(first[1]));
        float[] action = new float[3 * environment.Shape.ActionDimension];
        Array.Fill(action, 0.7f);
        for (int step = 0; step < 25; step++)
        {
            environment.Step(action, out _);
        }

        environment.Reset(11);
        for (int copy = 0; copy < 3; copy++)
        {
            Assert.Equal(first[copy], environment.StateOf(copy).ToArray());
        }
    }

    [PhysicsTheory]
    [MemberData(nameof(Names))]
    public void TheLastStateOfATruncatedEpisodeSaysSo(string name)
    {
        using VectorEnvironment environment = Physics.Create(name, 4, new EnvironmentSettings { EpisodeLimit = 6 });
        environment.Reset(2);
        int width = environment.Shape.ObservationDimension, truncations = 0;
        float[] action = new float[4 * environment.Shape.ActionDimension];
        for (int step = 0; step < 30; step++)
        {
            environment.Step(action, out StepResult result);
            for (int copy = 0; copy < 4; copy++)
            {
                // An episode may also reach its goal in the very step that is its last.
                bool isTruncated = result.Truncated[copy] != 0;
                float flag = result.NextObservation[((copy + 1) * width) - 1];
                Assert.True(flag == (isTruncated ? 1f : 0f) || (flag == 1f && result.Terminated[copy] != 0));
                Assert.Equal(0f, environment.Observation[((copy + 1) * width) - 1]);
                truncations += isTruncated ? 1 : 0;
            }
        }

        Assert.True(truncations > 0);
    }

    [PhysicsTheory]
    [InlineData("quadruped", 50, 12, 2, 300)]
    [InlineData("quadruped-dense", 50, 12, 2, 300)]
    [InlineData("quadruped-linear", 50, 12, 3, 300)]
    [InlineData("finger", 10, 2, 2, 1000)]
    [InlineData("reacher", 9, 2, 2, 1000)]
    [InlineData("reacher-sparse", 9, 2, 2, 1000)]
    [InlineData("reacher-discrete", 9, 2, 32, 1000)]
    [InlineData("sawyer", 11, 4, 3, 150)]
    [InlineData("sawyer-margin", 11, 4, 4, 150)]
    [InlineData("jaco", 43, 9, 3, 250)]
    [InlineData("jaco-sparse", 43, 9, 3, 250)]
    [InlineData("walker", 30, 6, 7, 100)]
    [InlineData("cheetah", 18, 6, 1, 100)]
    [InlineData("desk", 28, 5, 9, 128)]
    public void SizesAreThoseStated(string name, int observation, int action, int task, int limit)
    {
        using VectorEnvironment environment = Physics.Create(name);
        Assert.Equal(new(observation, action, task), environment.Shape);
        Assert.Equal(limit, environment.EpisodeLimit);
    }

    [PhysicsTheory]
    [MemberData(nameof(Names))]
    public void SettingsThatDoNotApplyAreRefused(string name)
    {
        Assert.Contains(
            name, Assert.Throws<ArgumentException>(() => Physics.Create(name, 1, new() { ActionNoise = 0.1f })).Message,
            StringComparison.Ordinal);
        using VectorEnvironment environment = Physics.Create(name);
        if (name is "walker" or "cheetah" or "desk" or "sawyer-margin" or "quadruped-dense" or "quadruped-linear")
        {
            Assert.Throws<ArgumentException>(() => Physics.Create(name, 1, new() { Margin = 0.1f }));
        }
    }
}

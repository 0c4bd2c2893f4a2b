using HipiFast.Environments;
using HipiFast.Training;

namespace HipiFast.Training.Tests;

/// <summary>An evaluation against the same episodes played without it.</summary>
public class EvaluatorTests
{
    private const ulong Seed = 9;

    [Theory]
    [InlineData("reacher2d")]
    [InlineData("nav2d-margin")]
    [InlineData("gridworld")]
    public void AnEvaluationIsTheFirstEpisodeOfEveryCopy(string name)
    {
        // Random actions reach some goals within the limit, and not others.
        const int copies = 40;
        EnvironmentSettings settings = new() { EpisodeLimit = 60 };
        using VectorEnvironment world = EnvironmentRegistry.Create(name, copies, settings);
        using Evaluator evaluator = new(EnvironmentRegistry.Create(name, copies, settings));
        UniformPolicy policy = new(Seed);
        double total = 0;
        int successes = 0;
        bool[] ended = new bool[copies];
        float[] action = new float[copies * world.Shape.ActionDimension];
        world.Reset(Seed);
        for (uint step = 0; step < settings.EpisodeLimit; step++)
        {
            policy.Act(world.Observation, world.Task, copies, step, action);
            world.Step(action, out StepResult result);
            for (int copy = 0; copy < copies; copy++)
            {
                if (!ended[copy])
                {
                    total += result.Reward[copy];
                    successes += result.Terminated[copy];
                    ended[copy] = (result.Terminated[copy] | result.Truncated[copy]) != 0;
                }
            }
        }

        EvaluationResult found = evaluator.Evaluate(
            new UniformPolicy(Seed), Seed), again = evaluator.Evaluate(new UniformPolicy(Seed), Seed);
        Assert.All(ended, Assert.True);
        Assert.Equal(new EvaluationResult(copies, total / copies, (double)successes / copies), found);
        Assert.Equal(found, again);
        Assert.InRange(successes, name.StartsWith("nav2d", StringComparison.Ordinal) ? 0 : 1, copies - 1);
    }
}

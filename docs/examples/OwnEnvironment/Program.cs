// An environment of one's own, registered by name and trained on like a built-in one.
using HipiFast.Environments;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Tasks;
using HipiFast.Relabeling;
using HipiFast.Tasks;
using HipiFast.Training;

EnvironmentRegistry.Register(
    new EnvironmentDescription("cart", "a cart is driven to a commanded place", EnvironmentTraits.Goals),
    (copies, settings) => new Cart(copies, settings));

TrainingConfig config = TrainingDefaults.ForEnvironment("cart", RelabelStrategy.InverseRl, EnvironmentTraits.Goals);
config = config with { Run = config.Run with { Seed = 1, Steps = 2400, EvalEvery = 1200 } };
using Trainer trainer = new(config);
double[] row = new double[Enum.GetValues<MetricColumn>().Length];
while (!trainer.IsFinished)
{
    if (trainer.Step())
    {
        trainer.Evaluate(row);
        Console.WriteLine(
            $"{row[(int)MetricColumn.EnvSteps]} steps: success rate {row[(int)MetricColumn.SuccessRate]:0.00}");
    }
}

/// <summary>
/// A cart on a track from -1 to 1. State: place and velocity. Action: a push. Task: the place to be, within 0.05.
/// </summary>
internal sealed class Cart(int copies, EnvironmentSettings settings) : SimulatedEnvironment(
    "cart", copies, observationDimension: 2, actionDimension: 1, stateColumns: 2,
    episodeLimit: settings.EpisodeLimit ?? 50,
    TaskFamilies.Goal(achieved: [0], margin: settings.Margin ?? 0.05f),
    new UniformTasks(low: [-0.9f], high: [0.9f]))
{
    protected override void StartEpisode(int copy, in EnvironmentRandom random)
    {
        StateColumn(0)[copy] = 0.1f * ((2 * Philox.ToUniform(random.Block(copy).X)) - 1);
        StateColumn(1)[copy] = 0;
    }

    protected override void Advance(in EnvironmentRandom random)
    {
        Span<float> place = StateColumn(0), velocity = StateColumn(1);
        for (int copy = 0; copy < Count; copy++)
        {
            if (!IsResting(copy))
            {
                velocity[copy] = (0.8f * velocity[copy]) + (0.05f * Actions[copy]);
                place[copy] = Math.Clamp(place[copy] + velocity[copy], -1f, 1f);
            }
        }
    }

    protected override void Observe(int copy, Span<float> observation)
    {
        observation[0] = StateColumn(0)[copy];
        observation[1] = 4 * StateColumn(1)[copy];
    }
}

// An environment and a task family of one's own, which the program trains on:
//   hipifast train spring --environment-assembly bin/Release/net10.0/PluginEnvironment.dll --seed 1
using HipiFast.Environments;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Tasks;
using HipiFast.Tasks;

// README begins
public static class Registration
{
    public static void Register() => EnvironmentRegistry.Register(
        new EnvironmentDescription("spring", "a mass on a spring is brought to a place", EnvironmentTraits.Goals),
        (copies, settings) => new Spring(copies, settings));
}

// State: place and velocity. Action: a push. Task: the place where to rest.
internal sealed class Spring(int copies, EnvironmentSettings settings) : SimulatedEnvironment(
    "spring", copies, observationDimension: 2, actionDimension: 1, stateColumns: 2,
    settings.EpisodeLimit ?? 40, TaskFamily.Create(new Rest()), new UniformTasks(low: [-0.8f], high: [0.8f]))
{
    protected override void StartEpisode(int copy, in EnvironmentRandom random)
    {
        StateColumn(0)[copy] = Philox.ToUniform(random.Block(copy).X) - 0.5f;
        StateColumn(1)[copy] = 0;
    }

    protected override void Advance(in EnvironmentRandom random)
    {
        for (int copy = 0; copy < Count; copy++)
        {
            ref float place = ref StateColumn(0)[copy], velocity = ref StateColumn(1)[copy];
            if (!IsResting(copy))
            {
                velocity = (0.7f * velocity) + (0.2f * Actions[copy]) - (0.1f * place);
                place += velocity;
            }
        }
    }

    protected override void Observe(int copy, Span<float> observation)
    {
        observation[0] = StateColumn(0)[copy];
        observation[1] = StateColumn(1)[copy];
    }
}

// README ends

/// <summary>Reward -1 a step until the mass is within 0.1 of the task, and slow; that ends it.</summary>
internal readonly struct Rest : ITaskFamily
{
    public int TaskDimension => 1;

    public bool HasAchievedTask => true;

    public int RequiredObservationDimension(ReadOnlySpan<float> constants) => 2;

    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => Terminates(pair) ? 0 : -1;

    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector =>
        MathF.Abs(pair.Observation[0] - pair.Task[0]) < 0.1f && MathF.Abs(pair.Observation[1]) < 0.1f;

    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector => observation[0];
}

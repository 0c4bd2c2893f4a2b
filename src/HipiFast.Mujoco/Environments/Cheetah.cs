using HipiFast.Environments;
using HipiFast.Kernels.Tasks;
using HipiFast.Mujoco.Simulation;
using HipiFast.Tasks;

namespace HipiFast.Mujoco.Environments;

/// <summary>The paper's half-cheetah (C.10): tasks are velocities to run at.</summary>
/// <remarks>
/// Action: torques of six joints. A step is 0.05 s. State (S = 18): height - 0.62 m, pitch and six joint angles in rad;
/// velocity along x / (3 m/s) and the other eight / (10 m/s or rad/s); time limit. A task is a velocity in units of 3
/// m/s, uniform in [0, 1]. Reward: -|v - v*| - 0.05 sum a^2 with v in m/s. 100 steps. An episode begins at rest, angles
/// within 0.1 rad of the model's own.
/// </remarks>
internal sealed class Cheetah : MujocoEnvironment
{
    /// <summary>Velocity per emitted unit, m/s: the largest that is asked for.</summary>
    public const float Speed = 3f;

    private const int Coordinates = 9;
    private const double VelocityScale = 10;
    private const double StartAngle = 0.1;

    private Cheetah(int count, EnvironmentSettings settings)
        : base(
            new MujocoSetup("cheetah", "cheetah", (2 * Coordinates) - 1 + 1, 6, 100, 5),
            count,
            settings,
            TaskFamilies.Dense([Coordinates - 1], 0.05f, Speed),
            new UniformTasks([0f], [1f]))
    {
        settings.RefuseMargin(Name);
        UseActuators("hind_hip", "hind_knee", "hind_ankle", "fore_hip", "fore_knee", "fore_ankle");
    }

    /// <inheritdoc/>
    protected override DrawingView View => new(DrawingPlane.Side, -1.2, -0.2, 2.4, 1.6, Follows: true);

    /// <summary>Velocities as tasks.</summary>
    public static Cheetah Velocity(int count, EnvironmentSettings settings) => new(count, settings);

    /// <inheritdoc/>
    protected override void Place(MujocoState state, ref UniformDraws draws)
    {
        for (int i = 2; i < Coordinates; i++)
        {
            state.Positions[i] = draws.Next(-StartAngle, StartAngle);
        }
    }

    /// <inheritdoc/>
    protected override void Describe(MujocoState state, ReadOnlySpan<double> readings, Span<float> observation)
    {
        // The root's height counts from where the model puts it, 0.62 m, which the legs' springs lower by a few
        // centimetres.
        for (int i = 1; i < Coordinates; i++)
        {
            observation[i - 1] = (float)state.Positions[i];
        }

        observation[Coordinates - 1] = (float)state.Velocities[0] / Speed;
        for (int i = 1; i < Coordinates; i++)
        {
            observation[Coordinates - 1 + i] = (float)(state.Velocities[i] / VelocityScale);
        }
    }
}

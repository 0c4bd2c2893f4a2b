using HipiFast.Environments;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Tasks;
using HipiFast.Mujoco.Simulation;
using HipiFast.Tasks;

namespace HipiFast.Mujoco.Environments;

/// <summary>The paper's quadruped (C.3): a walking machine on four legs, tasks being places or directions.</summary>
/// <remarks>
/// <para>Action: angles that the servos of twelve joints turn to. A step is 0.02 s. State (S = 50): torso x and y / 3
/// m, height - 0.32 m; the torso's x axis and z axis; its velocity in its own frame and in the world's, m/s; angular
/// velocity / (5 rad/s) and acceleration / (20 m/s^2) in its own frame; joint angles in rad, joint velocities / (10
/// rad/s); log(1 + force in N) / 5 of four feet; time limit. 300 steps. An episode begins upright and at rest, joints
/// within 0.1 rad of straight.</para>
/// <para>Versions: a goal on the circle of radius 3 m, margin 1 m; dense, for cloning, r = (3 m - distance) - 0.1 sum
/// a^2 + 1; linear, the velocity along a direction with the same costs, the task being the direction and the weight
/// -0.1 of the sum of squared actions.</para>
/// </remarks>
internal sealed class Quadruped : MujocoEnvironment
{
    /// <summary>Radius of the goals' circle, and metres per emitted unit.</summary>
    public const float Radius = 3f;

    private const int Joints = 12;
    private const int VelocityEntry = 12;
    private const double Height = 0.32;
    private const double StartAngle = 0.1;

    private static readonly int[] s_place = [0, 1];

    // In the order of the sensors of the model: how many numbers, and their unit.
    private static readonly (string Name, int Length, double Unit)[] s_sensors =
    [
        ("heading", 3, 1), ("upright", 3, 1), ("velocity", 3, 1), ("world_velocity", 3, 1), ("gyro", 3, 5),
        ("accelerometer", 3, 20),
    ];

    private readonly float _margin;
    private readonly int _placeSensor;
    private readonly int[] _sensors;
    private readonly int _touch;

    private Quadruped(
        string name, int count, EnvironmentSettings settings, TaskFamily family, ITaskDistribution tasks, float margin)
        : base(new MujocoSetup(
            name, "quadruped", 3 + 18 + (2 * Joints) + 4 + 1, Joints, 300, 4), count, settings, family, tasks)
    {
        string[] legs = ["front_left", "front_right", "back_left", "back_right"];
        UseActuators([.. legs.SelectMany(leg => (string[])[$"{leg}_yaw", $"{leg}_lift", $"{leg}_bend"])]);
        _margin = margin;
        _placeSensor = Sensor("place");
        _sensors = [.. s_sensors.Select(entry => Sensor(entry.Name))];
        _touch = Sensor("front_left_touch");
    }

    /// <inheritdoc/>
    protected override DrawingView View => new(DrawingPlane.Top, -4, -4, 8, 8);

    /// <summary>Places to go to: margin 1 m.</summary>
    public static Quadruped Goal(int count, EnvironmentSettings settings)
    {
        float margin = settings.Margin ?? 1f;
        return new Quadruped(
            "quadruped", count, settings, TaskFamilies.Goal(s_place, margin / Radius), Circle(), margin);
    }

    /// <summary>Places to go to, with a dense reward.</summary>
    public static Quadruped Dense(int count, EnvironmentSettings settings)
    {
        const string name = "quadruped-dense";
        settings.RefuseMargin(name);
        return new Quadruped(
            name, count, settings, TaskFamilies.Dense(s_place, 0.1f, Radius, Radius + 1f), Circle(), 0.1f);
    }

    /// <summary>Directions to go in.</summary>
    public static Quadruped Linear(int count, EnvironmentSettings settings)
    {
        const string name = "quadruped-linear";
        settings.RefuseMargin(name);
        TaskFamily family = TaskFamilies.Linear([VelocityEntry, VelocityEntry + 1], actionCost: true);
        return new Quadruped(name, count, settings, family, new DirectionTasks(), 0f);
    }

    /// <inheritdoc/>
    protected override void Place(MujocoState state, ref UniformDraws draws)
    {
        for (int joint = 0; joint < Joints; joint++)
        {
            state.Positions[7 + joint] = draws.Next(-StartAngle, StartAngle);
        }
    }

    /// <inheritdoc/>
    protected override void Describe(MujocoState state, ReadOnlySpan<double> readings, Span<float> observation)
    {
        observation[0] = (float)readings[_placeSensor] / Radius;
        observation[1] = (float)readings[_placeSensor + 1] / Radius;
        observation[2] = (float)(readings[_placeSensor + 2] - Height);
        int entry = 3;
        for (int sensor = 0; sensor < _sensors.Length; sensor++)
        {
            for (int i = 0; i < s_sensors[sensor].Length; i++)
            {
                observation[entry++] = (float)(readings[_sensors[sensor] + i] / s_sensors[sensor].Unit);
            }
        }

        for (int joint = 0; joint < Joints; joint++)
        {
            observation[entry++] = (float)state.Positions[7 + joint];
        }

        for (int joint = 0; joint < Joints; joint++)
        {
            observation[entry++] = (float)(state.Velocities[6 + joint] / 10);
        }

        for (int foot = 0; foot < 4; foot++)
        {
            observation[entry++] = (float)(Math.Log(1 + readings[_touch + foot]) / 5);
        }
    }

    /// <inheritdoc/>
    protected override bool TryGoal(ReadOnlySpan<float> task, Span<double> goal)
    {
        (goal[0], goal[1], goal[2], goal[3]) = (Radius * task[0], Radius * task[1], 0, _margin);
        return _margin > 0;
    }

    private static RingTasks Circle() => new(Radius, Radius, Radius);

    /// <summary>A uniform direction, then the weight of the action cost.</summary>
    private sealed class DirectionTasks : ITaskDistribution
    {
        private readonly RingTasks _direction = new(1f, 1f);

        public int TaskDimension => 3;

        public void Sample(Span<float> task, ulong seed, uint index, uint call, RandomPurpose purpose)
        {
            _direction.Sample(task[..2], seed, index, call, purpose);
            task[2] = -0.1f;
        }
    }
}

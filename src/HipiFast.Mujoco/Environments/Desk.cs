using HipiFast.Environments;
using HipiFast.Kernels.Tasks;
using HipiFast.Mujoco.Simulation;
using HipiFast.Tasks;

namespace HipiFast.Mujoco.Environments;

/// <summary>
/// The paper's desk (C.11): a gripper over a desk with three buttons and a block; nine discrete tasks.
/// </summary>
/// <remarks>
/// Action: velocities of the gripper along x, y and z (1 is 0.5 m/s) and about z (2 rad/s), and the fingers' opening. A
/// step is 0.032 s. State (S = 28): depth of the three buttons / 0.02 m; the block's x and y from where it starts / 0.1
/// m, its height above rest / 0.1 m, its turn in rad; cos and sin of the turn, the z axis and the velocity in m/s of
/// the block; the gripper's place / 0.2 m and velocity in m/s, its turn, both fingers / 0.05 m; the block's place from
/// the grip / 0.1 m; time limit. Task: one-hot; a step is worth 1 while the task is done, else 0, and nothing ends the
/// episode but its 128 steps. An episode begins at rest, the block within 0.01 m of its place, the gripper within 0.02
/// m.
/// </remarks>
internal sealed class Desk : MujocoEnvironment
{
    /// <summary>The tasks, in the order of their one-hot entries.</summary>
    public static readonly string[] TaskNames =
    [
        "red button", "green button", "blue button", "lift", "move left", "move right", "push away", "turn left",
        "turn right",
    ];

    private const double ButtonDepth = 0.02;
    private const double BlockScale = 0.1;
    private const double GripScale = 0.2;
    private const double FingerRange = 0.05;
    private const double BlockStart = -0.02;
    private const double BlockRest = 0.03;
    private const int BlockPosition = 3;
    private const int SlidePosition = 10;

    // Beyond any value that an entry takes.
    private const float Far = 1e6f;

    // Entry of the state and interval of each task: buttons half down; the block 0.08 m up, 0.1 m along, 30 degrees
    // round.
    private static readonly (int Index, float Low, float High)[] s_intervals =
    [
        (0, 0.5f, Far), (1, 0.5f, Far), (2, 0.5f, Far),
        (5, 0.8f, Far), (3, -Far, -1f), (3, 1f, Far), (4, 1f, Far),
        (6, 0.5236f, Far), (6, -Far, -0.5236f),
    ];

    private readonly int _grip;
    private readonly int _gripVelocity;
    private readonly int _block;
    private readonly int _blockX;
    private readonly int _blockZ;
    private readonly int _blockVelocity;

    private Desk(int count, EnvironmentSettings settings, OneHotTasks tasks)
        : base(new MujocoSetup(
            "desk", "desk", 28, 5, 128, 8), count, settings, TaskFamilies.Intervals(s_intervals), tasks, tasks.All())
    {
        settings.RefuseMargin(Name);
        UseActuators("x", "y", "z", "turn", "left_finger", "right_finger");
        _grip = Sensor("grip");
        _gripVelocity = Sensor("grip_velocity");
        _block = Sensor("block");
        _blockX = Sensor("block_x");
        _blockZ = Sensor("block_z");
        _blockVelocity = Sensor("block_velocity");
    }

    /// <inheritdoc/>
    protected override DrawingView View => new(DrawingPlane.Top, -0.45, -0.3, 0.9, 0.6);

    /// <summary>Nine tasks.</summary>
    public static Desk Discrete(int count, EnvironmentSettings settings) =>
        new(count, settings, new OneHotTasks(s_intervals.Length));

    /// <inheritdoc/>
    protected override void Place(MujocoState state, ref UniformDraws draws)
    {
        state.Positions[BlockPosition] += draws.Next(-0.01, 0.01);
        state.Positions[BlockPosition + 1] += draws.Next(-0.01, 0.01);
        for (int i = 0; i < 3; i++)
        {
            state.Positions[SlidePosition + i] = draws.Next(-0.02, 0.02);
        }
    }

    /// <inheritdoc/>
    protected override void Control(ReadOnlySpan<float> action, MujocoState state, Span<double> control)
    {
        for (int i = 0; i < control.Length; i++)
        {
            // The last entry drives both fingers.
            control[i] = Scaled(i, action[Math.Min(i, 4)]);
        }
    }

    /// <inheritdoc/>
    protected override void Describe(MujocoState state, ReadOnlySpan<double> readings, Span<float> observation)
    {
        for (int i = 0; i < 3; i++)
        {
            observation[i] = (float)(-state.Positions[i] / ButtonDepth);
            observation[9 + i] = (float)readings[_blockZ + i];
            observation[12 + i] = (float)readings[_blockVelocity + i];
            observation[15 + i] = (float)(readings[_grip + i] / GripScale);
            observation[18 + i] = (float)readings[_gripVelocity + i];
            observation[24 + i] = (float)((readings[_block + i] - readings[_grip + i]) / BlockScale);
        }

        observation[3] = (float)(readings[_block] / BlockScale);
        observation[4] = (float)((readings[_block + 1] - BlockStart) / BlockScale);
        observation[5] = (float)((readings[_block + 2] - BlockRest) / BlockScale);
        observation[6] = (float)Math.Atan2(readings[_blockX + 1], readings[_blockX]);
        observation[7] = (float)readings[_blockX];
        observation[8] = (float)readings[_blockX + 1];
        observation[21] = (float)state.Positions[SlidePosition + 3];
        observation[22] = (float)(state.Positions[SlidePosition + 4] / FingerRange);
        observation[23] = (float)(state.Positions[SlidePosition + 5] / FingerRange);
    }
}

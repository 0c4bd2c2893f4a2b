using HipiFast.Environments;
using HipiFast.Mujoco.Environments;

namespace HipiFast.Mujoco;

/// <summary>Adds the physics environments to <see cref="EnvironmentRegistry"/>.</summary>
public static class Registration
{
    private static readonly (string Name, string Description, Func<int, EnvironmentSettings, VectorEnvironment> Create)[] s_environments =
    [
        ("quadruped", "four legs walk to a place 3 m away, margin 1 m, 300 steps (paper C.3)", Quadruped.Goal),
        ("quadruped-dense", "quadruped with the dense reward for cloning", Quadruped.Dense),
        ("quadruped-linear", "quadruped rewarded for velocity along a direction", Quadruped.Linear),
        ("finger", "a finger turns a knob to a place, margin 0.1 m, 1000 steps (paper C.4)", Finger.Goal),
        ("reacher", "a two-link arm brings its fingertip to a target, margin 0.05 m, 1000 steps (paper C.5)", Reacher.Goal),
        ("reacher-sparse", "reacher with margin 0.02 m", Reacher.Sparse),
        ("reacher-discrete", "reacher with 32 fixed targets and one-hot tasks", Reacher.Discrete),
        ("sawyer", "a seven-joint arm brings its hand to a place, margin 0.05 m, 150 steps (paper C.6)", Sawyer.Goal),
        ("sawyer-margin", "sawyer with the goal and its margin (0.01 to 0.1 m) as the task", Sawyer.WithMargin),
        ("jaco", "a six-joint arm brings its hand to a place, margin 0.1 m, 250 steps (paper C.8)", Jaco.Goal),
        ("jaco-sparse", "jaco with margin 0.03 m", Jaco.Sparse),
        ("walker", "a planar biped, rewards linear in features of its motion, 100 steps (paper C.9)", Walker.Linear),
        ("cheetah", "a planar runner keeps to a velocity, 100 steps (paper C.10)", Cheetah.Velocity),
        ("desk", "a gripper over three buttons and a block, nine tasks, 128 steps (paper C.11)", Desk.Discrete),
    ];

    /// <summary>The names of the physics environments.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_environments.Select(entry => entry.Name)];

    /// <summary>Why the environments cannot run here, in one sentence that says what to do; null when they can.</summary>
    public static string? WhyNot => MujocoLibrary.WhyNot;

    /// <summary>Registers all of them, whether MuJoCo is to be had or not; making one says what is missing. To be called once.</summary>
    public static void Register()
    {
        foreach ((string name, string description, Func<int, EnvironmentSettings, VectorEnvironment> create) in s_environments)
        {
            EnvironmentRegistry.Register(new EnvironmentDescription(name, description), create);
        }
    }
}

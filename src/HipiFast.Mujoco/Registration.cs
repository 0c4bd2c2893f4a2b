using HipiFast.Environments;
using HipiFast.Mujoco.Environments;
using HipiFast.Mujoco.Simulation;

namespace HipiFast.Mujoco;

/// <summary>Adds the physics environments to <see cref="EnvironmentRegistry"/>.</summary>
public static class Registration
{
    private static readonly (
        EnvironmentDescription Description, Func<int, EnvironmentSettings, VectorEnvironment> Create)[]
        s_environments =
    [
        (
            new(
                "quadruped",
                "four legs walk to a place 3 m away, margin 1 m, 300 steps (paper C.3)",
                EnvironmentTraits.Goals),
            Quadruped.Goal),
        (
            new(
                "quadruped-dense",
                "quadruped with the dense reward for cloning",
                EnvironmentTraits.Goals),
            Quadruped.Dense),
        (
            new(
                "quadruped-linear",
                "quadruped rewarded for velocity along a direction",
                EnvironmentTraits.Rewards),
            Quadruped.Linear),
        (
            new(
                "finger",
                "a finger turns a knob to a place, margin 0.1 m, 1000 steps (paper C.4)",
                EnvironmentTraits.Goals),
            Finger.Goal),
        (
            new(
                "reacher",
                "a two-link arm brings its fingertip to a target, margin 0.05 m, 1000 steps (paper C.5)",
                EnvironmentTraits.Goals),
            Reacher.Goal),
        (new("reacher-sparse", "reacher with margin 0.02 m", EnvironmentTraits.Goals), Reacher.Sparse),
        (
            new(
                "reacher-discrete",
                "reacher with 32 fixed targets and one-hot tasks",
                EnvironmentTraits.FixedTasks),
            Reacher.Discrete),
        (
            new(
                "sawyer",
                "a seven-joint arm brings its hand to a place, margin 0.05 m, 150 steps (paper C.6)",
                EnvironmentTraits.Goals),
            Sawyer.Goal),
        (
            new(
                "sawyer-margin",
                "sawyer with the goal and its margin (0.01 to 0.1 m) as the task",
                EnvironmentTraits.Goals),
            Sawyer.WithMargin),
        (
            new(
                "jaco",
                "a six-joint arm brings its hand to a place, margin 0.1 m, 250 steps (paper C.8)",
                EnvironmentTraits.Goals),
            Jaco.Goal),
        (new("jaco-sparse", "jaco with margin 0.03 m", EnvironmentTraits.Goals), Jaco.Sparse),
        (
            new(
                "walker",
                "a planar biped, rewards linear in features of its motion, 100 steps (paper C.9)",
                EnvironmentTraits.Rewards),
            Walker.Linear),
        (
            new(
                "cheetah",
                "a planar runner keeps to a velocity, 100 steps (paper C.10)",
                EnvironmentTraits.Goals),
            Cheetah.Velocity),
        (
            new(
                "desk",
                "a gripper over three buttons and a block, nine tasks, 128 steps (paper C.11)",
                EnvironmentTraits.FixedTasks),
            Desk.Discrete),
    ];

    /// <summary>The names of the physics environments.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_environments.Select(entry => entry.Description.Name)];

    /// <summary>
    /// Why the environments cannot run here, in one sentence that says what to do; null when they can.
    /// </summary>
    public static string? WhyNot => MujocoLibrary.WhyNot;

    /// <summary>
    /// Registers all of them, whether MuJoCo is to be had or not; making one says what is missing. To be called once.
    /// </summary>
    public static void Register()
    {
        foreach ((
            EnvironmentDescription description,
            Func<int, EnvironmentSettings, VectorEnvironment> create) in s_environments)
        {
            EnvironmentRegistry.Register(description, create);
        }
    }
}

using System.Runtime.CompilerServices;
using HipiFast.Environments;
using HipiFast.Mujoco.Simulation;

namespace HipiFast.Mujoco.Tests;

/// <summary>What the tests share.</summary>
internal static class Physics
{
    /// <summary>The models behind the environments.</summary>
    public static readonly string[] Models =
        ["cheetah", "desk", "finger", "jaco", "quadruped", "reacher", "sawyer", "walker"];

    /// <summary>Registers the environments before the first test asks for one.</summary>
    [ModuleInitializer]
    internal static void Register() => Registration.Register();

    /// <summary>Makes a physics environment.</summary>
    public static MujocoEnvironment Create(string name, int count = 1, EnvironmentSettings? settings = null) =>
        (MujocoEnvironment)EnvironmentRegistry.Create(name, count, settings);

    /// <summary>Reward and termination of one observation under a task, without moving.</summary>
    public static (float Reward, bool Terminated) Judge(
        VectorEnvironment environment, float[] observation, float[] task, float[]? action = null)
    {
        action ??= new float[environment.Shape.ActionDimension];
        Span<float> reward = [0f];
        Span<byte> terminated = [0];
        environment.Family.EvaluateRows(new(observation, action, observation, rows: 1), task, reward, terminated);
        return (reward[0], terminated[0] != 0);
    }
}

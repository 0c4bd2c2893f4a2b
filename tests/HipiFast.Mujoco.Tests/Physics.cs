using System.Runtime.CompilerServices;
using HipiFast.Environments;

namespace HipiFast.Mujoco.Tests;

/// <summary>What the tests share.</summary>
internal static class Physics
{
    /// <summary>The models behind the environments.</summary>
    public static readonly string[] Models = ["cheetah", "desk", "finger", "jaco", "quadruped", "reacher", "sawyer", "walker"];

    /// <summary>Registers the environments before the first test asks for one.</summary>
    [ModuleInitializer]
    internal static void Register() => Registration.Register();

    /// <summary>Makes a physics environment.</summary>
    public static MujocoEnvironment Create(string name, int count = 1, EnvironmentSettings? settings = null) =>
        (MujocoEnvironment)EnvironmentRegistry.Create(name, count, settings);

    /// <summary>Reward and termination of one observation under a task, without moving.</summary>
    public static unsafe (float Reward, bool Terminated) Judge(
        VectorEnvironment environment, float[] observation, float[] task, float[]? action = null)
    {
        action ??= new float[environment.Shape.ActionDimension];
        float reward;
        byte terminated;
        fixed (float* s = observation, a = action, psi = task)
        {
            environment.Family.EvaluateRows(new((nint)s, (nint)a, (nint)s, 1, observation.Length, action.Length), psi, &reward, &terminated);
        }

        return (reward, terminated != 0);
    }
}

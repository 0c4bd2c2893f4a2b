using HipiFast.Kernels.Tasks;

namespace HipiFast.Tests.Examples;

/// <summary>
/// A task family of one's own: stay inside a ring around the origin at the commanded speed. The state is (x, y, ...), the task is one number, the
/// speed, and the ring's radii are constants, so they need not be compiled into the struct. Reward and termination are written once, here, and run
/// on every backend.
/// </summary>
public readonly struct RingAtSpeed : ITaskFamily
{
    /// <summary>The task is the speed.</summary>
    public int TaskDimension => 1;

    /// <summary>Every step achieves some speed, but a single state does not tell which.</summary>
    public bool HasAchievedTask => false;

    /// <summary>Minus the difference between the distance covered in the step and the commanded one.</summary>
    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector
    {
        float dx = pair.NextObservation[0] - pair.Observation[0], dy = pair.NextObservation[1] - pair.Observation[1];
        return -MathF.Abs(MathF.Sqrt((dx * dx) + (dy * dy)) - pair.Task[0]);
    }

    /// <summary>Leaving the ring ends the task.</summary>
    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector
    {
        float x = pair.NextObservation[0], y = pair.NextObservation[1], radius = MathF.Sqrt((x * x) + (y * y));
        return radius < pair.Constants[0] || radius > pair.Constants[1];
    }

    /// <summary>Never asked for, since <see cref="HasAchievedTask"/> is false.</summary>
    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector => commanded[entry];
}

public sealed unsafe class CustomTaskFamilyExample
{
    [Fact]
    public void AFamilyOfOnesOwnIsUsedLikeABuiltInOne()
    {
        // The ring between radius 1 and radius 2.
        TaskFamily family = TaskFamily.Create(new RingAtSpeed(), [1f, 2f]);

        // Two steps from (1.5, 0): 0.3 up, inside the ring; 0.6 to the left, out of it. Two speeds.
        float[] state = [1.5f, 0f, 1.5f, 0f], action = [0f, 0f], next = [1.5f, 0.3f, 0.9f, 0f], speeds = [0.3f, 0.5f];
        float[] reward = new float[4], terminated = new float[4];
        fixed (float* s = state, a = action, n = next, psi = speeds, r = reward, d = terminated)
        {
            TransitionPointers transitions = new((nint)s, (nint)a, (nint)n, Rows: 2, ObservationDimension: 2, ActionDimension: 1);
            family.EvaluatePairs(transitions, psi, taskCount: 2, r, d, stride: 2);
        }

        float[] expected = [0f, -0.2f, -0.3f, -0.1f];
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(expected[i], reward[i], 1e-6f);
        }

        Assert.Equal([0f, 0f, 1f, 1f], terminated);
    }

    [Fact]
    public void ConstantsMustBeFinite()
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(() => TaskFamily.Create(new RingAtSpeed(), [1f, float.NaN]));
        Assert.Contains("Constant 1", exception.Message, StringComparison.Ordinal);
    }
}

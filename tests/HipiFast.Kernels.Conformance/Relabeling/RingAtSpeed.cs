using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Conformance.Relabeling;

/// <summary>
/// A user's own task family: the task is a speed and a direction; leaving the ring of the constants' radii ends it.
/// </summary>
public readonly struct RingAtSpeed : ITaskFamily
{
    public int TaskDimension => 2;

    public bool HasAchievedTask => false;

    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector
    {
        float dx = pair.NextObservation[0] - pair.Observation[0], dy = pair.NextObservation[1] - pair.Observation[1];
        float away = MathF.Abs(MathF.Sqrt((dx * dx) + (dy * dy)) - pair.Task[0]), cost = 0f;
        for (int i = 0; i < pair.Action.Length; i++)
        {
            cost += pair.Action[i] * pair.Action[i];
        }

        return -away - MathF.Abs(dy - pair.Task[1]) - (0.1f * cost);
    }

    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector
    {
        float x = pair.NextObservation[0], y = pair.NextObservation[1], radius = MathF.Sqrt((x * x) + (y * y));
        return radius < pair.Constants[0] || radius > pair.Constants[1];
    }

    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector => commanded[entry];
}

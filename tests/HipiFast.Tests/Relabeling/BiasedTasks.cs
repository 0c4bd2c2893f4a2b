using HipiFast.Kernels.Tasks;

namespace HipiFast.Tests.Relabeling;

/// <summary>
/// A user's own family: three one-hot tasks with smooth rewards, a constant added to the first one's (the paper's Fig.
/// 8).
/// </summary>
/// <param name="bias">The constant.</param>
internal readonly struct BiasedTasks(float bias) : ITaskFamily
{
    public const int Count = 3;

    private readonly float _bias = bias;

    public int TaskDimension => Count;

    public bool HasAchievedTask => false;

    public static float[] All => [1, 0, 0, 0, 1, 0, 0, 0, 1];

    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector
    {
        float reward = pair.Task[0] * _bias;
        for (int k = 0; k < Count; k++)
        {
            reward += pair.Task[k] * pair.Observation[k];
        }

        return reward;
    }

    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => false;

    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector => 0;
}

using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Ilgpu;

/// <summary>Stands where a kernel that could judge is used without a task family.</summary>
public readonly struct NoFamily : ITaskFamily
{
    /// <inheritdoc/>
    public int TaskDimension => 1;

    /// <inheritdoc/>
    public bool HasAchievedTask => false;

    /// <inheritdoc/>
    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => 0f;

    /// <inheritdoc/>
    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => false;

    /// <inheritdoc/>
    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector => 0f;
}

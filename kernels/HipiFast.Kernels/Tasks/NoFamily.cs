namespace HipiFast.Kernels.Tasks;

/// <summary>
/// Stands where a family is asked for and none is known: no reward, no termination, no map from states to tasks.
/// </summary>
/// <param name="taskDimension">P, 1 or more.</param>
internal readonly struct NoFamily(int taskDimension) : ITaskFamily
{
    /// <inheritdoc/>
    public int TaskDimension => taskDimension;

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

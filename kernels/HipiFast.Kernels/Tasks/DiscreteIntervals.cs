namespace HipiFast.Kernels.Tasks;

/// <summary>
/// A finite set of unlike tasks, each done while one entry of the state lies in an interval: the task is one-hot in K
/// entries and selects the entry and its interval (the paper's desk, C.11: buttons pressed, a block lifted, turned or
/// moved). Never terminates, so a return counts the steps in which the task was done. Made by
/// <see cref="TaskFamilies.Intervals"/>.
/// </summary>
/// <remarks>
/// Task: P = K entries; the largest one selects (the first of equals). Constants: the K indices of the state, then the
/// bounds <c>[K, 2]</c>, both included. Judged on s.
/// </remarks>
/// <param name="taskCount">K, 1 or more.</param>
/// <param name="rewardOutside">Reward of a step whose state lies outside the interval.</param>
/// <param name="rewardInside">Reward of a step whose state lies inside.</param>
internal readonly unsafe struct DiscreteIntervals(int taskCount, float rewardOutside, float rewardInside)
    : IBlockTaskFamily
{
    /// <summary>K, number of tasks.</summary>
    public int TaskCount { get; } = taskCount;

    /// <summary>Reward of a step whose state lies outside the interval.</summary>
    public float RewardOutside { get; } = rewardOutside;

    /// <summary>Reward of a step whose state lies inside.</summary>
    public float RewardInside { get; } = rewardInside;

    /// <inheritdoc/>
    public int TaskDimension => TaskCount;

    /// <inheritdoc/>
    public bool HasAchievedTask => false;

    /// <inheritdoc/>
    public int RequiredObservationDimension(ReadOnlySpan<float> constants) =>
        StateIndices.Required(constants[..TaskCount]);

    /// <inheritdoc/>
    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector =>
            RewardOf(pair.Observation, OneHot.Select(pair.Task, TaskCount), pair.Constants);

    /// <inheritdoc/>
    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => false;

    /// <summary>Keeps the commanded task: a state may have done several of the tasks, or none.</summary>
    /// <inheritdoc/>
    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector => commanded[entry];

    /// <inheritdoc/>
    public bool TryEvaluatePairs(
        in TransitionPointers transitions, float* tasks, int taskCount, PointerVector constants, float* reward,
        float* terminated, int stride)
    {
        for (int k = 0; k < taskCount; k++)
        {
            int selected = OneHot.Select(new PointerVector(tasks + ((long)k * TaskCount), TaskCount), TaskCount);
            for (int row = 0; row < transitions.Rows; row++)
            {
                long place = ((long)row * stride) + k;
                reward[place] = RewardOf(transitions.ObservationOf(row), selected, constants);
                terminated[place] = 0f;
            }
        }

        return true;
    }

    private float RewardOf<TVector>(TVector state, int selected, TVector constants)
        where TVector : struct, IVector
    {
        float value = state[(int)constants[selected]];
        bool isInside = value >= constants[TaskCount + (2 * selected)]
            && value <= constants[TaskCount + (2 * selected) + 1];
        return isInside ? RewardInside : RewardOutside;
    }
}

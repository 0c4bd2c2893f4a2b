namespace HipiFast.Kernels.Tasks;

/// <summary>
/// A finite set of goals: the task is one-hot in K entries and selects the goal, which is reached and rewarded as in
/// <see cref="GoalWithinMargin"/>. A state does not say which task it achieves, as in the paper's discrete 2D reacher
/// (Fig. 6, left). Made by <see cref="TaskFamilies.Discrete"/>.
/// </summary>
/// <remarks>
/// Task: P = K entries; the largest one selects (the first of equals). Constants: the D indices of the state, then the
/// goals <c>[K, D]</c>.
/// </remarks>
/// <param name="goalDimension">D, 1 or more.</param>
/// <param name="goalCount">K, 1 or more.</param>
/// <param name="margin">Euclidean, in the state's units, 0 or more.</param>
/// <param name="rewardBefore">Reward of a step whose judged state is outside the margin.</param>
/// <param name="rewardAt">Reward of a step whose judged state is within the margin.</param>
/// <param name="judgeNext">Whether s' is judged instead of s.</param>
internal readonly unsafe struct DiscreteGoals(
    int goalDimension, int goalCount, float margin, float rewardBefore, float rewardAt, bool judgeNext)
    : IGoalDefinition, IBlockTaskFamily
{
    // Not a bool: those have no fixed layout on a device.
    private readonly int _judgeNext = judgeNext ? 1 : 0;

    /// <inheritdoc/>
    public int GoalDimension { get; } = goalDimension;

    /// <summary>K, number of goals.</summary>
    public int GoalCount { get; } = goalCount;

    /// <summary>Largest Euclidean distance from the goal that counts as reached, in the state's units.</summary>
    public float Margin { get; } = margin;

    /// <inheritdoc/>
    public float RewardBefore { get; } = rewardBefore;

    /// <inheritdoc/>
    public float RewardAt { get; } = rewardAt;

    /// <inheritdoc/>
    public bool JudgeNext => _judgeNext != 0;

    /// <inheritdoc/>
    public int TaskDimension => GoalCount;

    /// <inheritdoc/>
    public bool HasAchievedTask => false;

    /// <inheritdoc/>
    public int RequiredObservationDimension(ReadOnlySpan<float> constants) =>
        StateIndices.Required(constants[..GoalDimension]);

    /// <inheritdoc/>
    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => GoalEvaluation.Reward(this, pair);

    /// <inheritdoc/>
    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => GoalEvaluation.IsReached(this, pair);

    /// <summary>Keeps the commanded task: a state does not say which of the goals it achieves.</summary>
    /// <inheritdoc/>
    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector => commanded[entry];

    /// <inheritdoc/>
    public bool TryEvaluatePairs(
        in TransitionPointers transitions, float* tasks, int taskCount, PointerVector constants, float* reward,
        float* terminated, int stride) =>
        GoalEvaluation.TryEvaluatePairs(this, transitions, tasks, taskCount, constants, reward, terminated, stride);

    int IGoalDefinition.Select<TVector>(TVector task) => OneHot.Select(task, GoalCount);

    float IGoalDefinition.Goal<TVector>(TVector task, TVector constants, int selected, int entry) =>
        constants[GoalDimension + (selected * GoalDimension) + entry];

    float IGoalDefinition.SquaredMargin<TVector>(TVector task) => Margin * Margin;
}

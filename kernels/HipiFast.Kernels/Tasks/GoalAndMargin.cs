namespace HipiFast.Kernels.Tasks;

/// <summary>
/// A goal family whose task also says how near is near enough: <c>||x - g|| &lt;= m</c> with task (g, m) (the paper's
/// Fig. 6, right). A negative m is never reached. Made by <see cref="TaskFamilies.GoalAndMargin"/>.
/// </summary>
/// <remarks>
/// Task: the goal's D entries, then the margin, P = D + 1. The task that a state achieves keeps the commanded margin.
/// Constants: the D indices of the state that a goal speaks of.
/// </remarks>
/// <param name="goalDimension">D, 1 or more.</param>
/// <param name="rewardBefore">Reward of a step whose judged state is outside the margin.</param>
/// <param name="rewardAt">Reward of a step whose judged state is within the margin.</param>
/// <param name="judgeNext">Whether s' is judged instead of s.</param>
internal readonly unsafe struct GoalAndMargin(int goalDimension, float rewardBefore, float rewardAt, bool judgeNext)
    : IGoalDefinition, IBlockTaskFamily
{
    // Not a bool: those have no fixed layout on a device.
    private readonly int _judgeNext = judgeNext ? 1 : 0;

    /// <inheritdoc/>
    public int GoalDimension { get; } = goalDimension;

    /// <inheritdoc/>
    public float RewardBefore { get; } = rewardBefore;

    /// <inheritdoc/>
    public float RewardAt { get; } = rewardAt;

    /// <inheritdoc/>
    public bool JudgeNext => _judgeNext != 0;

    /// <inheritdoc/>
    public int TaskDimension => GoalDimension + 1;

    /// <inheritdoc/>
    public bool HasAchievedTask => true;

    /// <inheritdoc/>
    public int RequiredObservationDimension(ReadOnlySpan<float> constants) =>
        StateIndices.Required(constants[..GoalDimension]);

    /// <inheritdoc/>
    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => GoalEvaluation.Reward(this, pair);

    /// <inheritdoc/>
    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => GoalEvaluation.IsReached(this, pair);

    /// <inheritdoc/>
    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector =>
            entry == GoalDimension ? commanded[entry] : observation[(int)constants[entry]];

    /// <inheritdoc/>
    public bool TryEvaluatePairs(
        in TransitionPointers transitions, float* tasks, int taskCount, PointerVector constants, float* reward,
        float* terminated, int stride) =>
        GoalEvaluation.TryEvaluatePairs(this, transitions, tasks, taskCount, constants, reward, terminated, stride);

    int IGoalDefinition.Select<TVector>(TVector task) => 0;

    float IGoalDefinition.Goal<TVector>(TVector task, TVector constants, int selected, int entry) => task[entry];

    float IGoalDefinition.SquaredMargin<TVector>(TVector task)
    {
        float margin = task[GoalDimension];
        return margin < 0f ? -1f : margin * margin;
    }
}

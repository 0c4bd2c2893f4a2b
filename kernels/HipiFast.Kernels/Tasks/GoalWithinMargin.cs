namespace HipiFast.Kernels.Tasks;

/// <summary>
/// A goal family: the task is a goal g, reached when chosen entries x of the state lie within a margin of it,
/// <c>||x - g|| &lt;= margin</c>. The reward is <see cref="RewardBefore"/> until then and <see cref="RewardAt"/> with
/// the task ending there. Made by <see cref="TaskFamilies.Goal"/>.
/// </summary>
/// <remarks>Task: the goal, P = D entries. Constants: the D indices of the state that a goal speaks of.</remarks>
/// <param name="goalDimension">D, 1 or more.</param>
/// <param name="margin">Euclidean, in the state's units, 0 or more.</param>
/// <param name="rewardBefore">Reward of a step whose judged state is outside the margin.</param>
/// <param name="rewardAt">Reward of a step whose judged state is within the margin.</param>
/// <param name="judgeNext">Whether s' is judged instead of s.</param>
internal readonly unsafe struct GoalWithinMargin(
    int goalDimension, float margin, float rewardBefore, float rewardAt, bool judgeNext)
    : IGoalDefinition, IBlockTaskFamily
{
    // Not a bool: those have no fixed layout on a device.
    private readonly int _judgeNext = judgeNext ? 1 : 0;

    /// <inheritdoc/>
    public int GoalDimension { get; } = goalDimension;

    /// <summary>Largest Euclidean distance from the goal that counts as reached, in the state's units.</summary>
    public float Margin { get; } = margin;

    /// <inheritdoc/>
    public float RewardBefore { get; } = rewardBefore;

    /// <inheritdoc/>
    public float RewardAt { get; } = rewardAt;

    /// <inheritdoc/>
    public bool JudgeNext => _judgeNext != 0;

    /// <inheritdoc/>
    public int TaskDimension => GoalDimension;

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
        where TVector : struct, IVector => observation[(int)constants[entry]];

    /// <inheritdoc/>
    public bool TryEvaluatePairs(
        in TransitionPointers transitions, float* tasks, int taskCount, PointerVector constants, float* reward,
        float* terminated, int stride) =>
        GoalEvaluation.TryEvaluatePairs(this, transitions, tasks, taskCount, constants, reward, terminated, stride);

    int IGoalDefinition.Select<TVector>(TVector task) => 0;

    float IGoalDefinition.Goal<TVector>(TVector task, TVector constants, int selected, int entry) => task[entry];

    float IGoalDefinition.SquaredMargin<TVector>(TVector task) => Margin * Margin;
}

namespace HipiFast.Kernels.Tasks;

/// <summary>
/// Makes the built-in task families. A user's own is a struct that implements <see cref="ITaskFamily"/>, given to
/// <see cref="TaskFamily.Create"/>.
/// </summary>
public static class TaskFamilies
{
    /// <summary>Reward of a goal family's step before its goal is reached, unless given.</summary>
    public const float DefaultRewardBefore = -1f;

    /// <summary>Reward of a goal family's step at its goal, unless given.</summary>
    public const float DefaultRewardAt = 0f;

    /// <summary>Stands where a family is asked for and none is known: no step is rewarded and none ends.</summary>
    /// <param name="taskDimension">P, 1 or more.</param>
    /// <returns>The family.</returns>
    public static TaskFamily None(int taskDimension) => TaskFamily.Create(new NoFamily(taskDimension));

    /// <summary>Goal within a margin: see <see cref="GoalWithinMargin"/>.</summary>
    /// <param name="achieved">Indices of the state that a goal speaks of; as many as the goal has entries.</param>
    /// <param name="margin">Largest Euclidean distance that counts as reached, 0 or more.</param>
    /// <param name="rewardBefore">Reward of a step before the goal is reached.</param>
    /// <param name="rewardAt">Reward of the step at the goal.</param>
    /// <param name="judgeNext">Whether the next state is judged instead of the state before the step.</param>
    /// <returns>The family, P = number of indices.</returns>
    /// <exception cref="ArgumentException">
    /// No index, a negative one, a negative margin, or a number that is not finite.
    /// </exception>
    public static TaskFamily Goal(
        ReadOnlySpan<int> achieved, float margin, float rewardBefore = DefaultRewardBefore,
        float rewardAt = DefaultRewardAt, bool judgeNext = false)
    {
        float[] constants = IndexConstants(achieved, nameof(achieved));
        CheckMargin(margin);
        CheckRewards(rewardBefore, rewardAt);
        return TaskFamily.Create(
            new GoalWithinMargin(achieved.Length, margin, rewardBefore, rewardAt, judgeNext), constants);
    }

    /// <summary>Goal and margin as the task: see <see cref="Tasks.GoalAndMargin"/>.</summary>
    /// <param name="achieved">Indices of the state that a goal speaks of; as many as the goal has entries.</param>
    /// <param name="rewardBefore">Reward of a step before the goal is reached.</param>
    /// <param name="rewardAt">Reward of the step at the goal.</param>
    /// <param name="judgeNext">Whether the next state is judged instead of the state before the step.</param>
    /// <returns>The family, P = number of indices + 1.</returns>
    /// <exception cref="ArgumentException">No index, a negative one, or a reward that is not finite.</exception>
    public static TaskFamily GoalAndMargin(
        ReadOnlySpan<int> achieved, float rewardBefore = DefaultRewardBefore, float rewardAt = DefaultRewardAt,
        bool judgeNext = false)
    {
        float[] constants = IndexConstants(achieved, nameof(achieved));
        CheckRewards(rewardBefore, rewardAt);
        return TaskFamily.Create(new GoalAndMargin(achieved.Length, rewardBefore, rewardAt, judgeNext), constants);
    }

    /// <summary>A finite set of goals with one-hot tasks: see <see cref="DiscreteGoals"/>.</summary>
    /// <param name="achieved">Indices of the state that a goal speaks of; D of them.</param>
    /// <param name="goals">The goals, <c>[K, D]</c> row-major.</param>
    /// <param name="margin">Largest Euclidean distance that counts as reached, 0 or more.</param>
    /// <param name="rewardBefore">Reward of a step before the goal is reached.</param>
    /// <param name="rewardAt">Reward of the step at the goal.</param>
    /// <param name="judgeNext">Whether the next state is judged instead of the state before the step.</param>
    /// <returns>The family, P = K.</returns>
    /// <exception cref="ArgumentException">
    /// No index, a negative one, no goal, a table that is no multiple of D long, a negative margin, or a number that is
    /// not finite.
    /// </exception>
    public static TaskFamily Discrete(
        ReadOnlySpan<int> achieved,
        ReadOnlySpan<float> goals,
        float margin,
        float rewardBefore = DefaultRewardBefore,
        float rewardAt = DefaultRewardAt,
        bool judgeNext = false)
    {
        float[] indices = IndexConstants(achieved, nameof(achieved));
        if (goals.IsEmpty || goals.Length % achieved.Length != 0)
        {
            throw new ArgumentException(
                $"The table of goals has {goals.Length} numbers; expected a positive multiple of {achieved.Length}.",
                nameof(goals));
        }

        CheckMargin(margin);
        CheckRewards(rewardBefore, rewardAt);
        return TaskFamily.Create(
            new DiscreteGoals(
                achieved.Length, goals.Length / achieved.Length, margin, rewardBefore, rewardAt, judgeNext),
            [.. indices, .. goals]);
    }

    /// <summary>Rewards linear in chosen entries of the state: see <see cref="LinearFeatures"/>.</summary>
    /// <param name="features">Indices of the state.</param>
    /// <param name="actionCost">Whether <c>sum a^2</c> is one more feature, the last.</param>
    /// <returns>The family, P = number of features.</returns>
    /// <exception cref="ArgumentException">No index, or a negative one.</exception>
    public static TaskFamily Linear(ReadOnlySpan<int> features, bool actionCost = false) =>
        TaskFamily.Create(new LinearFeatures(features.Length, actionCost), IndexConstants(features, nameof(features)));

    /// <summary>Minus the distance to the goal: see <see cref="DenseDistance"/>.</summary>
    /// <param name="achieved">Indices of the state that a goal speaks of; as many as the goal has entries.</param>
    /// <param name="actionCost">Weight of <c>sum a^2</c>, 0 or more.</param>
    /// <param name="distanceWeight">Weight of the distance, above 0.</param>
    /// <param name="offset">Reward at the goal without action.</param>
    /// <returns>The family, P = number of indices.</returns>
    /// <exception cref="ArgumentException">
    /// No index, a negative one, a cost that is negative, a weight that is not positive, or a number that is not
    /// finite.
    /// </exception>
    public static TaskFamily Dense(
        ReadOnlySpan<int> achieved, float actionCost = 0f, float distanceWeight = 1f, float offset = 0f)
    {
        float[] constants = IndexConstants(achieved, nameof(achieved));
        if (!float.IsFinite(actionCost) || actionCost < 0f)
        {
            throw new ArgumentException(
                $"The action cost is {actionCost}; expected a finite number, 0 or more.", nameof(actionCost));
        }

        if (!float.IsFinite(distanceWeight) || distanceWeight <= 0f || !float.IsFinite(offset))
        {
            throw new ArgumentException(
                $"The weight of the distance is {distanceWeight} and the offset {offset}; expected finite numbers, the "
                + "weight above 0.",
                nameof(distanceWeight));
        }

        return TaskFamily.Create(new DenseDistance(achieved.Length, actionCost, distanceWeight, offset), constants);
    }

    /// <summary>
    /// A finite set of tasks, each an interval of one entry of the state, with one-hot tasks: see
    /// <see cref="DiscreteIntervals"/>.
    /// </summary>
    /// <param name="intervals">For each task the index of the state and its bounds; K of them.</param>
    /// <param name="rewardOutside">Reward of a step whose state lies outside the interval.</param>
    /// <param name="rewardInside">Reward of a step whose state lies inside.</param>
    /// <returns>The family, P = K.</returns>
    /// <exception cref="ArgumentException">
    /// No interval, a negative index, a bound or reward that is not finite, or bounds in the wrong order.
    /// </exception>
    public static TaskFamily Intervals(
        ReadOnlySpan<(int Index, float Low, float High)> intervals, float rewardOutside = 0f, float rewardInside = 1f)
    {
        int[] indices = new int[intervals.Length];
        float[] bounds = new float[2 * intervals.Length];
        for (int k = 0; k < intervals.Length; k++)
        {
            (indices[k], float low, float high) = intervals[k];
            if (!float.IsFinite(low) || !float.IsFinite(high) || low > high)
            {
                throw new ArgumentException(
                    $"Interval {k} is {low} to {high}; expected finite bounds in order.", nameof(intervals));
            }

            bounds[2 * k] = low;
            bounds[(2 * k) + 1] = high;
        }

        float[] constants = [.. IndexConstants(indices, nameof(intervals)), .. bounds];
        CheckRewards(rewardOutside, rewardInside);
        return TaskFamily.Create(new DiscreteIntervals(intervals.Length, rewardOutside, rewardInside), constants);
    }

    private static float[] IndexConstants(ReadOnlySpan<int> indices, string name)
    {
        if (indices.IsEmpty)
        {
            throw new ArgumentException("The list of state indices is empty; expected at least one.", name);
        }

        float[] constants = new float[indices.Length];
        for (int i = 0; i < indices.Length; i++)
        {
            // Indices travel as floats, which hold integers exactly up to 2^24.
            if (indices[i] is < 0 or > 1 << 24)
            {
                throw new ArgumentException(
                    $"State index {indices[i]} (entry {i}) is out of range; expected 0 to {1 << 24}.", name);
            }

            constants[i] = indices[i];
        }

        return constants;
    }

    private static void CheckMargin(float margin)
    {
        if (!float.IsFinite(margin) || margin < 0f)
        {
            throw new ArgumentException(
                $"The margin is {margin}; expected a finite number, 0 or more.", nameof(margin));
        }
    }

    private static void CheckRewards(float rewardBefore, float rewardAt)
    {
        if (!float.IsFinite(rewardBefore) || !float.IsFinite(rewardAt))
        {
            throw new ArgumentException(
                $"The rewards before and at the goal are {rewardBefore} and {rewardAt}; expected finite numbers.");
        }
    }
}

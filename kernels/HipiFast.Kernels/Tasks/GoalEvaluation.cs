using System.Numerics;
using System.Runtime.CompilerServices;
namespace HipiFast.Kernels.Tasks;

/// <summary>What the goal families have in common: which goal a task names and how near is near enough.</summary>
internal interface IGoalDefinition : ITaskFamily
{
    /// <summary>D, entries of a goal.</summary>
    int GoalDimension { get; }

    /// <summary>Reward of a step whose judged state has not reached the goal.</summary>
    float RewardBefore { get; }

    /// <summary>Reward of a step whose judged state has reached the goal.</summary>
    float RewardAt { get; }

    /// <summary>Whether s' is judged instead of s.</summary>
    bool JudgeNext { get; }

    /// <summary>Number of the goal that the task selects; 0 where the task is the goal.</summary>
    int Select<TVector>(TVector task)
        where TVector : struct, IVector;

    /// <summary>One entry of the goal.</summary>
    float Goal<TVector>(TVector task, TVector constants, int selected, int entry)
        where TVector : struct, IVector;

    /// <summary>Square of the margin; negative for a goal that is never reached.</summary>
    float SquaredMargin<TVector>(TVector task)
        where TVector : struct, IVector;
}

/// <summary>
/// Reward and termination of the goal families: for one pair, and for blocks with one vector lane per task.
/// </summary>
/// <remarks>
/// Both compare squared distances, summed in the order of the entries and without fused multiply-adds, so they agree
/// bit for bit. The first D constants of every goal family are indices into the state.
/// </remarks>
internal static unsafe class GoalEvaluation
{
    // Scratch of one block of tasks on the stack, in vectors; families with larger goals use the plain loop.
    private const int LargestGoalDimension = 32;

    public static float Reward<TGoal, TVector>(in TGoal goal, in TaskPair<TVector> pair)
        where TGoal : unmanaged, IGoalDefinition
        where TVector : struct, IVector => IsReached(goal, pair) ? goal.RewardAt : goal.RewardBefore;

    public static bool IsReached<TGoal, TVector>(in TGoal goal, in TaskPair<TVector> pair)
        where TGoal : unmanaged, IGoalDefinition
        where TVector : struct, IVector
    {
        // Copied, because the compiler cannot know that the methods of a type parameter leave a read-only reference
        // alone.
        TGoal definition = goal;
        TVector state = definition.JudgeNext ? pair.NextObservation : pair.Observation;
        int selected = definition.Select(pair.Task);
        float squaredDistance = 0f;
        for (int d = 0; d < definition.GoalDimension; d++)
        {
            float difference = state[(int)pair.Constants[d]] - definition.Goal(pair.Task, pair.Constants, selected, d);
            squaredDistance += difference * difference;
        }

        return squaredDistance <= definition.SquaredMargin(pair.Task);
    }

    public static bool TryEvaluatePairs<TGoal>(
        in TGoal goal,
        in TransitionPointers transitions,
        float* tasks,
        int taskCount,
        PointerVector constants,
        float* reward,
        float* terminated,
        int stride)
        where TGoal : unmanaged, IGoalDefinition
    {
        TGoal definition = goal;
        int dimension = definition.GoalDimension, taskDimension = definition.TaskDimension,
            width = transitions.ObservationDimension;
        if (dimension > LargestGoalDimension)
        {
            return false;
        }

        float* states = (float*)(definition.JudgeNext ? transitions.NextObservation : transitions.Observation);
        int lanes = Vector<float>.Count;
        float* goals = stackalloc float[dimension * lanes];
        float* squaredMargins = stackalloc float[lanes];
        int* indices = stackalloc int[dimension];
        for (int d = 0; d < dimension; d++)
        {
            indices[d] = (int)constants[d];
        }

        Vector<float> before = new(definition.RewardBefore), at = new(definition.RewardAt);
        for (int first = 0; first < taskCount; first += lanes)
        {
            int count = Math.Min(lanes, taskCount - first);
            for (int lane = 0; lane < lanes; lane++)
            {
                // Lanes beyond the last task repeat it; their results are not stored.
                PointerVector task = new(
                    tasks + ((long)(first + Math.Min(lane, count - 1)) * taskDimension), taskDimension);
                int selected = definition.Select(task);
                squaredMargins[lane] = definition.SquaredMargin(task);
                for (int d = 0; d < dimension; d++)
                {
                    goals[(d * lanes) + lane] = definition.Goal(task, constants, selected, d);
                }
            }

            Vector<float> squaredMargin = Unsafe.ReadUnaligned<Vector<float>>(squaredMargins);
            for (int row = 0; row < transitions.Rows; row++)
            {
                float* state = states + ((long)row * width);
                Vector<float> squaredDistance = Vector<float>.Zero;
                for (int d = 0; d < dimension; d++)
                {
                    Vector<float> difference = new Vector<float>(state[indices[d]])
                        - Unsafe.ReadUnaligned<Vector<float>>(goals + (d * lanes));
                    squaredDistance += difference * difference;
                }

                Vector<int> reached = Vector.LessThanOrEqual(squaredDistance, squaredMargin);
                long offset = ((long)row * stride) + first;
                VectorBlocks.Store(Vector.ConditionalSelect(reached, at, before), reward + offset, count);
                VectorBlocks.Store(Vector.ConditionalSelect(
                    reached, Vector<float>.One, Vector<float>.Zero), terminated + offset, count);
            }
        }

        return true;
    }
}

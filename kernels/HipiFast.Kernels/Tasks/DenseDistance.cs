using System.Numerics;
using System.Runtime.CompilerServices;
namespace HipiFast.Kernels.Tasks;

/// <summary>
/// A dense goal family: <c>r = b - w ||x - g|| - c sum a^2</c> with x chosen entries of the state and g the task (the
/// paper's half-cheetah, C.10, with x the velocity and c = 0.05; its quadruped, C.3, with x the place). Never
/// terminates. Made by <see cref="TaskFamilies.Dense"/>.
/// </summary>
/// <remarks>
/// Task: the goal, P = D entries. Constants: the D indices of the state that a goal speaks of. Judged on s.
/// </remarks>
/// <param name="goalDimension">D, 1 or more.</param>
/// <param name="actionCost">c, 0 or more; 0 for none.</param>
/// <param name="distanceWeight">
/// w, above 0: the physical size of a state's unit, where the reward counts in physical units.
/// </param>
/// <param name="offset">b.</param>
internal readonly unsafe struct DenseDistance(
    int goalDimension, float actionCost, float distanceWeight = 1f, float offset = 0f) : IBlockTaskFamily
{
    // Scratch of one block of tasks on the stack, in vectors; families with larger goals use the plain loop.
    private const int LargestGoalDimension = 32;

    /// <summary>D, entries of a goal.</summary>
    public int GoalDimension { get; } = goalDimension;

    /// <summary>c, weight of <c>sum a^2</c>.</summary>
    public float ActionCost { get; } = actionCost;

    /// <summary>w, weight of the distance.</summary>
    public float DistanceWeight { get; } = distanceWeight;

    /// <summary>b, reward at the goal without action.</summary>
    public float Offset { get; } = offset;

    /// <inheritdoc/>
    public int TaskDimension => GoalDimension;

    /// <inheritdoc/>
    public bool HasAchievedTask => true;

    /// <inheritdoc/>
    public int RequiredObservationDimension(ReadOnlySpan<float> constants) =>
        StateIndices.Required(constants[..GoalDimension]);

    /// <inheritdoc/>
    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector
    {
        float squaredDistance = 0f;
        for (int d = 0; d < GoalDimension; d++)
        {
            float difference = pair.Observation[(int)pair.Constants[d]] - pair.Task[d];
            squaredDistance += difference * difference;
        }

        return Offset - (DistanceWeight * MathF.Sqrt(squaredDistance))
            - (ActionCost * ActionCosts.SumOfSquares(pair.Action));
    }

    /// <inheritdoc/>
    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => false;

    /// <inheritdoc/>
    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector => observation[(int)constants[entry]];

    /// <inheritdoc/>
    public bool TryEvaluatePairs(
        in TransitionPointers transitions, float* tasks, int taskCount, PointerVector constants, float* reward,
        float* terminated, int stride)
    {
        int dimension = GoalDimension, lanes = Vector<float>.Count;
        if (dimension > LargestGoalDimension)
        {
            return false;
        }

        float* goals = stackalloc float[dimension * lanes];
        Vector<float> offset = new(Offset), weight = new(DistanceWeight);
        for (int first = 0; first < taskCount; first += lanes)
        {
            int count = Math.Min(lanes, taskCount - first);
            VectorBlocks.Transpose(tasks + ((long)first * dimension), count, dimension, goals);
            for (int row = 0; row < transitions.Rows; row++)
            {
                PointerVector state = transitions.ObservationOf(row);
                Vector<float> squaredDistance = Vector<float>.Zero;
                for (int d = 0; d < dimension; d++)
                {
                    Vector<float> difference = new Vector<float>(
                        state[(int)constants[d]]) - Unsafe.ReadUnaligned<Vector<float>>(goals + (d * lanes));
                    squaredDistance += difference * difference;
                }

                Vector<float> cost = new(ActionCost * ActionCosts.SumOfSquares(transitions.ActionOf(row)));
                long place = ((long)row * stride) + first;
                VectorBlocks.Store(
                    offset - (weight * Vector.SquareRoot(squaredDistance)) - cost, reward + place, count);
                VectorBlocks.Store(Vector<float>.Zero, terminated + place, count);
            }
        }

        return true;
    }
}

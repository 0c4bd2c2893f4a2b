using System.Numerics;
using System.Runtime.CompilerServices;
namespace HipiFast.Kernels.Tasks;

/// <summary>
/// Rewards linear in features of the step: <c>r = sum_i psi_i f_i(s)</c>, the features being chosen entries of the
/// state, and optionally a last one <c>f = sum a^2</c> (whose weight is then usually negative: the paper's walker,
/// C.9). Never terminates. Made by <see cref="TaskFamilies.Linear"/>.
/// </summary>
/// <remarks>
/// Task: one weight per feature, P = F, or F + 1 with the action cost. Constants: the F indices of the state.
/// </remarks>
/// <param name="featureCount">F, features taken from the state, 1 or more.</param>
/// <param name="actionCost">Whether <c>sum a^2</c> is the last feature.</param>
internal readonly unsafe struct LinearFeatures(int featureCount, bool actionCost) : IBlockTaskFamily, ILinearTaskFamily
{
    // Not a bool: those have no fixed layout on a device.
    private readonly int _actionCost = actionCost ? 1 : 0;

    // Scratch of one block of tasks on the stack, in vectors; families with more weights use the plain loop.
    private const int LargestTaskDimension = 64;

    /// <summary>F, features taken from the state.</summary>
    public int FeatureCount { get; } = featureCount;

    /// <summary>Whether <c>sum a^2</c> is the last feature.</summary>
    public bool ActionCost => _actionCost != 0;

    /// <inheritdoc/>
    public int TaskDimension => ActionCost ? FeatureCount + 1 : FeatureCount;

    /// <inheritdoc/>
    public bool HasAchievedTask => false;

    /// <inheritdoc/>
    public int RequiredObservationDimension(ReadOnlySpan<float> constants) =>
        StateIndices.Required(constants[..FeatureCount]);

    /// <inheritdoc/>
    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector
    {
        float reward = 0f;
        for (int i = 0; i < FeatureCount; i++)
        {
            reward += pair.Task[i] * pair.Observation[(int)pair.Constants[i]];
        }

        return ActionCost ? reward + (pair.Task[FeatureCount] * ActionCosts.SumOfSquares(pair.Action)) : reward;
    }

    /// <inheritdoc/>
    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => false;

    /// <summary>Keeps the commanded task: a state achieves no particular weights.</summary>
    /// <inheritdoc/>
    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector => commanded[entry];

    /// <inheritdoc/>
    public bool TryEvaluatePairs(
        in TransitionPointers transitions, float* tasks, int taskCount, PointerVector constants, float* reward,
        float* terminated, int stride)
    {
        int taskDimension = TaskDimension, lanes = Vector<float>.Count;
        if (taskDimension > LargestTaskDimension)
        {
            return false;
        }

        float* weights = stackalloc float[taskDimension * lanes];
        for (int first = 0; first < taskCount; first += lanes)
        {
            int count = Math.Min(lanes, taskCount - first);
            VectorBlocks.Transpose(tasks + ((long)first * taskDimension), count, taskDimension, weights);
            for (int row = 0; row < transitions.Rows; row++)
            {
                PointerVector state = transitions.ObservationOf(row);
                Vector<float> sum = Vector<float>.Zero;
                for (int i = 0; i < FeatureCount; i++)
                {
                    sum += Unsafe.ReadUnaligned<Vector<float>>(weights + (i * lanes)) * new Vector<float>(
                        state[(int)constants[i]]);
                }

                if (ActionCost)
                {
                    Vector<float> cost = new(ActionCosts.SumOfSquares(transitions.ActionOf(row)));
                    sum += Unsafe.ReadUnaligned<Vector<float>>(weights + (FeatureCount * lanes)) * cost;
                }

                long offset = ((long)row * stride) + first;
                VectorBlocks.Store(sum, reward + offset, count);
                VectorBlocks.Store(Vector<float>.Zero, terminated + offset, count);
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public void AddFeatures(in TransitionPointers transitions, PointerVector constants, double* sum)
    {
        for (int row = 0; row < transitions.Rows; row++)
        {
            PointerVector state = transitions.ObservationOf(row);
            for (int i = 0; i < FeatureCount; i++)
            {
                sum[i] += state[(int)constants[i]];
            }

            if (ActionCost)
            {
                sum[FeatureCount] += ActionCosts.SumOfSquares(transitions.ActionOf(row));
            }
        }
    }
}

using System.Numerics;
using System.Runtime.CompilerServices;

namespace HipiFast.Kernels.Tasks;

/// <summary>Loads and stores of the block paths, where one vector lane is one task.</summary>
internal static unsafe class VectorBlocks
{
    /// <summary>Stores the first <paramref name="count"/> lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<float> value, float* destination, int count)
    {
        if (count == Vector<float>.Count)
        {
            Unsafe.WriteUnaligned(destination, value);
        }
        else
        {
            for (int lane = 0; lane < count; lane++)
            {
                destination[lane] = value[lane];
            }
        }
    }

    /// <summary>
    /// Transposes up to one vector's worth of tasks: entry d of every task becomes <c>transposed[d * lanes ..]</c>.
    /// Lanes beyond the last task repeat it.
    /// </summary>
    public static void Transpose(float* tasks, int count, int taskDimension, float* transposed)
    {
        int lanes = Vector<float>.Count;
        for (int lane = 0; lane < lanes; lane++)
        {
            float* task = tasks + ((long)Math.Min(lane, count - 1) * taskDimension);
            for (int d = 0; d < taskDimension; d++)
            {
                transposed[(d * lanes) + lane] = task[d];
            }
        }
    }
}

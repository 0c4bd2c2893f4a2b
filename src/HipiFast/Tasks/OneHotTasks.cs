using HipiFast.Kernels.Random;

namespace HipiFast.Tasks;

/// <summary>Uniform over K one-hot tasks.</summary>
public sealed class OneHotTasks : ITaskDistribution
{
    /// <summary>Fixes K.</summary>
    /// <param name="count">K, 1 or more.</param>
    public OneHotTasks(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        TaskDimension = count;
    }

    /// <summary>P = K.</summary>
    public int TaskDimension { get; }

    /// <inheritdoc/>
    public void Sample(Span<float> task, ulong seed, uint index, uint call, RandomPurpose purpose)
    {
        uint word = Philox.Next(index, 0, call, (uint)purpose, seed).X;
        task.Clear();
        task[(int)(((ulong)word * (ulong)TaskDimension) >> 32)] = 1f;
    }

    /// <summary>All tasks.</summary>
    /// <returns><c>[K, K]</c>, the identity.</returns>
    public float[] All()
    {
        float[] tasks = new float[TaskDimension * TaskDimension];
        for (int k = 0; k < TaskDimension; k++)
        {
            tasks[(k * TaskDimension) + k] = 1f;
        }

        return tasks;
    }
}

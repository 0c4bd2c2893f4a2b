using HipiFast.Kernels.Random;
using HipiFast.Kernels.Tasks;
using HipiFast.Replay;
using HipiFast.Tasks;

namespace HipiFast.Cli.Benchmarks;

/// <summary>Data for benchmarks, the same in every run.</summary>
internal static class SyntheticData
{
    /// <summary>Philox key of all of it.</summary>
    public const ulong Seed = 1;

    /// <summary>Half-width of a uniform distribution of unit variance.</summary>
    public const float UnitVariance = 1.7320508f;

    /// <summary>Transitions with states and tasks of unit variance and actions in (-1, 1).</summary>
    public static TransitionBatch Batch(TransitionShape shape, int rows)
    {
        TransitionBatch batch = new(shape, rows) { Count = rows };
        Fill(batch.Observation, 0, UnitVariance);
        Fill(batch.NextObservation, 1, UnitVariance);
        Fill(batch.Action, 2, 0.99f);
        Fill(batch.Task, 3, UnitVariance);
        batch.Reward.Fill(-1);
        return batch;
    }

    /// <summary>Candidate tasks <c>[K, P]</c> of unit variance.</summary>
    public static float[] Tasks(TransitionShape shape, int candidates)
    {
        float[] tasks = new float[candidates * shape.TaskDimension];
        Fill(tasks, 4, UnitVariance);
        return tasks;
    }

    /// <summary>A goal family over the first P entries of the state.</summary>
    public static TaskFamily GoalFamily(TransitionShape shape) => TaskFamilies.Goal([.. Enumerable.Range(0, shape.TaskDimension)], margin: 0.05f);

    /// <summary>Uniform numbers of mean 0.</summary>
    /// <param name="values">Receives them.</param>
    /// <param name="stream">Tells sequences apart.</param>
    /// <param name="halfWidth">Their bound.</param>
    public static void Fill(Span<float> values, uint stream, float halfWidth)
    {
        for (int i = 0; i < values.Length; i++)
        {
            uint bits = Philox.Next((uint)i, 0, stream, (uint)RandomPurpose.SyntheticData, Seed).X;
            values[i] = halfWidth * ((2 * Philox.ToUniform(bits)) - 1);
        }
    }
}

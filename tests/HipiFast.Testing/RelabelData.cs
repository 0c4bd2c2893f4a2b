using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Testing;

/// <summary>Batches, families and critics for the relabeler's tests.</summary>
public static class RelabelData
{
    /// <summary>Reward that no family gives: whoever still carries it was not recomputed.</summary>
    public const float StaleReward = 99;

    public static readonly TransitionShape Shape = new(3, 2, 2);

    /// <summary>Goals are the first two entries of a state; reached within 0.5 of the state before the step.</summary>
    public static TaskFamily GoalFamily { get; } = TaskFamilies.Goal([0, 1], 0.5f);

    /// <summary>Uniform numbers in [-1, 1] everywhere, a stale reward and termination, no replay numbers.</summary>
    public static TransitionBatch Batch(int rows, uint stream = 0, TransitionShape? shape = null)
    {
        TransitionBatch batch = new(shape ?? Shape, rows) { Count = rows };
        Fill(batch.Observation, stream, 0);
        Fill(batch.Action, stream, 1);
        Fill(batch.NextObservation, stream, 2);
        Fill(batch.Task, stream, 3);
        batch.Reward.Fill(StaleReward);
        batch.Terminated.Fill(1);
        return batch;
    }

    public static AgentNetworks Agent(TransitionShape shape, int hidden = 16)
    {
        AgentNetworks agent = new(shape, hidden);
        agent.Initialize(4);
        return agent;
    }

    /// <summary>A smooth made-up critic of a few nats, different for every pair of transition and task.</summary>
    public static float SmoothQ(in SoftQProblem problem, int row, int candidate)
    {
        ReadOnlySpan<float> s = problem.Observation.Slice(
            row * problem.ObservationDimension, problem.ObservationDimension);
        ReadOnlySpan<float> task = problem.Task.Slice(candidate * problem.TaskDimension, problem.TaskDimension);
        float value = 0;
        for (int i = 0; i < s.Length; i++)
        {
            for (int k = 0; k < task.Length; k++)
            {
                value += MathF.Sin((3 * s[i]) + (2 * task[k]) + i + (2 * k)) * 1.5f;
            }
        }

        return value + problem.Action[row * problem.ActionDimension];
    }

    /// <summary>Everything in a batch, to see whether anything has changed.</summary>
    public static float[] Contents(TransitionBatch batch) =>
    [
        .. batch.Observation, .. batch.Action, .. batch.NextObservation, .. batch.Task, .. batch.Reward,
            .. batch.Terminated.ToArray().Select(t => (float)t),
        .. batch.ReplayIndex.ToArray().Select(i => (float)i),
    ];

    /// <summary>Asserts that every row's reward and termination are the family's under the row's task.</summary>
    public static void AssertJudged(TaskFamily family, TransitionBatch batch)
    {
        float[] reward = new float[batch.Count];
        byte[] terminated = new byte[batch.Count];
        family.EvaluateRows(batch.Transitions, batch.Task, reward, terminated);
        Assert.Equal(reward, batch.Reward.ToArray());
        Assert.Equal(terminated, batch.Terminated.ToArray());
    }

    public static float[] Row(ReadOnlySpan<float> matrix, int row, int width) =>
        matrix.Slice(row * width, width).ToArray();

    private static void Fill(Span<float> values, uint stream, uint part)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (
                2 * Philox.ToUniform(Philox.Next((uint)i, part, stream, (uint)RandomPurpose.SyntheticData, 17).X)) - 1;
        }
    }
}

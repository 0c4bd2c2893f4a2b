using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Cases;

/// <summary>Data for benchmarks, the same in every run.</summary>
internal static class BenchmarkData
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

    /// <summary>
    /// Networks as they are initialised, but with critics whose values spread over nats, as trained ones do: where all
    /// are nearly equal, any result would pass for right.
    /// </summary>
    public static AgentNetworks Agent(TransitionShape shape, int hidden)
    {
        const int Probe = 8;
        const double WantedSpread = 6;
        AgentNetworks agent = new(shape, hidden);
        agent.Initialize(Seed);
        using TransitionBatch batch = Batch(shape, Probe);
        float[] tasks = Tasks(shape, Probe);
        foreach (MlpParameters critic in (MlpParameters[])[agent.Critic1, agent.Critic2!])
        {
            NetworkOracle oracle = new(critic);
            double low = double.PositiveInfinity, high = double.NegativeInfinity;
            for (int pair = 0; pair < Probe * Probe; pair++)
            {
                int row = pair / Probe, task = pair % Probe;
                double[] input =
                [
                    .. Row(batch.Observation, row, shape.ObservationDimension),
                    .. Row(batch.Action, row, shape.ActionDimension),
                    .. Row(tasks, task, shape.TaskDimension),
                ];
                double value = oracle.Evaluate(input)[0];
                (low, high) = (Math.Min(low, value), Math.Max(high, value));
            }

            float factor = high > low ? (float)(WantedSpread / (high - low)) : 1;
            for (int i = 0; i < hidden; i++)
            {
                critic.WeightRow(2, i)[0] *= factor;
            }

            critic.MarkChanged();
        }

        agent.SynchronizeTargets();
        return agent;
    }

    /// <summary>A goal family over the first P entries of the state.</summary>
    public static TaskFamily GoalFamily(TransitionShape shape) =>
        TaskFamilies.Goal([.. Enumerable.Range(0, shape.TaskDimension)], margin: 0.05f);

    /// <summary>
    /// The soft-Q matrix of a batch and candidate tasks under an agent, with its alpha and the usual discount.
    /// </summary>
    /// <param name="estimator">Which estimate.</param>
    /// <param name="agent">Networks for the batch's shape.</param>
    /// <param name="batch">The transitions, rows of the matrix.</param>
    /// <param name="tasks">The candidates <c>[K, P]</c>, columns of the matrix.</param>
    /// <param name="family">Rewards and terminations, or null where the estimator needs none.</param>
    public static SoftQProblem Problem(
        SoftQEstimator estimator, AgentNetworks agent, TransitionBatch batch, ReadOnlySpan<float> tasks,
        TaskFamily? family) => new()
    {
        Observation = batch.Observation,
        Action = batch.Action,
        NextObservation = batch.NextObservation,
        Task = tasks,
        Rows = batch.Count,
        Candidates = tasks.Length / batch.Shape.TaskDimension,
        ObservationDimension = batch.Shape.ObservationDimension,
        ActionDimension = batch.Shape.ActionDimension,
        TaskDimension = batch.Shape.TaskDimension,
        Estimator = estimator,
        Critic1 = agent.Critic1,
        Critic2 = agent.Critic2,
        Actor = agent.Actor,
        Alpha = agent.Alpha,
        Gamma = 0.99f,
        Family = family,
        Seed = Seed,
    };

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

    private static IEnumerable<double> Row(ReadOnlySpan<float> values, int row, int columns) =>
        values.Slice(row * columns, columns).ToArray().Select(value => (double)value);
}

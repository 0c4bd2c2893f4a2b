using HipiFast.Kernels.Relabeling;
using HipiFast.Environments;
using HipiFast.Kernels.Tasks;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Experiments;

/// <summary>What relabeling does to the distance from the target distribution, at one stage of training.</summary>
/// <param name="Progress">
/// beta: 0 for an agent that acts at random, 1 for one that is optimal for the task it was commanded.
/// </param>
/// <param name="CommandedKl">
/// KL(q(tau, psi) || p(tau, psi)) with the labels that the agent was commanded, in nats.
/// </param>
/// <param name="RelabeledKl">
/// The same with labels from the relabeler's posterior, its partition summed over all trajectories.
/// </param>
/// <param name="SampledKl">The same with labels that the relabeler drew, counted.</param>
/// <param name="EstimatedKl">
/// The same where the partition is the paper's estimate from a batch of the agent's own trajectories.
/// </param>
/// <param name="Bound">Lemma 2's lower bound on the gain: E_q(tau) KL(q(psi | tau) || p(psi | tau)), in nats.</param>
public readonly record struct LemmaPoint(
    double Progress, double CommandedKl, double RelabeledKl, double SampledKl, double EstimatedKl, double Bound)
{
    /// <summary>By how much the labels of inverse RL come closer to the target.</summary>
    public double Gain => CommandedKl - RelabeledKl;
}

/// <summary>
/// Lemmas 1 and 2 of the paper, measured on a problem small enough to enumerate: all sequences of four moves from the
/// middle of the gridworld, and eight goal cells at distances one to four.
/// </summary>
/// <remarks>
/// <para>The target is the paper's Eq. 5, <c>p(tau, psi) = p(psi) u(tau) exp(R_psi(tau)) / Z(psi)</c> with u uniform
/// over the sequences and p(psi) uniform over the goals. An agent on its way there, commanded psi, acts by
/// <c>q(tau | psi) ~ u(tau) exp(beta R_psi(tau))</c>, except that it mistakes the task for the next one in the list
/// with probability (1 - beta) / 2: a learner's mistakes are not all of one kind.</para>
/// <para>Labels come from
/// <see cref="Relabeler.RelabelTrajectories(TransitionBatch, ReadOnlySpan{long})"/> with candidates of its own,
/// distances from an enumeration in double precision of its own.</para>
/// </remarks>
public static class LemmaExperiment
{
    /// <summary>Moves of a trajectory.</summary>
    public const int Length = 4;

    /// <summary>
    /// Labels drawn per trajectory for <see cref="LemmaPoint.SampledKl"/>, which they raise by about (K - 1) / 2 draws
    /// = 0.002 nats.
    /// </summary>
    public const int DrawsPerTrajectory = 2000;

    /// <summary>Trajectories in the agent's own batch for <see cref="LemmaPoint.EstimatedKl"/>.</summary>
    public const int EstimationBatch = 256;

    private static readonly int s_start = Gridworld.Cell(3, 3);
    private static readonly int[] s_goals =
    [
        Gridworld.Cell(4, 3), Gridworld.Cell(3, 4), Gridworld.Cell(2, 2), Gridworld.Cell(5, 3),
        Gridworld.Cell(3, 6), Gridworld.Cell(1, 4), Gridworld.Cell(5, 5), Gridworld.Cell(0, 3),
    ];
    private static readonly int[][] s_cells = Enumerate();
    private static readonly TransitionShape s_shape = new(2, 2, 2);

    /// <summary>Number of trajectories, 5^4.</summary>
    public static int TrajectoryCount => s_cells.Length;

    /// <summary>Number of tasks.</summary>
    public static int TaskCount => s_goals.Length;

    /// <summary>Measures every stage.</summary>
    /// <param name="stages">Values of beta, each in [0, 1].</param>
    /// <param name="seed">Philox key of the draws.</param>
    /// <returns>One point per stage.</returns>
    public static IReadOnlyList<LemmaPoint> Measure(IReadOnlyList<double> stages, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(stages);
        int[] all = [.. Enumerable.Range(0, TrajectoryCount)];
        double[,] posterior = Posterior(all), drawn = DrawnFrequencies(all, seed);
        List<LemmaPoint> points = [];
        foreach (double stage in stages)
        {
            double[,] commanded = AgentJoint(stage);
            double[] marginal = TrajectoryMarginal(commanded);
            int[] batch = Draw(marginal, EstimationBatch, seed, points.Count);
            double[] estimated = LogPartition(batch);
            points.Add(new LemmaPoint(
                stage,
                DistanceToTarget(commanded),
                DistanceToTarget(Joint(marginal, posterior)),
                DistanceToTarget(Joint(marginal, drawn)),
                DistanceToTarget(Joint(marginal, PosteriorUnder(estimated))),
                ExpectedLabelDistance(commanded, marginal)));
        }

        return points;
    }

    // q(tau, psi) of an agent at stage beta.
    private static double[,] AgentJoint(double beta)
    {
        double mistake = (1 - beta) / 2;
        double[,] joint = new double[TrajectoryCount, TaskCount];
        for (int goal = 0; goal < TaskCount; goal++)
        {
            double[] weight = [.. s_cells.Select(cells => Math.Exp(beta * Return(cells, goal)))];
            double total = weight.Sum();
            int mistaken = (goal + TaskCount - 1) % TaskCount;
            for (int trajectory = 0; trajectory < weight.Length; trajectory++)
            {
                joint[trajectory, goal] += (1 - mistake) * weight[trajectory] / total / TaskCount;
                joint[trajectory, mistaken] += mistake * weight[trajectory] / total / TaskCount;
            }
        }

        return joint;
    }

    private static double[] TrajectoryMarginal(double[,] joint)
    {
        double[] marginal = new double[TrajectoryCount];
        for (int trajectory = 0; trajectory < marginal.Length; trajectory++)
        {
            for (int goal = 0; goal < TaskCount; goal++)
            {
                marginal[trajectory] += joint[trajectory, goal];
            }
        }

        return marginal;
    }

    private static double[,] Joint(double[] marginal, double[,] labels)
    {
        double[,] joint = new double[TrajectoryCount, TaskCount];
        for (int trajectory = 0; trajectory < TrajectoryCount; trajectory++)
        {
            for (int goal = 0; goal < TaskCount; goal++)
            {
                joint[trajectory, goal] = marginal[trajectory] * labels[trajectory, goal];
            }
        }

        return joint;
    }

    // KL(joint || p).
    private static double DistanceToTarget(double[,] joint)
    {
        double distance = 0;
        for (int goal = 0; goal < TaskCount; goal++)
        {
            double[] target = [.. s_cells.Select(cells => Math.Exp(Return(cells, goal)))];
            double total = target.Sum() * TaskCount;
            for (int trajectory = 0; trajectory < TrajectoryCount; trajectory++)
            {
                double q = joint[trajectory, goal];
                distance += q > 0 ? q * Math.Log(q / (target[trajectory] / total)) : 0;
            }
        }

        return distance;
    }

    // E_q(tau) KL(q(psi | tau) || p(psi | tau)), p(psi | tau) by enumeration.
    private static double ExpectedLabelDistance(double[,] joint, double[] marginal)
    {
        double[] logZ = [.. Enumerable.Range(0, TaskCount).Select(
            goal => Math.Log(s_cells.Average(cells => Math.Exp(Return(cells, goal)))))];
        double[,] exact = PosteriorUnder(logZ);
        double distance = 0;
        for (int trajectory = 0; trajectory < TrajectoryCount; trajectory++)
        {
            for (int goal = 0; goal < TaskCount; goal++)
            {
                double q = joint[trajectory, goal];
                distance += q > 0 ? q * Math.Log(q / marginal[trajectory] / exact[trajectory, goal]) : 0;
            }
        }

        return distance;
    }

    private static double[,] PosteriorUnder(double[] logPartition)
    {
        double[,] posterior = new double[TrajectoryCount, TaskCount];
        for (int trajectory = 0; trajectory < TrajectoryCount; trajectory++)
        {
            double total = 0;
            for (int goal = 0; goal < TaskCount; goal++)
            {
                posterior[trajectory, goal] = Math.Exp(Return(s_cells[trajectory], goal) - logPartition[goal]);
                total += posterior[trajectory, goal];
            }

            for (int goal = 0; goal < TaskCount; goal++)
            {
                posterior[trajectory, goal] /= total;
            }
        }

        return posterior;
    }

    // The relabeler's posterior over the tasks of each trajectory.
    private static double[,] Posterior(int[] trajectories)
    {
        PosteriorRecorder recorder = new();
        using Relabeler relabeler = MakeRelabeler(0);
        relabeler.Observer = recorder;
        using TransitionBatch batch = Batch(trajectories, out long[] episodes);
        relabeler.RelabelTrajectories(batch, episodes, Candidates());
        return recorder.Posterior;
    }

    private static double[,] DrawnFrequencies(int[] trajectories, ulong seed)
    {
        double[,] frequencies = new double[TrajectoryCount, TaskCount];
        using Relabeler relabeler = MakeRelabeler(seed);
        for (int draw = 0; draw < DrawsPerTrajectory; draw++)
        {
            using TransitionBatch batch = Batch(trajectories, out long[] episodes);
            RelabelResult result = relabeler.RelabelTrajectories(batch, episodes, Candidates());
            for (int trajectory = 0; trajectory < trajectories.Length; trajectory++)
            {
                frequencies[trajectory, result.TaskIndex[trajectory * Length]] += 1.0 / DrawsPerTrajectory;
            }
        }

        return frequencies;
    }

    // logZ as the relabeler estimates it from a batch.
    private static double[] LogPartition(int[] trajectories)
    {
        using Relabeler relabeler = MakeRelabeler(0);
        using TransitionBatch batch = Batch(trajectories, out long[] episodes);
        RelabelResult result = relabeler.RelabelTrajectories(batch, episodes, Candidates());
        return [.. result.LogPartition.ToArray().Select(value => (double)value)];
    }

    private static Relabeler MakeRelabeler(ulong seed) =>
        new(Gridworld.Goal(
            1, new EnvironmentSettings()).Family, null, new RelabelOptions { RelabelFraction = 1, Seed = seed });

    private static TransitionBatch Batch(int[] trajectories, out long[] episodes)
    {
        TransitionBatch batch = new(s_shape, trajectories.Length * Length) { Count = trajectories.Length * Length };
        episodes = new long[batch.Count];
        for (int row = 0; row < batch.Count; row++)
        {
            int[] cells = s_cells[trajectories[row / Length]];
            int step = row % Length;
            Gridworld.WriteCell(cells[step], batch.Observation.Slice(2 * row, 2));
            Gridworld.WriteCell(cells[step + 1], batch.NextObservation.Slice(2 * row, 2));
            batch.Action.Slice(2 * row, 2).Clear();
            Gridworld.WriteCell(s_goals[0], batch.Task.Slice(2 * row, 2));
            episodes[row] = row / Length;
        }

        return batch;
    }

    private static float[] Candidates()
    {
        float[] tasks = new float[2 * TaskCount];
        for (int goal = 0; goal < TaskCount; goal++)
        {
            Gridworld.WriteCell(s_goals[goal], tasks.AsSpan(2 * goal, 2));
        }

        return tasks;
    }

    // Trajectories of the agent, drawn by inverting the distribution function.
    private static int[] Draw(double[] marginal, int count, ulong seed, int stage)
    {
        int[] drawn = new int[count];
        for (int i = 0; i < count; i++)
        {
            uint bits = Kernels.Random.Philox.Next(
                (uint)i, (uint)stage, 0, (uint)Kernels.Random.RandomPurpose.SyntheticData, seed).X;
            double left = (bits + 0.5) / (1L << 32);
            while (drawn[i] < marginal.Length - 1 && left >= marginal[drawn[i]])
            {
                left -= marginal[drawn[i]++];
            }
        }

        return drawn;
    }

    // R: a step pays 0 where it begins at the goal, else -1.
    private static double Return(int[] cells, int goal) =>
        cells.Take(Length).Sum(cell => cell == s_goals[goal] ? 0.0 : -1.0);

    // The cells of every sequence of moves, the start first.
    private static int[][] Enumerate()
    {
        List<int[]> sequences = [[s_start]];
        for (int step = 0; step < Length; step++)
        {
            sequences = [.. sequences.SelectMany(cells => Enumerable.Range(0, Gridworld.MoveCount).Select(move =>
                (int[])[.. cells, Gridworld.Move(cells[^1], move)]))];
        }

        return [.. sequences];
    }

    private sealed class PosteriorRecorder : IRelabelObserver
    {
        public double[,] Posterior { get; } = new double[TrajectoryCount, TaskCount];

        public bool WantsPosterior => true;

        public void OnBlock(in RelabelBlock block)
        {
            for (int row = 0; row < block.Rows; row++)
            {
                for (int goal = 0; goal < block.Candidates; goal++)
                {
                    Posterior[block.FirstRow + row, goal] = block.Posterior[(row * block.Candidates) + goal];
                }
            }
        }
    }
}

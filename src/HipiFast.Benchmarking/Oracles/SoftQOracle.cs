using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Benchmarking.Oracles;

/// <summary>
/// The soft-Q matrix in double the naive way: for every pair the concatenated input (s, a, psi) goes through plain
/// matrix-vector products. Shares no code with any kernel but the Philox bits, the parameters' accessors and the task
/// family's evaluation of single transitions.
/// </summary>
public sealed class SoftQOracle
{
    private readonly CriticOracle _critics;
    private readonly PolicyOracle? _policy;

    private SoftQOracle(in SoftQProblem problem)
    {
        _critics = new CriticOracle(problem.Critic1, problem.Critic2, problem.CriticRange);
        _policy = problem.Actor is null ? null : new PolicyOracle(problem.Actor);
    }

    /// <summary>All of Q~.</summary>
    /// <param name="problem">The problem.</param>
    /// <returns><c>[B, K]</c> row-major, in nats.</returns>
    public static double[] Compute(in SoftQProblem problem)
    {
        int candidates = problem.Candidates;
        return Compute(
            problem,
            [.. Enumerable.Range(0, problem.Rows * candidates).Select(pair => (pair / candidates, pair % candidates))]);
    }

    /// <summary>Q~ of some pairs.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="pairs">Transitions and candidates.</param>
    /// <returns>One value for each pair, in nats.</returns>
    public static double[] Compute(in SoftQProblem problem, IReadOnlyList<(int Row, int Task)> pairs)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        SoftQOracle oracle = new(problem);
        double[] softQ = new double[pairs.Count];
        for (int i = 0; i < softQ.Length; i++)
        {
            softQ[i] = oracle.Pair(problem, pairs[i].Row, pairs[i].Task);
        }

        return softQ;
    }

    /// <summary>The noise of an entry of an action sampled for the Bellman estimator.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="row">Transition.</param>
    /// <param name="task">Candidate.</param>
    /// <param name="entry">Entry of the action.</param>
    /// <returns>A standard normal number.</returns>
    public static double Normal(in SoftQProblem problem, int row, int task, int entry)
    {
        uint purpose = (uint)RandomPurpose.BellmanAction + (256 * (uint)(entry / 4));
        PhiloxBlock bits = Philox.Next((uint)task, problem.FirstRow + (uint)row, problem.Call, purpose, problem.Seed);
        double radius = Math.Sqrt(-2 * Math.Log(Uniform(entry % 4 < 2 ? bits.X : bits.Z)));
        double angle = 2 * Math.PI * Uniform(entry % 4 < 2 ? bits.Y : bits.W);
        return radius * (entry % 2 == 0 ? Math.Cos(angle) : Math.Sin(angle));
    }

    /// <summary>Reward and termination of a pair.</summary>
    /// <param name="problem">The problem; it has a family.</param>
    /// <param name="row">Transition.</param>
    /// <param name="task">Candidate.</param>
    /// <returns>What the family says of it.</returns>
    public static (double Reward, bool Terminated) Evaluate(in SoftQProblem problem, int row, int task)
    {
        int s = problem.ObservationDimension, a = problem.ActionDimension, p = problem.TaskDimension;
        float reward = 0;
        byte terminated = 0;
        TransitionRows transition = new(
            problem.Observation.Slice(row * s, s),
            problem.Action.Slice(row * a, a),
            problem.NextObservation.Slice(row * s, s),
            1);
        ReadOnlySpan<float> psi = problem.Task.Slice(task * p, p);
        problem.Family!.EvaluateRows(transition, psi, new Span<float>(ref reward), new Span<byte>(ref terminated));
        return (reward, terminated != 0);
    }

    private static double Uniform(uint bits) => Math.Min((bits + 0.5) / 4294967296, 1 - (1.0 / 16777216));

    private static double[] Row(ReadOnlySpan<float> matrix, int row, int columns)
    {
        double[] values = new double[columns];
        for (int i = 0; i < columns; i++)
        {
            values[i] = matrix[(row * columns) + i];
        }

        return values;
    }

    private double Pair(in SoftQProblem problem, int row, int task)
    {
        double[] s = Row(problem.Observation, row, problem.ObservationDimension);
        double[] a = Row(problem.Action, row, problem.ActionDimension);
        double[] psi = Row(problem.Task, task, problem.TaskDimension);
        switch (problem.Estimator)
        {
            case SoftQEstimator.Critic:
                return ExactOrCritic(problem, row, task, [.. s, .. a, .. psi]);
            case SoftQEstimator.SoftCritic:
                return ExactOrCritic(problem, row, task, [.. s, .. a, .. psi])
                    - (problem.Alpha * _policy!.LogProbability([.. s, .. psi], a));
            default:
                (double reward, bool terminated) = Evaluate(problem, row, task);
                double value = reward - (problem.Alpha * _policy!.LogProbability([.. s, .. psi], a));
                return terminated ? value : value + (problem.Gamma * NextValue(problem, row, task, psi));
        }
    }

    private double ExactOrCritic(in SoftQProblem problem, int row, int task, double[] input)
    {
        if (problem.ExactTerminalValue && problem.Family is not null)
        {
            (double reward, bool terminated) = Evaluate(problem, row, task);
            if (terminated)
            {
                return reward;
            }
        }

        return _critics.Value(input, problem.Twin);
    }

    private double NextValue(in SoftQProblem problem, int row, int task, double[] psi)
    {
        double[] next = Row(problem.NextObservation, row, problem.ObservationDimension);
        double[] noise = new double[problem.ActionDimension];
        for (int d = 0; d < noise.Length; d++)
        {
            noise[d] = Normal(problem, row, task, d);
        }

        double[] action = _policy!.Sample([.. next, .. psi], noise).Action;
        return _critics.Value([.. next, .. action, .. psi], problem.Twin);
    }
}

using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Tests.Oracles;

/// <summary>
/// The soft-Q matrix in double the naive way: for every pair the concatenated input (s, a, psi) goes through plain matrix-vector products. Shares no
/// code with any kernel but the Philox bits, the parameters' accessors and the task family's evaluation of single transitions.
/// </summary>
internal sealed unsafe class SoftQOracle
{
    /// <summary>Largest magnitude of an action of which a log-probability is taken.</summary>
    public const double MaxAction = 1 - 1e-6;

    private readonly Network _critic1;
    private readonly Network? _critic2;
    private readonly Network? _actor;

    private SoftQOracle(in SoftQProblem problem)
    {
        _critic1 = new Network(problem.Critic1);
        _critic2 = problem.Critic2 is null ? null : new Network(problem.Critic2);
        _actor = problem.Actor is null ? null : new Network(problem.Actor);
    }

    /// <summary>Q~, <c>[B, K]</c> row-major.</summary>
    public static double[] Compute(in SoftQProblem problem)
    {
        SoftQOracle oracle = new(problem);
        double[] softQ = new double[problem.Rows * problem.Candidates];
        for (int pair = 0; pair < softQ.Length; pair++)
        {
            softQ[pair] = oracle.Pair(problem, pair / problem.Candidates, pair % problem.Candidates);
        }

        return softQ;
    }

    /// <summary>Q~ of some pairs.</summary>
    public static double[] Compute(in SoftQProblem problem, IReadOnlyList<(int Row, int Task)> pairs)
    {
        SoftQOracle oracle = new(problem);
        double[] softQ = new double[pairs.Count];
        for (int i = 0; i < softQ.Length; i++)
        {
            softQ[i] = oracle.Pair(problem, pairs[i].Row, pairs[i].Task);
        }

        return softQ;
    }

    /// <summary>A network's output in double, for choosing test data.</summary>
    public static double[] Forward(MlpParameters network, params float[][] parts) =>
        new Network(network).Forward([.. parts.SelectMany(part => part).Select(x => (double)x)]);

    private double Pair(in SoftQProblem problem, int row, int task)
    {
        double[] s = Row(problem.Observation, row, problem.ObservationDimension);
        double[] a = Row(problem.Action, row, problem.ActionDimension);
        double[] psi = Row(problem.Task, task, problem.TaskDimension);
        switch (problem.Estimator)
        {
            case SoftQEstimator.Critic:
                return ExactOrCritic(problem, row, task, s, a, psi);
            case SoftQEstimator.SoftCritic:
                return ExactOrCritic(problem, row, task, s, a, psi) - (problem.Alpha * LogProbability(s, psi, a));
            default:
                (double reward, bool terminated) = Evaluate(problem, row, task);
                double[] next = Row(problem.NextObservation, row, problem.ObservationDimension);
                double value = reward - (problem.Alpha * LogProbability(s, psi, a));
                return terminated ? value : value + (problem.Gamma * Critic(problem, next, SampleAction(problem, next, psi, row, task), psi));
        }
    }

    private double ExactOrCritic(in SoftQProblem problem, int row, int task, double[] s, double[] a, double[] psi)
    {
        if (problem.ExactTerminalValue && problem.Family is not null)
        {
            (double reward, bool terminated) = Evaluate(problem, row, task);
            if (terminated)
            {
                return reward;
            }
        }

        return Critic(problem, s, a, psi);
    }

    private double Critic(in SoftQProblem problem, double[] s, double[] a, double[] psi)
    {
        double[] input = [.. s, .. a, .. psi];
        double first = Bound(problem.CriticRange, _critic1.Forward(input)[0]);
        if (_critic2 is null || problem.Twin == TwinCombination.First)
        {
            return first;
        }

        double second = Bound(problem.CriticRange, _critic2.Forward(input)[0]);
        return problem.Twin == TwinCombination.Min ? Math.Min(first, second) : 0.5 * (first + second);
    }

    private static double Bound(CriticRange range, double z) =>
        range.High > range.Low ? range.Low + (((double)range.High - range.Low) * (1 / (1 + Math.Exp(-z)))) : z;

    // log pi(a | s, psi) of the tanh-squashed Gaussian; the change of variables is log(1 - a^2).
    private double LogProbability(double[] s, double[] psi, double[] a)
    {
        double[] output = _actor!.Forward([.. s, .. psi]);
        double sum = 0;
        for (int d = 0; d < a.Length; d++)
        {
            double clamped = Math.Max(-MaxAction, Math.Min(MaxAction, a[d]));
            double x = 0.5 * (Math.Log(1 + clamped) - Math.Log(1 - clamped));
            double deviation = Math.Exp(LogDeviation(output[a.Length + d]));
            double z = (x - output[d]) / deviation;
            sum += (-z * z / 2) - Math.Log(deviation * Math.Sqrt(2 * Math.PI)) - Math.Log(1 - (clamped * clamped));
        }

        return sum;
    }

    private double[] SampleAction(in SoftQProblem problem, double[] s, double[] psi, int row, int task)
    {
        double[] output = _actor!.Forward([.. s, .. psi]);
        double[] action = new double[problem.ActionDimension];
        for (int d = 0; d < action.Length; d++)
        {
            action[d] = Math.Tanh(output[d] + (Math.Exp(LogDeviation(output[action.Length + d])) * Normal(problem, row, task, d)));
        }

        return action;
    }

    /// <summary>The noise of an entry of a sampled action.</summary>
    public static double Normal(in SoftQProblem problem, int row, int task, int entry)
    {
        uint purpose = (uint)RandomPurpose.BellmanAction + (256 * (uint)(entry / 4));
        PhiloxBlock bits = Philox.Next((uint)task, problem.FirstRow + (uint)row, problem.Call, purpose, problem.Seed);
        double radius = Math.Sqrt(-2 * Math.Log(Uniform(entry % 4 < 2 ? bits.X : bits.Z)));
        double angle = 2 * Math.PI * Uniform(entry % 4 < 2 ? bits.Y : bits.W);
        return radius * (entry % 2 == 0 ? Math.Cos(angle) : Math.Sin(angle));
    }

    /// <summary>The clamped log standard deviation.</summary>
    public static double LogDeviation(double raw) => raw < -20 ? -20 : raw > 2 ? 2 : raw;

    private static double Uniform(uint bits) => Math.Min((bits + 0.5) / 4294967296, 1 - (1.0 / 16777216));

    /// <summary>Reward and termination of a pair.</summary>
    public static (double Reward, bool Terminated) Evaluate(in SoftQProblem problem, int row, int task)
    {
        int s = problem.ObservationDimension, a = problem.ActionDimension, p = problem.TaskDimension;
        float reward = 0;
        byte terminated = 0;
        TransitionRows transition = new(
            problem.Observation.Slice(row * s, s), problem.Action.Slice(row * a, a), problem.NextObservation.Slice(row * s, s), 1);
        problem.Family!.EvaluateRows(transition, problem.Task.Slice(task * p, p), new Span<float>(ref reward), new Span<byte>(ref terminated));
        return (reward, terminated != 0);
    }

    private static double[] Row(ReadOnlySpan<float> matrix, int row, int columns)
    {
        double[] values = new double[columns];
        for (int i = 0; i < columns; i++)
        {
            values[i] = matrix[(row * columns) + i];
        }

        return values;
    }

    /// <summary>y = W3 relu(W2 relu(W1 x + b1) + b2) + b3 with weights in PyTorch's order.</summary>
    private sealed class Network
    {
        private readonly float[][] _weights = new float[3][];
        private readonly float[][] _biases = new float[3][];

        public Network(MlpParameters parameters)
        {
            for (int layer = 0; layer < 3; layer++)
            {
                _weights[layer] = new float[parameters.LayerInputs(layer) * parameters.LayerOutputs(layer)];
                parameters.ExportWeight(layer, _weights[layer]);
                _biases[layer] = parameters.Bias(layer).ToArray();
            }
        }

        public double[] Forward(double[] input)
        {
            double[] values = input;
            for (int layer = 0; layer < 3; layer++)
            {
                double[] outputs = new double[_biases[layer].Length];
                for (int o = 0; o < outputs.Length; o++)
                {
                    outputs[o] = _biases[layer][o];
                    for (int i = 0; i < values.Length; i++)
                    {
                        outputs[o] += (double)_weights[layer][(o * values.Length) + i] * values[i];
                    }

                    outputs[o] = layer < 2 && outputs[o] < 0 ? 0 : outputs[o];
                }

                values = outputs;
            }

            return values;
        }
    }
}

using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Benchmarking.Oracles;

/// <summary>
/// The soft-Q matrix of networks of any layers in double, the naive way: for every pair the concatenated input goes
/// through plain matrix-vector products, means and variances. Shares no code with any kernel but the Philox bits and
/// the task family's evaluation of single transitions.
/// </summary>
/// <param name="agent">The networks.</param>
internal sealed class LayeredOracle(LayeredAgent agent)
{
    private const double Reach = 1 - 1e-6;

    /// <summary>All of Q~.</summary>
    /// <param name="problem">The problem; its networks are not read.</param>
    /// <returns><c>[B, K]</c> row-major, in nats.</returns>
    public double[] Compute(in SoftQProblem problem)
    {
        int candidates = problem.Candidates;
        return Compute(
            problem,
            [.. Enumerable.Range(0, problem.Rows * candidates).Select(pair => (pair / candidates, pair % candidates))]);
    }

    /// <summary>Q~ of some pairs.</summary>
    /// <param name="problem">The problem; its networks are not read.</param>
    /// <param name="pairs">Transitions and candidates.</param>
    /// <returns>One value for each pair, in nats.</returns>
    public double[] Compute(in SoftQProblem problem, IReadOnlyList<(int Row, int Task)> pairs)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        double[] softQ = new double[pairs.Count];
        for (int i = 0; i < softQ.Length; i++)
        {
            softQ[i] = Pair(problem, pairs[i].Row, pairs[i].Task);
        }

        return softQ;
    }

    /// <summary>A network's output.</summary>
    /// <param name="network">The network.</param>
    /// <param name="input">Its input.</param>
    /// <returns>The last layer's values.</returns>
    public static double[] Evaluate(LayeredNetwork network, double[] input)
    {
        ArgumentNullException.ThrowIfNull(network);
        double[] x = input;
        foreach (DenseLayer layer in network.Layers)
        {
            double[] y = new double[layer.Outputs];
            for (int o = 0; o < y.Length; o++)
            {
                double sum = layer.Bias.IsEmpty ? 0 : layer.Bias.Span[o];
                for (int i = 0; i < layer.Inputs; i++)
                {
                    sum += (double)layer.Weight.Span[(o * layer.Inputs) + i] * x[i];
                }

                y[o] = sum;
            }

            foreach (LayerStep step in layer.Steps)
            {
                y = step.Norm is LayerNorm norm
                    ? Normalize(norm, y)
                    : [.. y.Select(value => Activate(step.Activation, value))];
            }

            x = y;
        }

        return x;
    }

    private static double[] Normalize(LayerNorm norm, double[] x)
    {
        double mean = x.Average(), variance = x.Average(value => (value - mean) * (value - mean));
        return
        [
            .. x.Select((value, i) => ((value - mean) / Math.Sqrt(variance + norm.Epsilon)
                * (norm.Weight.IsEmpty ? 1 : norm.Weight.Span[i])) + (norm.Bias.IsEmpty ? 0 : norm.Bias.Span[i])),
        ];
    }

    private static double Activate(Activation activation, double x) => activation switch
    {
        Activation.Identity => x,
        Activation.Relu => x < 0 ? 0 : x,
        Activation.Tanh => Math.Tanh(x),
        Activation.Elu => x > 0 ? x : Math.Exp(x) - 1,
        Activation.Silu => x / (1 + Math.Exp(-x)),
        Activation.Gelu => x * NormalCumulative(x),
        Activation.GeluTanh => x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))) / 2,
        _ => throw new ArgumentOutOfRangeException(nameof(activation)),
    };

    // Phi(x) = 1/2 + phi(x) (x + x^3 / 3 + x^5 / (3 5) + ...), whose terms are all of one sign; beyond 8 it is 0 or 1
    // to 1e-15.
    private static double NormalCumulative(double x)
    {
        if (double.IsNaN(x) || Math.Abs(x) > 8)
        {
            return double.IsNaN(x) ? x : x > 0 ? 1 : 0;
        }

        double term = x, sum = x;
        for (int n = 3; Math.Abs(term) > 1e-18; n += 2)
        {
            term *= x * x / n;
            sum += term;
        }

        return 0.5 + (sum * Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI));
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

    private static double[] Encoded(LayeredNetwork? encoder, double[] task) =>
        encoder is null ? task : Evaluate(encoder, task);

    private double Pair(in SoftQProblem problem, int row, int task)
    {
        double[] state = Row(problem.Observation, row, problem.ObservationDimension);
        double[] action = Row(problem.Action, row, problem.ActionDimension);
        double[] psi = Row(problem.Task, task, problem.TaskDimension);
        double reward = 0, entropy = 0;
        bool terminated = false;
        if (problem.UsesFamily)
        {
            (reward, terminated) = SoftQOracle.Evaluate(problem, row, task);
        }

        if (problem.Estimator != SoftQEstimator.Critic && problem.Alpha != 0)
        {
            entropy = -problem.Alpha * LogProbability(Policy(state, psi), action);
        }

        if (problem.Estimator != SoftQEstimator.Bellman)
        {
            return entropy + (terminated ? reward : Critics(state, action, psi, problem.Twin));
        }

        if (terminated)
        {
            return reward + entropy;
        }

        double[] next = Row(problem.NextObservation, row, problem.ObservationDimension), output = Policy(next, psi);
        double[] nextAction = new double[action.Length];
        for (int d = 0; d < action.Length; d++)
        {
            double x = output[d] + (Math.Exp(LogDeviation(output[action.Length + d]))
                * SoftQOracle.Normal(problem, row, task, d));
            nextAction[d] = (Math.Tanh(x) * Scale(d)) + Bias(d);
        }

        return reward + entropy + (problem.Gamma * Critics(next, nextAction, psi, problem.Twin));
    }

    private double Critics(double[] state, double[] action, double[] psi, TwinCombination twin)
    {
        double[] task = Encoded(agent.CriticTaskEncoder, psi);
        double[] values =
        [
            .. agent.Critics.Select(critic => agent.IsDiscrete
                ? Evaluate(critic, [.. state, .. task])[Number(action)]
                : Evaluate(critic, [.. state, .. action, .. task])[0]),
        ];
        return twin switch
        {
            TwinCombination.First => values[0],
            TwinCombination.Mean => values.Average(),
            _ => values.Any(double.IsNaN) ? double.NaN : values.Min(),
        };
    }

    // Of an action that is its number, or 1 at its number and 0 elsewhere.
    private static int Number(double[] action) => action.Length == 1 ? (int)action[0] : Array.IndexOf(action, 1.0);

    private double[] Policy(double[] state, double[] psi) =>
        Evaluate(agent.Actor!, [.. state, .. Encoded(agent.ActorTaskEncoder, psi)]);

    // a = tanh(x) scale + bias: each entry's density is the Gaussian's of x, over scale (1 - tanh(x)^2).
    private double LogProbability(double[] output, double[] action)
    {
        double sum = 0;
        for (int d = 0; d < action.Length; d++)
        {
            double squashed = Math.Max(-Reach, Math.Min(Reach, (action[d] - Bias(d)) / Scale(d)));
            double x = 0.5 * (Math.Log(1 + squashed) - Math.Log(1 - squashed));
            double deviation = Math.Exp(LogDeviation(output[action.Length + d])), z = (x - output[d]) / deviation;
            sum += (-z * z / 2) - Math.Log(deviation * Math.Sqrt(2 * Math.PI))
                - Math.Log(Scale(d) * (1 - (squashed * squashed)));
        }

        return sum;
    }

    private double LogDeviation(double raw)
    {
        double low = agent.LogStd.Low, high = agent.LogStd.High;
        return agent.LogStd.IsSquashed
            ? low + ((high - low) * (Math.Tanh(raw) + 1) / 2)
            : raw < low ? low : raw > high ? high : raw;
    }

    private double Scale(int entry) => agent.ActionScale.IsEmpty ? 1 : agent.ActionScale.Span[entry];

    private double Bias(int entry) => agent.ActionBias.IsEmpty ? 0 : agent.ActionBias.Span[entry];
}

using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Kernels.Conformance.SoftQ;

/// <summary>
/// The soft-Q matrix as the kernels on tensor cores define it: in double, but for what is rounded to bf16, the operands
/// of the second layers. So what is left between it and the kernels is fp32 rounding, whose size it tells pair by pair;
/// a number in the wrong place shows a hundred times above.
/// </summary>
/// <remarks>
/// A number within fp32 rounding of the middle between two bf16 numbers may become either; the difference then counts
/// as an error of its own. Errors are taken to first order and add up as independent ones do, in the square: that of a
/// sum of thousands in the worst case says nothing.
/// </remarks>
internal static class Bf16SoftQReference
{
    /// <summary>
    /// Of the magnitudes that are summed, or of a function's value: a few roundings, and those of sums of any order,
    /// which mostly cancel.
    /// </summary>
    private const double Rounding = 4.0 / (1 << 24);

    private const int Bf16Bits = 8;

    /// <summary>How many of its errors a pair may be off.</summary>
    private const double Deviations = 6;

    /// <summary>
    /// What that may come to on average over the pairs, relative to the spread: a fifth of what bf16 may be off, or the
    /// test says nothing.
    /// </summary>
    private const double MeanBound = 2e-3;

    /// <summary>Q~, <c>[B, K]</c>, with the error that fp32 leaves.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="roundsActor">Whether the actor's second layer is rounded to bf16; for telling errors apart.</param>
    /// <param name="roundsCritics">The same for the critics.</param>
    /// <returns>The matrix.</returns>
    public static Bounded[] Compute(in SoftQProblem problem, bool roundsActor = true, bool roundsCritics = true)
    {
        Networks networks = new(problem, roundsActor, roundsCritics);
        Bounded[] softQ = new Bounded[problem.Rows * problem.Candidates];
        for (int pair = 0; pair < softQ.Length; pair++)
        {
            softQ[pair] = Pair(problem, pair / problem.Candidates, pair % problem.Candidates, networks);
        }

        return softQ;
    }

    /// <summary>Fails unless a session in bf16 is off by no more than fp32 leaves.</summary>
    public static void AssertExact(ComputeSession session, SoftQCase data) => AssertExact(session, data, 0, data.Rows);

    /// <summary>The same for so many rows from one on, as they are to be with all of them.</summary>
    public static void AssertExact(ComputeSession session, SoftQCase data, int firstRow, int rows)
    {
        Bounded[] expected = Compute(data.Problem);
        double spread = Math.Max(1, Tolerance.Spread(expected.Select(pair => pair.Value)));
        double mean = Deviations * expected.Average(pair => pair.Error) / spread;
        Assert.True(mean < MeanBound, $"The bounds say little: {mean:g3} of the spread on average.");
        float[] found = new float[rows * data.Candidates];
        found.AsSpan().Fill(float.NaN);
        session.SoftQ.Compute(data.Block(firstRow, rows), found);
        for (int i = 0; i < found.Length; i++)
        {
            int pair = (firstRow * data.Candidates) + i;
            Assert.True(
                Math.Abs(found[i] - expected[pair].Value) <= Deviations * expected[pair].Error,
                $"Pair {pair}: expected {expected[pair].Value:R}, found {found[i]:R}, error of fp32 "
                + $"{expected[pair].Error:g3}.");
        }
    }

    private static Bounded Pair(in SoftQProblem problem, int row, int task, in Networks networks)
    {
        Bounded[] s = Row(problem.Observation, row, problem.ObservationDimension), a = Row(
            problem.Action, row, problem.ActionDimension);
        Bounded[] psi = Row(problem.Task, task, problem.TaskDimension);
        bool isBellman = problem.Estimator == SoftQEstimator.Bellman;
        bool judges = isBellman || (problem.ExactTerminalValue && problem.Family is not null);
        (double reward, bool terminated) = judges ? SoftQOracle.Evaluate(problem, row, task) : default;
        Bounded value = Exact(reward);
        if (isBellman && !terminated)
        {
            Bounded[] next = Row(problem.NextObservation, row, problem.ObservationDimension);
            Bounded[] sampled = SampleAction(problem, networks.Actor!.Forward([.. next, .. psi]), row, task);
            value = Add(value, Scale(Critic(problem, networks, [.. next, .. sampled, .. psi]), problem.Gamma));
        }
        else if (!isBellman && !terminated)
        {
            value = Critic(problem, networks, [.. s, .. a, .. psi]);
        }

        return problem.Estimator == SoftQEstimator.Critic
            ? value
            : Add(value, Scale(LogProbability(networks.Actor!.Forward([.. s, .. psi]), a), -problem.Alpha));
    }

    private static Bounded Critic(in SoftQProblem problem, in Networks networks, Bounded[] input)
    {
        Bounded first = networks.Critic1.Forward(input)[0];
        if (networks.Critic2 is null || problem.Twin == TwinCombination.First)
        {
            return first;
        }

        Bounded second = networks.Critic2.Forward(input)[0];
        return problem.Twin == TwinCombination.Mean
            ? Scale(Add(first, second), 0.5)
            : new Bounded(Math.Min(first.Value, second.Value), Math.Max(first.Error, second.Error));
    }

    private static Bounded LogProbability(Bounded[] output, Bounded[] action)
    {
        Bounded sum = default;
        for (int d = 0; d < action.Length; d++)
        {
            double a = Math.Clamp(action[d].Value, -PolicyOracle.MaxAction, PolicyOracle.MaxAction), x = Math.Atanh(a);
            Bounded mean = output[d], logDeviation = LogDeviation(output[action.Length + d]);
            double inverse = Math.Exp(-logDeviation.Value), z = (x - mean.Value) * inverse,
                derivative = Math.Log(1 - (a * a));

            // The square's slope is z, and the deviation's share of that another z: where z is large, errors of the
            // actor are, too.
            double error = inverse * (mean.Error + (Rounding * (Math.Abs(x) + Math.Abs(mean.Value))));
            error += Math.Abs(z) * (logDeviation.Error + (Rounding * (1 + Math.Abs(logDeviation.Value))));
            sum = Add(sum, new Bounded(-z * z / 2, (Math.Abs(z) * error) + (error * error / 2)));
            sum = Add(sum, new Bounded(-logDeviation.Value - (0.5 * Math.Log(2 * Math.PI)), logDeviation.Error));
            sum = Add(sum, new Bounded(-derivative, Rounding * (1 + Math.Abs(derivative))));
        }

        return sum;
    }

    private static Bounded[] SampleAction(in SoftQProblem problem, Bounded[] output, int row, int task)
    {
        Bounded[] action = new Bounded[problem.ActionDimension];
        for (int d = 0; d < action.Length; d++)
        {
            Bounded mean = output[d], logDeviation = LogDeviation(output[action.Length + d]);
            double noise = Math.Exp(logDeviation.Value) * SoftQOracle.Normal(problem, row, task, d),
                x = mean.Value + noise;
            double error = mean.Error + (Math.Abs(noise) * (logDeviation.Error + Rounding))
                + (Rounding * Math.Abs(mean.Value)), tanh = Math.Tanh(x);

            // The slope of tanh is 1 - tanh^2, and changes by no more than itself for a change of x of one half.
            action[d] = new Bounded(tanh, (2 * (1 - (tanh * tanh)) * error) + Rounding);
        }

        return action;
    }

    private static Bounded LogDeviation(Bounded raw)
    {
        double clamped = PolicyOracle.LogDeviation(raw.Value);
        double above = PolicyOracle.LogDeviation(raw.Value + raw.Error) - clamped,
            below = clamped - PolicyOracle.LogDeviation(raw.Value - raw.Error);
        return new Bounded(clamped, Math.Max(above, below));
    }

    private static Bounded Round(Bounded unit)
    {
        double rounded = Round(unit.Value), low = Round(unit.Value - unit.Error), high = Round(unit.Value + unit.Error);
        return new Bounded(rounded, Math.Max(high - rounded, rounded - low));
    }

    // To the nearest number of eight significant bits, ties to even.
    private static double Round(double value)
    {
        if (value == 0)
        {
            return 0;
        }

        double unit = Math.ScaleB(1, Math.ILogB(value) + 1 - Bf16Bits);
        return Math.Round(value / unit, MidpointRounding.ToEven) * unit;
    }

    private static Bounded Relu(Bounded x) => new(Math.Max(x.Value, 0), x.Value < -x.Error ? 0 : x.Error);

    private static Bounded Exact(double value) => new(value, 0);

    private static Bounded Add(Bounded a, Bounded b) =>
        new(a.Value + b.Value, Math.Sqrt((a.Error * a.Error) + (b.Error * b.Error)));

    private static Bounded Scale(Bounded a, double factor) => new(a.Value * factor, a.Error * Math.Abs(factor));

    private static Bounded[] Row(ReadOnlySpan<float> matrix, int row, int columns)
    {
        Bounded[] values = new Bounded[columns];
        for (int i = 0; i < columns; i++)
        {
            values[i] = Exact(matrix[(row * columns) + i]);
        }

        return values;
    }

    /// <summary>A number and what fp32 may be off by.</summary>
    internal readonly record struct Bounded(double Value, double Error);

    private readonly struct Networks(in SoftQProblem problem, bool roundsActor, bool roundsCritics)
    {
        public readonly Network Critic1 = new(problem.Critic1, roundsCritics);
        public readonly Network? Critic2 = problem.Critic2 is null ? null : new Network(problem.Critic2, roundsCritics);
        public readonly Network? Actor = problem.Actor is null ? null : new Network(problem.Actor, roundsActor);
    }

    private sealed class Network
    {
        private readonly bool _rounds;
        private readonly double[][][] _weights;
        private readonly double[][] _biases;

        public Network(MlpParameters parameters, bool rounds)
        {
            _rounds = rounds;
            _biases = [.. Enumerable.Range(0, 3).Select(layer => Doubles(parameters.Bias(layer)))];
            _weights = [.. Enumerable.Range(0, 3).Select(layer =>
                Enumerable.Range(0, parameters.LayerInputs(layer)).Select(
                    input => Doubles(parameters.WeightRow(layer, input))).ToArray())];
            if (rounds)
            {
                _weights[1] = [.. _weights[1].Select(row => row.Select(Round).ToArray())];
            }
        }

        public Bounded[] Forward(Bounded[] input)
        {
            Bounded[] units = [.. Layer(0, input).Select(unit => _rounds ? Round(Relu(unit)) : Relu(unit))];
            return Layer(2, [.. Layer(1, units).Select(Relu)]);
        }

        private static double[] Doubles(ReadOnlySpan<float> values)
        {
            double[] doubles = new double[values.Length];
            for (int i = 0; i < doubles.Length; i++)
            {
                doubles[i] = values[i];
            }

            return doubles;
        }

        // b + W x, with what rounding of the sum leaves: a share of the magnitudes that are added.
        private Bounded[] Layer(int layer, Bounded[] input)
        {
            double[] sum = [.. _biases[layer]], magnitude = [.. sum.Select(Math.Abs)], squares = new double[sum.Length];
            for (int i = 0; i < input.Length; i++)
            {
                double[] weights = _weights[layer][i];
                double x = input[i].Value, square = input[i].Error * input[i].Error;
                for (int o = 0; o < sum.Length; o++)
                {
                    double term = x * weights[o];
                    sum[o] += term;
                    magnitude[o] += Math.Abs(term);
                    squares[o] += square * weights[o] * weights[o];
                }
            }

            return [.. sum.Select(
                (value, o) =>
                    new Bounded(value, Math.Sqrt(squares[o] + (Rounding * magnitude[o] * Rounding * magnitude[o]))))];
        }
    }
}

using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tests.Oracles;

namespace HipiFast.Kernels.Ilgpu.Tests.TensorCores;

/// <summary>
/// The soft-Q matrix as the kernels on tensor cores define it: in double, but for what is rounded to bf16, the operands of the second layers. So what
/// is left between it and the kernels is fp32 rounding, which it bounds pair by pair; a number in the wrong place shows a thousand times above.
/// </summary>
/// <remarks>
/// A number within fp32 rounding of the middle between two bf16 numbers may become either; then both count. The rest is the usual running error
/// analysis to first order.
/// </remarks>
internal static class Bf16SoftQReference
{
    /// <summary>Of the largest partial sum, or of a function's value: a few roundings, and those of sums of any order, which mostly cancel.</summary>
    private const double Rounding = 4.0 / (1 << 24);

    /// <summary>Q~, <c>[B, K]</c>, with bounds of the error that fp32 leaves.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="roundsActor">Whether the actor's second layer is rounded to bf16; for telling errors apart.</param>
    /// <param name="roundsCritics">The same for the critics.</param>
    /// <returns>The matrix.</returns>
    public static Bounded[] Compute(in SoftQProblem problem, bool roundsActor = true, bool roundsCritics = true)
    {
        Bounded[] softQ = new Bounded[problem.Rows * problem.Candidates];
        for (int pair = 0; pair < softQ.Length; pair++)
        {
            softQ[pair] = Pair(problem, pair / problem.Candidates, pair % problem.Candidates, roundsActor, roundsCritics);
        }

        return softQ;
    }

    private static Bounded Pair(in SoftQProblem problem, int row, int task, bool roundsActor, bool roundsCritics)
    {
        Bounded[] s = Row(problem.Observation, row, problem.ObservationDimension), a = Row(problem.Action, row, problem.ActionDimension);
        Bounded[] psi = Row(problem.Task, task, problem.TaskDimension);
        bool isBellman = problem.Estimator == SoftQEstimator.Bellman, judges = isBellman || (problem.ExactTerminalValue && problem.Family is not null);
        (double reward, bool terminated) = judges ? SoftQOracle.Evaluate(problem, row, task) : default;
        Bounded value = Exact(reward);
        if (isBellman && !terminated)
        {
            Bounded[] next = Row(problem.NextObservation, row, problem.ObservationDimension);
            Bounded[] sampled = SampleAction(problem, Forward(problem.Actor!, [.. next, .. psi], roundsActor), row, task);
            value = Add(value, Scale(Critic(problem, [.. next, .. sampled, .. psi], roundsCritics), problem.Gamma));
        }
        else if (!isBellman && !terminated)
        {
            value = Critic(problem, [.. s, .. a, .. psi], roundsCritics);
        }

        return problem.Estimator == SoftQEstimator.Critic
            ? value
            : Add(value, Scale(LogProbability(Forward(problem.Actor!, [.. s, .. psi], roundsActor), a), -problem.Alpha));
    }

    private static Bounded Critic(in SoftQProblem problem, Bounded[] input, bool rounds)
    {
        Bounded first = Forward(problem.Critic1, input, rounds)[0];
        if (problem.Critic2 is null || problem.Twin == TwinCombination.First)
        {
            return first;
        }

        Bounded second = Forward(problem.Critic2, input, rounds)[0];
        return problem.Twin == TwinCombination.Mean
            ? Scale(Add(first, second), 0.5)
            : new Bounded(Math.Min(first.Value, second.Value), Math.Max(first.Error, second.Error));
    }

    private static Bounded LogProbability(Bounded[] output, Bounded[] action)
    {
        Bounded sum = default;
        for (int d = 0; d < action.Length; d++)
        {
            double a = Math.Clamp(action[d].Value, -SoftQOracle.MaxAction, SoftQOracle.MaxAction), x = Math.Atanh(a);
            Bounded mean = output[d], logDeviation = LogDeviation(output[action.Length + d]);
            double inverse = Math.Exp(-logDeviation.Value), z = (x - mean.Value) * inverse, derivative = Math.Log(1 - (a * a));

            // The square's slope is z, and the deviation's share of that another z: where z is large, errors of the actor are, too.
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
            double noise = Math.Exp(logDeviation.Value) * SoftQOracle.Normal(problem, row, task, d), x = mean.Value + noise;
            double error = mean.Error + (Math.Abs(noise) * (logDeviation.Error + Rounding)) + (Rounding * Math.Abs(mean.Value)), tanh = Math.Tanh(x);

            // The slope of tanh is 1 - tanh^2, and changes by no more than itself for a change of x of one half.
            action[d] = new Bounded(tanh, (2 * (1 - (tanh * tanh)) * error) + Rounding);
        }

        return action;
    }

    private static Bounded LogDeviation(Bounded raw)
    {
        double clamped = SoftQOracle.LogDeviation(raw.Value);
        return new Bounded(clamped, Math.Max(
            Math.Abs(SoftQOracle.LogDeviation(raw.Value + raw.Error) - clamped), Math.Abs(SoftQOracle.LogDeviation(raw.Value - raw.Error) - clamped)));
    }

    private static Bounded[] Forward(MlpParameters network, Bounded[] input, bool rounds)
    {
        Bounded[] units = Layer(network, 0, input, value => value);
        units = [.. units.Select(unit => rounds ? Round(Relu(unit)) : Relu(unit))];
        units = [.. Layer(network, 1, units, weight => rounds ? Round(weight) : weight).Select(Relu)];
        return Layer(network, 2, units, value => value);
    }

    // b + W x, with what rounding of the sum leaves: a share of the magnitudes that are added.
    private static Bounded[] Layer(MlpParameters network, int layer, Bounded[] input, Func<double, double> round)
    {
        Bounded[] output = new Bounded[network.LayerOutputs(layer)];
        double[] magnitude = new double[output.Length];
        for (int o = 0; o < output.Length; o++)
        {
            output[o] = Exact(network.Bias(layer)[o]);
            magnitude[o] = Math.Abs(output[o].Value);
        }

        for (int i = 0; i < input.Length; i++)
        {
            Span<float> weights = network.WeightRow(layer, i);
            for (int o = 0; o < output.Length; o++)
            {
                Bounded term = Scale(input[i], round(weights[o]));
                output[o] = Add(output[o], term);
                magnitude[o] += Math.Abs(term.Value);
            }
        }

        return [.. output.Zip(magnitude, (sum, size) => new Bounded(sum.Value, sum.Error + (Rounding * size)))];
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

        double unit = Math.ScaleB(1, Math.ILogB(value) - 7);
        return Math.Round(value / unit, MidpointRounding.ToEven) * unit;
    }

    private static Bounded Relu(Bounded x) => new(Math.Max(x.Value, 0), x.Value < -x.Error ? 0 : x.Error);

    private static Bounded Exact(double value) => new(value, 0);

    private static Bounded Add(Bounded a, Bounded b) => new(a.Value + b.Value, a.Error + b.Error);

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

    /// <summary>A number and how far fp32 may be from it.</summary>
    internal readonly record struct Bounded(double Value, double Error);
}

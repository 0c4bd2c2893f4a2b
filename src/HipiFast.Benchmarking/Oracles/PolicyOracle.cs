using HipiFast.Kernels.Networks;

namespace HipiFast.Benchmarking.Oracles;

/// <summary>A policy in double precision: a Gaussian whose samples are squashed by tanh.</summary>
/// <param name="network">The actor: means, then logarithms of standard deviations.</param>
public sealed class PolicyOracle(MlpParameters network)
{
    /// <summary>Largest magnitude of an action of which a log-probability is taken.</summary>
    public const double MaxAction = 1 - 1e-6;

    /// <summary>The actor.</summary>
    public NetworkOracle Network { get; } = new(network);

    /// <summary>The clamped logarithm of a standard deviation.</summary>
    /// <param name="raw">The actor's output.</param>
    /// <returns>It, from -20 to 2; NaN stays.</returns>
    public static double LogDeviation(double raw) => raw < -20 ? -20 : raw > 2 ? 2 : raw;

    /// <summary>log pi(a | s, psi); the change of variables takes log(1 - a^2) off for each entry.</summary>
    /// <param name="input">(s, psi).</param>
    /// <param name="action">a, entries from -1 to 1; those at the ends are moved inside by 1e-6.</param>
    /// <returns>Nats.</returns>
    public double LogProbability(double[] input, double[] action)
    {
        ArgumentNullException.ThrowIfNull(action);
        double[] output = Network.Evaluate(input);
        double sum = 0;
        for (int d = 0; d < action.Length; d++)
        {
            double clamped = Math.Max(-MaxAction, Math.Min(MaxAction, action[d]));
            double x = 0.5 * (Math.Log(1 + clamped) - Math.Log(1 - clamped));
            double deviation = Math.Exp(LogDeviation(output[action.Length + d]));
            double z = (x - output[d]) / deviation;
            sum += (-z * z / 2) - Math.Log(deviation * Math.Sqrt(2 * Math.PI)) - Math.Log(1 - (clamped * clamped));
        }

        return sum;
    }

    /// <summary>An action, and how likely it was.</summary>
    /// <param name="input">(s, psi).</param>
    /// <param name="noise">Standard normal numbers, one for each entry of an action.</param>
    /// <returns>The action, and log pi of it in nats.</returns>
    public (double[] Action, double LogProbability) Sample(double[] input, double[] noise)
    {
        ArgumentNullException.ThrowIfNull(noise);
        double[] output = Network.Evaluate(input), action = new double[noise.Length];
        double logProbability = 0;
        for (int d = 0; d < action.Length; d++)
        {
            double logDeviation = LogDeviation(
                output[action.Length + d]), x = output[d] + (Math.Exp(logDeviation) * noise[d]);
            action[d] = Math.Tanh(x);

            // 2 log cosh x = -log(1 - tanh^2 x), without what the squaring of a number near 1 loses.
            double logCosh = Math.Abs(x) + Math.Log(1 + Math.Exp(-2 * Math.Abs(x))) - Math.Log(2);
            logProbability += (
                -0.5 * noise[d] * noise[d]) - logDeviation - (0.5 * Math.Log(2 * Math.PI)) + (2 * logCosh);
        }

        return (action, logProbability);
    }
}

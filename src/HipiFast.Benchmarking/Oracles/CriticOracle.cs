using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Benchmarking.Oracles;

/// <summary>One critic or twin critics in double precision: what their outputs come to as a value.</summary>
public sealed class CriticOracle
{
    private readonly CriticRange _range;

    /// <summary>Copies critics.</summary>
    /// <param name="first">The first critic.</param>
    /// <param name="second">The second; null where there is one.</param>
    /// <param name="range">Bounds of their values.</param>
    public CriticOracle(MlpParameters first, MlpParameters? second, CriticRange range)
    {
        _range = range;
        Networks = second is null ? [new(first)] : [new(first), new(second)];
    }

    /// <summary>The networks, one or two.</summary>
    public IReadOnlyList<NetworkOracle> Networks { get; }

    /// <summary>The value that one of the critics gives.</summary>
    /// <param name="network">Of <see cref="Networks"/>.</param>
    /// <param name="input">(s, a, psi).</param>
    /// <returns>Its output, where the range is bounded squashed into it by a sigmoid.</returns>
    public double Value(NetworkOracle network, double[] input)
    {
        ArgumentNullException.ThrowIfNull(network);
        double output = network.Evaluate(input)[0], width = (double)_range.High - _range.Low;
        return width > 0 ? _range.Low + (width / (1 + Math.Exp(-output))) : output;
    }

    /// <summary>The value that the critics give together.</summary>
    /// <param name="input">(s, a, psi).</param>
    /// <param name="twin">How two of them are combined.</param>
    /// <returns>The first one's value, the smaller of both, or their mean; NaN where one that counts is NaN.</returns>
    public double Value(double[] input, TwinCombination twin)
    {
        double first = Value(Networks[0], input);
        if (Networks.Count == 1 || twin == TwinCombination.First)
        {
            return first;
        }

        double second = Value(Networks[1], input);
        return twin == TwinCombination.Min ? Math.Min(first, second) : 0.5 * (first + second);
    }
}

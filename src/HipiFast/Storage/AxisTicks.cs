using System.Globalization;

namespace HipiFast.Storage;

/// <summary>Round numbers along an axis, 1, 2 or 5 times a power of ten apart, and how to write them.</summary>
internal sealed class AxisTicks
{
    // Part of a spacing by which a tick may lie outside the range, so that rounding does not cost the range its own
    // ends.
    private const double Tolerance = 1e-9;

    private readonly double _spacing;
    private readonly double _unit;
    private readonly string _suffix;

    /// <summary>Chooses ticks inside a range.</summary>
    /// <param name="low">Lower end.</param>
    /// <param name="high">Upper end, above <paramref name="low"/>.</param>
    /// <param name="most">Most ticks, 2 or more.</param>
    public AxisTicks(double low, double high, int most)
    {
        // The power of ten below half of the tightest spacing that could do; one of the multiples then does.
        double power = Math.Pow(10, Math.Floor(Math.Log10((high - low) / (2 * most))));
        double first = 0, last = 0;
        foreach (double multiple in (ReadOnlySpan<double>)[1, 2, 5, 10, 20, 50, 100])
        {
            _spacing = multiple * power;
            first = Math.Ceiling((low / _spacing) - Tolerance);
            last = Math.Floor((high / _spacing) + Tolerance);
            if (last - first < most)
            {
                break;
            }
        }

        Values = [.. Enumerable.Range(0, Math.Max(0, (int)(last - first) + 1)).Select(i => (first + i) * _spacing)];
        double largest = Math.Max(Math.Abs(low), Math.Abs(high));
        (_unit, _suffix) = largest switch
        {
            >= 1e9 => (1e9, "G"),
            >= 1e6 => (1e6, "M"),
            >= 1e4 => (1e3, "k"),
            _ => (1.0, ""),
        };
    }

    /// <summary>The ticks, ascending.</summary>
    public IReadOnlyList<double> Values { get; }

    /// <summary>A tick as text, with as many decimals as the spacing needs: 0.25, 50k, 1.5M.</summary>
    public string Format(double value)
    {
        double scaled = value / _unit;
        double spacing = _spacing / _unit;
        int decimals = spacing is >= 1 or < 1e-9 ? 0 : (int)Math.Ceiling(-Math.Log10(spacing) - 1e-9);
        return scaled == 0 ? "0" : scaled.ToString("F" + decimals, CultureInfo.InvariantCulture) + _suffix;
    }
}

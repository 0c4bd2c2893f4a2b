using HipiFast.Benchmarking.Results;

namespace HipiFast.Benchmarking.Gate;

/// <summary>What the gate says of one benchmark.</summary>
public enum Verdict
{
    /// <summary>No change that counts.</summary>
    Same,

    /// <summary>A regression.</summary>
    Slower,

    /// <summary>An improvement.</summary>
    Faster,
}

/// <summary>One benchmark, before and after.</summary>
/// <param name="Name">The benchmark.</param>
/// <param name="BaseSeconds">Median of a call before.</param>
/// <param name="NewSeconds">Median of a call after.</param>
/// <param name="Ratio">Estimate of time after over time before.</param>
/// <param name="RatioLow">Lower end of its 95% interval (of this benchmark by itself); 0 with too few measurements.</param>
/// <param name="RatioHigh">Upper end; infinite with too few measurements.</param>
/// <param name="Probability">Chance of as clear a change in the same direction by luck alone, corrected for the number of benchmarks (Holm).</param>
/// <param name="RestartRatios">Of a paired run: the ratio in each restart, in their order; else empty.</param>
/// <param name="Verdict">What the gate says.</param>
public sealed record ComparedBenchmark(
    string Name,
    double BaseSeconds,
    double NewSeconds,
    double Ratio,
    double RatioLow,
    double RatioHigh,
    double Probability,
    IReadOnlyList<double> RestartRatios,
    Verdict Verdict);

/// <summary>Two result sets side by side.</summary>
/// <param name="Rule">What counted as a change.</param>
/// <param name="Method">How it was tested, in a few words.</param>
/// <param name="Base">What was compared with: path, machine and commit.</param>
/// <param name="New">What was compared.</param>
/// <param name="Benchmarks">The benchmarks in common, by name.</param>
/// <param name="OnlyInBase">Benchmarks that are gone.</param>
/// <param name="OnlyInNew">Benchmarks that are new.</param>
public sealed record Comparison(
    GateRule Rule,
    string Method,
    string Base,
    string New,
    IReadOnlyList<ComparedBenchmark> Benchmarks,
    IReadOnlyList<string> OnlyInBase,
    IReadOnlyList<string> OnlyInNew)
{
    /// <summary>Whether a benchmark became slower.</summary>
    public bool HasRegression => Benchmarks.Any(benchmark => benchmark.Verdict == Verdict.Slower);

    /// <summary>Compares two result sets: Mann-Whitney's test on the raw measurements of each benchmark.</summary>
    /// <param name="basePath">File or folder, see <see cref="ResultSet.Load"/>.</param>
    /// <param name="newPath">File or folder.</param>
    /// <param name="rule">What counts as a change.</param>
    /// <returns>The comparison.</returns>
    /// <exception cref="InvalidDataException">A file is truncated or foreign, or the sets have no benchmark in common.</exception>
    /// <exception cref="IOException">A file or folder is missing.</exception>
    public static Comparison OfResults(string basePath, string newPath, GateRule rule)
    {
        rule.Validate();
        ResultSet before = ResultSet.Load(basePath), after = ResultSet.Load(newPath);
        (string[] names, string[] gone, string[] added) = Match(basePath, before.Benchmarks.Keys, newPath, after.Benchmarks.Keys);
        IEnumerable<Contrast> contrasts = names.Select(name =>
        {
            IReadOnlyList<double> x = before.Benchmarks[name].Seconds, y = after.Benchmarks[name].Seconds;
            return new Contrast(name, Median(x), Median(y), LocationTests.MannWhitney(Logarithms(x), Logarithms(y)), []);
        });
        return new Comparison(
            rule, "Mann-Whitney", Describe(basePath, before), Describe(newPath, after), Judge([.. contrasts], rule), gone, added);

        static double[] Logarithms(IEnumerable<double> values) => [.. values.Select(value => Math.Log(value))];

        static string Describe(string path, ResultSet set) => set.Description.Length > 0 ? $"{path} ({set.Description})" : path;
    }

    /// <summary>Finds the names in common.</summary>
    /// <exception cref="InvalidDataException">There is none; the message shows one of each side.</exception>
    internal static (string[] Common, string[] OnlyInBase, string[] OnlyInNew) Match(
        string basePath, IEnumerable<string> baseNames, string newPath, IEnumerable<string> newNames)
    {
        string[] before = [.. baseNames.Order(StringComparer.Ordinal)], after = [.. newNames.Order(StringComparer.Ordinal)];
        string[] common = [.. before.Intersect(after)];
        return common.Length > 0
            ? (common, [.. before.Except(after)], [.. after.Except(before)])
            : throw new InvalidDataException(
                $"{basePath} and {newPath} have no benchmark in common; the first has '{before[0]}', the second '{after[0]}'.");
    }

    /// <summary>Applies the rule to benchmarks whose tests were made; either direction is a family of tests of its own.</summary>
    internal static ComparedBenchmark[] Judge(IReadOnlyList<Contrast> contrasts, GateRule rule)
    {
        double[] above = LocationTests.Holm([.. contrasts.Select(contrast => contrast.Shift.AboveProbability)]);
        double[] below = LocationTests.Holm([.. contrasts.Select(contrast => contrast.Shift.BelowProbability)]);
        double threshold = Math.Log(1 + rule.Threshold);
        return [.. contrasts.Select((contrast, i) =>
        {
            LocationShift shift = contrast.Shift;
            bool counts = Math.Abs(shift.Shift) > threshold
                && Math.Abs(Math.Exp(shift.Shift) - 1) * contrast.BaseSeconds > rule.NoiseFloorSeconds;
            Verdict verdict = counts && above[i] <= rule.Significance ? Verdict.Slower
                : counts && below[i] <= rule.Significance ? Verdict.Faster : Verdict.Same;
            return new ComparedBenchmark(
                contrast.Name,
                contrast.BaseSeconds,
                contrast.NewSeconds,
                Math.Exp(shift.Shift),
                Math.Exp(shift.Low),
                Math.Exp(shift.High),
                shift.Shift > 0 ? above[i] : below[i],
                [.. contrast.RestartShifts.Select(value => Math.Exp(value))],
                verdict);
        })];
    }

    /// <summary>The median.</summary>
    internal static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

/// <summary>A benchmark before and after, tested but not judged yet.</summary>
/// <param name="Name">The benchmark.</param>
/// <param name="BaseSeconds">Median before.</param>
/// <param name="NewSeconds">Median after.</param>
/// <param name="Shift">Difference of the logarithms of the times.</param>
/// <param name="RestartShifts">Of a paired run: the difference in each restart.</param>
internal readonly record struct Contrast(
    string Name, double BaseSeconds, double NewSeconds, LocationShift Shift, IReadOnlyList<double> RestartShifts);

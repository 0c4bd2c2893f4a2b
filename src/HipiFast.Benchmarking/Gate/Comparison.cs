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

    /// <summary>The machine's peak has moved, and whether the program has changed cannot be told from that.</summary>
    ConditionsDiffer,
}

/// <summary>What of a benchmark is compared.</summary>
public enum Measure
{
    /// <summary>The median time of a call.</summary>
    Median,

    /// <summary>The 99th percentile of the time of a call.</summary>
    Tail,

    /// <summary>The time of the first call in a process.</summary>
    FirstCall,

    /// <summary>Bytes that a call allocates on the managed heap; <see cref="Verdict.Slower"/> is more.</summary>
    Allocated,
}

/// <summary>One measure of a benchmark, before and after.</summary>
/// <param name="Name">The benchmark.</param>
/// <param name="Measure">What of it.</param>
/// <param name="Before">Median before: seconds, or bytes.</param>
/// <param name="After">Median after.</param>
/// <param name="Ratio">
/// Estimate of what is after over what was before; infinite where nothing was allocated before.
/// </param>
/// <param name="RatioLow">
/// Lower end of its 95% interval (of this row by itself); 0 with too few measurements.
/// </param>
/// <param name="RatioHigh">Upper end; infinite with too few measurements.</param>
/// <param name="Probability">
/// Chance of as clear a change in either direction by luck alone, corrected for the number of times compared (Holm);
/// two-sided, as the interval is. Of allocations, which know no luck, 0 or 1.
/// </param>
/// <param name="RestartRatios">Of a paired run: the ratio in each restart, in their order; else empty.</param>
/// <param name="Verdict">What the gate says.</param>
/// <param name="PeakRatio">
/// The machine's peak after over its peak before, where both were measured beside the benchmark: the ratio is then one
/// of fractions of the peak. Null otherwise.
/// </param>
public sealed record ComparedBenchmark(
    string Name,
    Measure Measure,
    double Before,
    double After,
    double Ratio,
    double RatioLow,
    double RatioHigh,
    double Probability,
    IReadOnlyList<double> RestartRatios,
    Verdict Verdict,
    double? PeakRatio);

/// <summary>Two result sets side by side.</summary>
/// <param name="Rule">What counted as a change.</param>
/// <param name="Method">How it was tested, in a few words.</param>
/// <param name="Base">What was compared with: path, machine and commit.</param>
/// <param name="New">What was compared.</param>
/// <param name="Benchmarks">
/// What was compared of the benchmarks in common: first the times by name, then the allocations by name.
/// </param>
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
    /// <summary>Whether a benchmark became slower or allocates more.</summary>
    public bool HasRegression => Benchmarks.Any(benchmark => benchmark.Verdict == Verdict.Slower);

    /// <summary>
    /// Compares two result sets: Mann-Whitney's test on the raw measurements of each benchmark, as fractions of the
    /// machine's peak where both sets have one, and what a call allocates, where both tell it.
    /// </summary>
    /// <remarks>
    /// Of 99th percentiles and first calls a file holds one number each, which says nothing of how far it strays: they
    /// are judged by <see cref="PairedRun"/>.
    /// </remarks>
    /// <param name="basePath">File or folder, see <see cref="ResultSet.Load"/>.</param>
    /// <param name="newPath">File or folder.</param>
    /// <param name="rule">What counts as a change.</param>
    /// <returns>The comparison.</returns>
    /// <exception cref="InvalidDataException">
    /// A file is truncated or foreign, or the sets have no benchmark in common.
    /// </exception>
    /// <exception cref="IOException">A file or folder is missing.</exception>
    public static Comparison OfResults(string basePath, string newPath, GateRule rule)
    {
        rule.Validate();
        ResultSet before = ResultSet.Load(basePath), after = ResultSet.Load(newPath);
        (string[] names, string[] gone, string[] added) = Match(
            basePath, before.Benchmarks.Keys, newPath, after.Benchmarks.Keys);
        IEnumerable<Contrast> contrasts = names.Select(name =>
        {
            BenchmarkMeasurement one = before.Benchmarks[name], other = after.Benchmarks[name];
            double? peak = one.Peak is double was && other.Peak is double isNow ? isNow / was : null;
            double[] x = Logarithms(one.Seconds), y = Logarithms(other.Seconds);
            LocationShift times = LocationTests.MannWhitney(x, y);
            LocationShift fractions = peak is double ratio
                ? LocationTests.MannWhitney(x, [.. y.Select(value => value + Math.Log(ratio))])
                : times;
            return new Contrast(
                name, Measure.Median, Medians.Of(one.Seconds), Medians.Of(other.Seconds), times, fractions, [], peak);
        });
        IEnumerable<ComparedBenchmark> allocations =
            from name in names
            let was = before.Benchmarks[name].AllocatedBytes
            let isNow = after.Benchmarks[name].AllocatedBytes
            where was is not null && isNow is not null
            select Allocation.Compare(name, [was.Value], [isNow.Value], rule.Threshold);
        return new Comparison(
            rule, "Mann-Whitney", Describe(basePath, before), Describe(newPath, after),
            [.. Judge([.. contrasts], rule), .. allocations], gone, added);

        static double[] Logarithms(IEnumerable<double> values) => [.. values.Select(value => Math.Log(value))];

        static string Describe(string path, ResultSet set) => set.Description.Length > 0
            ? $"{path} ({set.Description})"
            : path;
    }

    /// <summary>Finds the names in common.</summary>
    /// <exception cref="InvalidDataException">There is none; the message shows one of each side.</exception>
    internal static (string[] Common, string[] OnlyInBase, string[] OnlyInNew) Match(
        string basePath, IEnumerable<string> baseNames, string newPath, IEnumerable<string> newNames)
    {
        string[] before = [.. baseNames.Order(StringComparer.Ordinal)],
            after = [.. newNames.Order(StringComparer.Ordinal)];
        string[] common = [.. before.Intersect(after)];
        return common.Length > 0
            ? (common, [.. before.Except(after)], [.. after.Except(before)])
            : throw new InvalidDataException(
                $"{basePath} and {newPath} have no benchmark in common; the first has '{before[0]}', the second "
                + $"'{after[0]}'.");
    }

    /// <summary>Applies the rule to benchmarks whose tests were made.</summary>
    internal static ComparedBenchmark[] Judge(IReadOnlyList<Contrast> contrasts, GateRule rule)
    {
        // Where the peak was measured beside both, what is judged is the fraction of it. A change that shows in the
        // fraction alone, while the peak has moved, may be one of the program or of the machine's balance: the times
        // say which only where they agree.
        double[] times = LocationTests.Holm([.. contrasts.Select(contrast => contrast.Shift.Probability)]);
        double[] fractions = LocationTests.Holm([.. contrasts.Select(contrast => contrast.OfPeak.Probability)]);
        double medianThreshold = Math.Log(1 + rule.Threshold), tailThreshold = Math.Log(1 + rule.TailThreshold);
        double[] peaks = [.. contrasts.Where(
            contrast => contrast.PeakRatio is not null).Select(contrast => Math.Log(contrast.PeakRatio!.Value))];
        bool machineMoved = peaks.Length > 0 && Math.Abs(Medians.Of(peaks)) > medianThreshold;
        return [.. contrasts.Select((contrast, i) =>
        {
            LocationShift shift = contrast.OfPeak;
            Verdict byTime = Of(contrast.Shift, times[i], contrast), byFraction = Of(shift, fractions[i], contrast);
            bool moved = contrast.PeakRatio is double ratio
                ? Math.Abs(Math.Log(ratio)) > medianThreshold
                : machineMoved;
            bool cannotTell = moved && (contrast.PeakRatio is null
                ? byTime != Verdict.Same
                : byFraction != Verdict.Same && byFraction != byTime);
            return new ComparedBenchmark(
                contrast.Name,
                contrast.Measure,
                contrast.Before,
                contrast.After,
                Math.Exp(shift.Shift),
                Math.Exp(shift.Low),
                Math.Exp(shift.High),
                fractions[i],
                [.. contrast.RestartShifts.Select(value => Math.Exp(value))],
                cannotTell ? Verdict.ConditionsDiffer : byFraction,
                contrast.PeakRatio);
        })];

        Verdict Of(LocationShift shift, double probability, in Contrast contrast) =>
            Math.Abs(shift.Shift) <= (contrast.Measure == Measure.Median ? medianThreshold : tailThreshold)
            || Math.Abs(Math.Exp(shift.Shift) - 1) * contrast.Before <= rule.NoiseFloorSeconds
            || probability > rule.Significance ? Verdict.Same
            : shift.Shift > 0 ? Verdict.Slower : Verdict.Faster;
    }
}

/// <summary>A benchmark before and after, tested but not judged yet.</summary>
/// <param name="Name">The benchmark.</param>
/// <param name="Measure">A time of it.</param>
/// <param name="Before">The time before, in seconds.</param>
/// <param name="After">The time after.</param>
/// <param name="Shift">Difference of the logarithms of the times.</param>
/// <param name="OfPeak">
/// The same of the times as fractions of the machine's peak; <paramref name="Shift"/> where there is none.
/// </param>
/// <param name="RestartShifts">Of a paired run: the difference in each restart.</param>
/// <param name="PeakRatio">The machine's peak after over before; null where it was not measured.</param>
internal readonly record struct Contrast(
    string Name,
    Measure Measure,
    double Before,
    double After,
    LocationShift Shift,
    LocationShift OfPeak,
    IReadOnlyList<double> RestartShifts,
    double? PeakRatio);

using HipiFast.Benchmarking.Results;
using HipiFast.Benchmarking.Timing;

namespace HipiFast.Benchmarking.Throughput;

/// <summary>The sizes of a <see cref="ScalingStudy"/> that take one pass, or two.</summary>
/// <param name="Passes">1 or 2.</param>
/// <param name="Smallest">B = K of the smallest fitted.</param>
/// <param name="Law">How time grows with pairs.</param>
/// <param name="SecondsPerPair">At the size next to the other part.</param>
internal sealed record ScalingPart(int Passes, int Smallest, PowerLaw Law, double SecondsPerPair)
{
    // Below, a call's fixed costs show, which are not what grows.
    private const int SmallestFitted = 256;

    /// <summary>Fits a part.</summary>
    /// <param name="results">All sizes, rising.</param>
    /// <param name="passes">1 or 2.</param>
    /// <returns>The part; null where fewer than two sizes are there to fit.</returns>
    public static ScalingPart? Of(IEnumerable<BenchmarkResult> results, int passes)
    {
        BenchmarkResult[] part =
        [
            .. results.Where(
                result => ScalingStudy.Passes(result.Case) == passes && result.Case.Batch >= SmallestFitted),
        ];
        return part.Length < 2 ? null : new ScalingPart(
            passes,
            part[0].Case.Batch,
            PowerLaw.Fit(
                [.. part.Select(result => ((double)result.Case.Batch * result.Case.Candidates, result.MedianSeconds))]),
            1 / part[passes == 1 ? part.Length - 1 : 0].PairsPerSecond);
    }
}

using System.Numerics;

namespace HipiFast.Benchmarks;

/// <summary>
/// Counts durations in buckets whose width grows with them: 64 to a doubling, so that a percentile is right within
/// 1.6%. Recording allocates nothing and costs a few instructions.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int BucketBits = 6;

    private readonly long[] _buckets = new long[(64 - BucketBits) << BucketBits];

    /// <summary>Durations recorded.</summary>
    public long Count { get; private set; }

    /// <summary>Records a duration.</summary>
    /// <param name="nanoseconds">0 or more.</param>
    public void Record(long nanoseconds)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(nanoseconds);
        _buckets[Bucket(nanoseconds)]++;
        Count++;
    }

    /// <summary>The duration that a share of all does not exceed.</summary>
    /// <param name="share">Above 0, at most 1.</param>
    /// <returns>Seconds: the middle of the bucket; NaN when nothing was recorded.</returns>
    public double Percentile(double share)
    {
        long wanted = Math.Max(1, (long)Math.Ceiling(share * Count)), seen = 0;
        for (int bucket = 0; bucket < _buckets.Length && Count > 0; bucket++)
        {
            seen += _buckets[bucket];
            if (seen >= wanted)
            {
                return (Low(bucket) + Low(bucket + 1)) / 2 * 1e-9;
            }
        }

        return double.NaN;
    }

    // Below 2^(BucketBits + 1) a bucket is a nanosecond; above, a doubling is 2^BucketBits of them.
    private static int Bucket(long nanoseconds)
    {
        int shift = Math.Max(0, BitOperations.Log2((ulong)nanoseconds | 1) - BucketBits);
        return (shift << BucketBits) + (int)(nanoseconds >> shift);
    }

    private static double Low(int bucket)
    {
        int shift = Math.Max(0, (bucket >> BucketBits) - 1);
        return (double)(bucket - (shift << BucketBits)) * Math.Pow(2, shift);
    }
}

using System.Globalization;
using System.Numerics;

namespace HipiFast.Benchmarking.Timing;

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

    /// <summary>The number of durations in each bucket, from the shortest on.</summary>
    public ReadOnlySpan<long> Buckets => _buckets;

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <param name="text">Pairs <c>bucket:count</c>, separated by blanks.</param>
    /// <param name="histogram">The histogram.</param>
    /// <returns>False where the text is none.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out LatencyHistogram histogram)
    {
        histogram = new LatencyHistogram();
        foreach (Range part in text.Split(' '))
        {
            ReadOnlySpan<char> pair = text[part];
            int colon = pair.IndexOf(':');
            if (pair.IsEmpty)
            {
                continue;
            }

            if (colon < 0
                || !int.TryParse(pair[..colon], NumberStyles.None, CultureInfo.InvariantCulture, out int bucket)
                || bucket >= histogram._buckets.Length
                || !int.TryParse(pair[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int count))
            {
                return false;
            }

            histogram._buckets[bucket] += count;
            histogram.Count += count;
        }

        return true;
    }

    /// <summary>Duration in the middle of a bucket, in seconds.</summary>
    /// <param name="bucket">Index into <see cref="Buckets"/>.</param>
    public static double SecondsOf(int bucket) => (Low(bucket) + Low(bucket + 1)) / 2 * 1e-9;

    /// <summary>Records a duration.</summary>
    /// <param name="nanoseconds">0 or more.</param>
    public void Record(long nanoseconds)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(nanoseconds);
        _buckets[Bucket(nanoseconds)]++;
        Count++;
    }

    /// <summary>Adds the durations of another histogram.</summary>
    /// <param name="other">The other.</param>
    public void Add(LatencyHistogram other)
    {
        for (int bucket = 0; bucket < _buckets.Length; bucket++)
        {
            _buckets[bucket] += other._buckets[bucket];
        }

        Count += other.Count;
    }

    /// <summary>Forgets all durations.</summary>
    public void Clear()
    {
        _buckets.AsSpan().Clear();
        Count = 0;
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
                return SecondsOf(bucket);
            }
        }

        return double.NaN;
    }

    /// <summary>What is not empty, as pairs <c>bucket:count</c>.</summary>
    public override string ToString() => string.Join(
        ' ', _buckets.Index().Where(entry => entry.Item > 0)
            .Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Index}:{entry.Item}")));

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

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.TaskSampling;

/// <summary>What scores are made of: the posterior in pointers. Pointers that are null are not read.</summary>
/// <param name="softQ">Q~ <c>[rows, K]</c>.</param>
/// <param name="logPartition">logZ <c>[K]</c> or null.</param>
/// <param name="logPrior">log p <c>[K]</c> or null.</param>
/// <param name="candidates">K.</param>
/// <param name="inverseTemperature">1 / temperature, or 0 for the most likely entry without noise.</param>
/// <param name="seed">Philox key.</param>
/// <param name="call">Third counter word.</param>
/// <param name="firstRow">Second counter word of row 0.</param>
internal readonly unsafe struct ScoreSource(
    float* softQ, float* logPartition, float* logPrior, int candidates, float inverseTemperature, ulong seed, uint call, uint firstRow)
{
    public readonly float* SoftQ = softQ;
    public readonly float* LogPartition = logPartition;
    public readonly float* LogPrior = logPrior;
    public readonly int Candidates = candidates;
    public readonly float InverseTemperature = inverseTemperature;
    public readonly ulong Seed = seed;
    public readonly uint Call = call;
    public readonly uint FirstRow = firstRow;
}

/// <summary>Where results go; pointers that are null are not written.</summary>
internal readonly unsafe struct SampleOutput(int* index, int* mode, float* entropy, float* logNormalizer)
{
    public readonly bool WantsStatistics => entropy != null || logNormalizer != null;

    public void Write(int row, in RowStatistics statistics, in ScoreSource scores)
    {
        bool valid = statistics.IsValid, map = scores.InverseTemperature == 0;
        index[row] = !valid ? -1 : map ? statistics.ModeIndex : statistics.SampleIndex;
        if (mode != null)
        {
            mode[row] = valid ? statistics.ModeIndex : -1;
        }

        float logSum = map || !WantsStatistics ? 0 : MathF.Log(statistics.Sum);
        if (entropy != null)
        {
            float value = map ? 0 : Math.Clamp(logSum - (statistics.Weighted / statistics.Sum), 0, MathF.Log(scores.Candidates));
            entropy[row] = valid ? value : float.NaN;
        }

        if (logNormalizer != null)
        {
            logNormalizer[row] = valid ? statistics.ModeScore + logSum
                : statistics.HoldsNaN ? float.NaN
                : statistics.HoldsInfinity ? float.PositiveInfinity : float.NegativeInfinity;
        }
    }
}

/// <summary>What one row, or one segment of it, comes to.</summary>
internal struct RowStatistics
{
    /// <summary>Best noisy score.</summary>
    public float SampleScore;

    /// <summary>Its task.</summary>
    public int SampleIndex;

    /// <summary>Best score; the shift of both sums.</summary>
    public float ModeScore;

    /// <summary>Prior of the best score, which breaks ties at temperature 0.</summary>
    public float ModePrior;

    /// <summary>Its task.</summary>
    public int ModeIndex;

    /// <summary>Sum of exp(score - ModeScore).</summary>
    public float Sum;

    /// <summary>Sum of exp(score - ModeScore) (score - ModeScore).</summary>
    public float Weighted;

    /// <summary>Whether a score is NaN.</summary>
    public bool HoldsNaN;

    /// <summary>Whether a score is +inf.</summary>
    public bool HoldsInfinity;

    public readonly bool IsValid => !HoldsNaN && !HoldsInfinity && ModeScore > float.NegativeInfinity;

    /// <summary>Joins the statistics of the tasks that follow. On equal scores the earlier task stays.</summary>
    public void Merge(in RowStatistics next)
    {
        HoldsNaN |= next.HoldsNaN;
        HoldsInfinity |= next.HoldsInfinity;
        if (next.SampleScore > SampleScore)
        {
            SampleScore = next.SampleScore;
            SampleIndex = next.SampleIndex;
        }

        float mode = MathF.Max(ModeScore, next.ModeScore);
        (float sum, float weighted) = Shifted(mode);
        (float nextSum, float nextWeighted) = next.Shifted(mode);
        Sum = sum + nextSum;
        Weighted = weighted + nextWeighted;
        if (next.ModeScore > ModeScore || (next.ModeScore == ModeScore && next.ModePrior > ModePrior))
        {
            ModeIndex = next.ModeIndex;
            ModePrior = next.ModePrior;
        }

        ModeScore = mode;
    }

    // Both sums under another shift, no lower than ModeScore. A part without a finite score has nothing to add.
    private readonly (float Sum, float Weighted) Shifted(float shift)
    {
        float step = ModeScore - shift;
        if (!(step > -87f))
        {
            return (0, 0);
        }

        float factor = MathF.Exp(step);
        return (factor * Sum, factor * (Weighted + (step * Sum)));
    }
}

/// <summary>The loops over scores.</summary>
internal static unsafe class TaskSamplingLoops
{
    /// <summary>Columns that <see cref="ScanColumns"/> takes at once: its running best and index, 1 KiB, stay in the first-level cache.</summary>
    public const int ColumnStrip = 128;

    /// <summary>
    /// Tasks scored before their exponentials are summed: one exponential per task, and the scores, 1 KiB, are still in the first-level cache.
    /// </summary>
    private const int TaskStrip = 256;

    // exp of it is 0 in fp32; stands for -inf where -inf times 0 would be NaN.
    private const float NegligibleLog = -200f;

    /// <summary>
    /// Scores tasks [<paramref name="first"/>, first + <paramref name="count"/>) of a row; <paramref name="first"/> is a multiple of 4.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static RowStatistics Scan(in ScoreSource source, int row, int first, int count, bool wantsStatistics)
    {
        if (source.InverseTemperature == 0)
        {
            return ScanMode(source, row, first, count);
        }

        float* softQ = source.SoftQ + ((long)row * source.Candidates);
        float* strip = stackalloc float[TaskStrip];
        Vector512<float> negativeInfinity = Vector512.Create(float.NegativeInfinity);
        Vector512<float> sample = negativeInfinity, mode = negativeInfinity;
        Vector512<int> sampleIndex = Vector512.Create(-1), modeIndex = sampleIndex;
        Vector512<float> nan = Vector512<float>.Zero, infinite = nan, sum = nan, weighted = nan;
        for (int done = 0; done < count; done += TaskStrip)
        {
            int start = first + done, length = Math.Min(TaskStrip, count - done);
            Vector512<float> oldMode = mode;
            for (int i = 0; i < length; i += PhiloxVector.WordCount)
            {
                PhiloxVector.Next(
                    (uint)(start + i) / 4,
                    source.FirstRow + (uint)row,
                    source.Call,
                    (uint)RandomPurpose.TaskSampling,
                    source.Seed,
                    out Vector512<uint> low,
                    out Vector512<uint> high);
                Vector512<float> score = Score(source, softQ, start + i, length - i);
                Fold(score, low, start + i, ref sample, ref sampleIndex, ref mode, ref modeIndex, ref nan, ref infinite);
                score.Store(strip + i);
                if (length - i > VectorMath.LaneCount)
                {
                    int second = i + VectorMath.LaneCount;
                    score = Score(source, softQ, start + second, length - second);
                    Fold(score, high, start + second, ref sample, ref sampleIndex, ref mode, ref modeIndex, ref nan, ref infinite);
                    score.Store(strip + second);
                }
            }

            if (wantsStatistics)
            {
                // Lanes that have seen no finite score yet use 0 as their shift, so that -inf - (-inf) never happens.
                Vector512<float> shift = Vector512.ConditionalSelect(Vector512.Equals(mode, negativeInfinity), Vector512<float>.Zero, mode);
                Vector512<float> step = Vector512.MaxNative(oldMode - shift, Vector512.Create(NegligibleLog));
                Vector512<float> factor = VectorMath.ExpNonPositive(step);
                weighted = factor * (weighted + (step * sum));
                sum *= factor;

                // A strip is summed apart, so that a long row adds up few roundings.
                Vector512<float> stripSum = Vector512<float>.Zero, stripWeighted = stripSum;
                for (int i = 0; i < length; i += VectorMath.LaneCount)
                {
                    Vector512<float> distance = Vector512.MaxNative(Vector512.Load(strip + i) - shift, Vector512.Create(NegligibleLog));
                    Vector512<float> weight = VectorMath.ExpNonPositive(distance);
                    stripSum += weight;
                    stripWeighted = Vector512.MultiplyAddEstimate(weight, distance, stripWeighted);
                }

                sum += stripSum;
                weighted += stripWeighted;
            }
        }

        RowStatistics result = new()
        {
            SampleScore = VectorMath.MaxLane(sample),
            ModeScore = VectorMath.MaxLane(mode),
            HoldsNaN = nan.ExtractMostSignificantBits() != 0,
            HoldsInfinity = infinite.ExtractMostSignificantBits() != 0,
        };
        result.SampleIndex = FirstIndex(sample, result.SampleScore, sampleIndex);
        result.ModeIndex = FirstIndex(mode, result.ModeScore, modeIndex);
        if (wantsStatistics && result.IsValid)
        {
            Vector512<float> step = Vector512.MaxNative(mode - Vector512.Create(result.ModeScore), Vector512.Create(NegligibleLog));
            Vector512<float> factor = VectorMath.ExpNonPositive(step);
            result.Sum = Vector512.Sum(factor * sum);
            result.Weighted = Vector512.Sum(factor * (weighted + (step * sum)));
        }

        return result;
    }

    /// <summary>Noisy arg-maximum down each of up to <see cref="ColumnStrip"/> columns.</summary>
    /// <param name="source">The scores; the normaliser and the prior are not read.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">Rows to look at.</param>
    /// <param name="firstColumn">First column, a multiple of 4.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="best">
    /// Result <c>[columns]</c>: the best noisy score; -inf without a finite entry, +inf where the column holds NaN or +inf.
    /// </param>
    /// <param name="index">Result <c>[columns]</c>: its row; -1 without a finite entry.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ScanColumns(in ScoreSource source, int firstRow, int rows, int firstColumn, int columns, float* best, int* index)
    {
        float* runningBest = stackalloc float[ColumnStrip];
        int* runningIndex = stackalloc int[ColumnStrip];
        new Span<float>(runningBest, ColumnStrip).Fill(float.NegativeInfinity);
        new Span<int>(runningIndex, ColumnStrip).Fill(-1);
        bool noisy = source.InverseTemperature != 0;
        Vector512<float> factor = Vector512.Create(noisy ? source.InverseTemperature : 1f);
        for (int row = firstRow; row < firstRow + rows; row++)
        {
            float* softQ = source.SoftQ + ((long)row * source.Candidates) + firstColumn;
            for (int i = 0; i < columns; i += PhiloxVector.WordCount)
            {
                Vector512<float> lowNoise = Vector512<float>.Zero, highNoise = lowNoise;
                if (noisy)
                {
                    PhiloxVector.Next(
                        (uint)(firstColumn + i) / 4,
                        source.FirstRow + (uint)row,
                        source.Call,
                        (uint)RandomPurpose.RowSampling,
                        source.Seed,
                        out Vector512<uint> low,
                        out Vector512<uint> high);
                    lowNoise = PhiloxVector.ToGumbel(low);
                    highNoise = PhiloxVector.ToGumbel(high);
                }

                FoldColumn(VectorMath.LoadPartial(softQ + i, columns - i), factor, lowNoise, row, runningBest + i, runningIndex + i);
                if (columns - i > VectorMath.LaneCount)
                {
                    int second = i + VectorMath.LaneCount;
                    Vector512<float> q = VectorMath.LoadPartial(softQ + second, columns - second);
                    FoldColumn(q, factor, highNoise, row, runningBest + second, runningIndex + second);
                }
            }
        }

        new ReadOnlySpan<float>(runningBest, columns).CopyTo(new Span<float>(best, columns));
        new ReadOnlySpan<int>(runningIndex, columns).CopyTo(new Span<int>(index, columns));
    }

    // The limit of temperature 0: the best raw score among the tasks that the prior allows, exact ties to the larger prior.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static RowStatistics ScanMode(in ScoreSource source, int row, int first, int count)
    {
        float* softQ = source.SoftQ + ((long)row * source.Candidates);
        Vector512<float> negativeInfinity = Vector512.Create(float.NegativeInfinity);
        Vector512<float> mode = negativeInfinity, modePrior = negativeInfinity;
        Vector512<int> modeIndex = Vector512.Create(-1);
        Vector512<float> nan = Vector512<float>.Zero, infinite = nan;
        for (int done = 0; done < count; done += VectorMath.LaneCount)
        {
            int start = first + done, lanes = count - done;
            Vector512<float> prior = source.LogPrior == null ? Vector512<float>.Zero : VectorMath.LoadPartial(source.LogPrior + start, lanes);
            Vector512<float> score = RawScore(source, softQ, start, lanes);

            // A finite prior has no weight in the limit; -inf still excludes, and NaN and +inf still spoil the row.
            Vector512<float> finite = Vector512.LessThan(Vector512.Abs(prior), Vector512.Create(float.PositiveInfinity));
            score = Vector512.ConditionalSelect(finite, score, score + prior);
            score = Vector512.ConditionalSelect(VectorMath.FirstLanes(lanes), score, negativeInfinity);
            nan |= ~Vector512.Equals(score, score);
            infinite |= Vector512.Equals(score, Vector512.Create(float.PositiveInfinity));
            Vector512<float> better = Vector512.GreaterThan(score, mode)
                | (Vector512.Equals(score, mode) & Vector512.GreaterThan(prior, modePrior));
            mode = Vector512.ConditionalSelect(better, score, mode);
            modePrior = Vector512.ConditionalSelect(better, prior, modePrior);
            modeIndex = Vector512.ConditionalSelect(better.AsInt32(), Vector512.Create(start) + VectorMath.LaneNumbers, modeIndex);
        }

        RowStatistics result = new()
        {
            SampleScore = float.NegativeInfinity,
            ModeScore = VectorMath.MaxLane(mode),
            HoldsNaN = nan.ExtractMostSignificantBits() != 0,
            HoldsInfinity = infinite.ExtractMostSignificantBits() != 0,
        };
        modePrior = Vector512.ConditionalSelect(Vector512.Equals(mode, Vector512.Create(result.ModeScore)), modePrior, negativeInfinity);
        result.ModePrior = VectorMath.MaxLane(modePrior);
        result.ModeIndex = FirstIndex(modePrior, result.ModePrior, modeIndex);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> RawScore(in ScoreSource source, float* softQ, int task, int lanes)
    {
        Vector512<float> q = VectorMath.LoadPartial(softQ + task, lanes);
        if (source.LogPartition == null)
        {
            return q;
        }

        Vector512<float> negativeInfinity = Vector512.Create(float.NegativeInfinity);
        Vector512<float> raw = q - VectorMath.LoadPartial(source.LogPartition + task, lanes);
        return Vector512.ConditionalSelect(Vector512.Equals(q, negativeInfinity), negativeInfinity, raw);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Score(in ScoreSource source, float* softQ, int task, int lanes)
    {
        Vector512<float> score = RawScore(source, softQ, task, lanes) * Vector512.Create(source.InverseTemperature);
        if (source.LogPrior != null)
        {
            score += VectorMath.LoadPartial(source.LogPrior + task, lanes);
        }

        return lanes >= VectorMath.LaneCount
            ? score
            : Vector512.ConditionalSelect(VectorMath.FirstLanes(lanes), score, Vector512.Create(float.NegativeInfinity));
    }

    // Strictly greater replaces, so that within a lane the earlier task stays on a tie. NaN never replaces.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fold(
        Vector512<float> score,
        Vector512<uint> bits,
        int task,
        ref Vector512<float> sample,
        ref Vector512<int> sampleIndex,
        ref Vector512<float> mode,
        ref Vector512<int> modeIndex,
        ref Vector512<float> nan,
        ref Vector512<float> infinite)
    {
        Vector512<int> index = Vector512.Create(task) + VectorMath.LaneNumbers;
        nan |= ~Vector512.Equals(score, score);
        infinite |= Vector512.Equals(score, Vector512.Create(float.PositiveInfinity));
        Vector512<float> better = Vector512.GreaterThan(score, mode);
        mode = Vector512.ConditionalSelect(better, score, mode);
        modeIndex = Vector512.ConditionalSelect(better.AsInt32(), index, modeIndex);
        Vector512<float> noisy = score + PhiloxVector.ToGumbel(bits);
        better = Vector512.GreaterThan(noisy, sample);
        sample = Vector512.ConditionalSelect(better, noisy, sample);
        sampleIndex = Vector512.ConditionalSelect(better.AsInt32(), index, sampleIndex);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FoldColumn(Vector512<float> q, Vector512<float> factor, Vector512<float> noise, int row, float* best, int* index)
    {
        // +inf marks a column that holds NaN or +inf: nothing exceeds it.
        Vector512<float> positiveInfinity = Vector512.Create(float.PositiveInfinity);
        Vector512<float> score = Vector512.MultiplyAddEstimate(q, factor, noise);
        score = Vector512.ConditionalSelect(Vector512.LessThan(q, positiveInfinity), score, positiveInfinity);
        Vector512<float> running = Vector512.Load(best);
        Vector512<float> better = Vector512.GreaterThan(score, running);
        Vector512.ConditionalSelect(better, score, running).Store(best);
        Vector512.ConditionalSelect(better.AsInt32(), Vector512.Create(row), Vector512.Load(index)).Store(index);
    }

    // Smallest index among the lanes that hold the best value.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int FirstIndex(Vector512<float> value, float best, Vector512<int> index)
    {
        Vector512<int> holds = Vector512.Equals(value, Vector512.Create(best)).AsInt32();
        return VectorMath.MinLane(Vector512.ConditionalSelect(holds, index, Vector512.Create(int.MaxValue)));
    }
}

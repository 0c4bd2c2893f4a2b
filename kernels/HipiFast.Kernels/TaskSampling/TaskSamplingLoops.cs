using System.Runtime.CompilerServices;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.TaskSampling;

/// <summary>What scores are made of: the posterior in pointers. Pointers that are null are not read.</summary>
/// <param name="softQ">Q~ <c>[rows, K]</c>.</param>
/// <param name="logPartition">logZ <c>[K]</c> or null.</param>
/// <param name="logPrior">log p <c>[K]</c> or null.</param>
/// <param name="candidates">K.</param>
/// <param name="temperature">0 for the most likely entry without noise.</param>
/// <param name="plainLimit">Largest magnitude of a row's best score that fp32 is good enough for.</param>
/// <param name="seed">Philox key.</param>
/// <param name="call">Third counter word.</param>
/// <param name="firstRow">Second counter word of row 0.</param>
internal readonly unsafe struct ScoreSource(
    float* softQ, float* logPartition, float* logPrior, int candidates, float temperature, float plainLimit, ulong seed,
    uint call, uint firstRow)
{
    public readonly float* SoftQ = softQ;
    public readonly float* LogPartition = logPartition;
    public readonly float* LogPrior = logPrior;
    public readonly int Candidates = candidates;
    public readonly float Temperature = temperature;

    /// <summary>1 / temperature, or 0; +inf below 2.9e-39, where no score comes out finite.</summary>
    public readonly float InverseTemperature = temperature == 0 ? 0 : 1f / temperature;

    /// <summary>See <see cref="ExactScores.PlainLimit"/>.</summary>
    public readonly float PlainLimit = plainLimit;
    public readonly ulong Seed = seed;
    public readonly uint Call = call;
    public readonly uint FirstRow = firstRow;
}

/// <summary>Where results go; pointers that are null are not written.</summary>
/// <param name="index"><c>[rows]</c>.</param>
/// <param name="mode"><c>[rows]</c> or null.</param>
/// <param name="entropy"><c>[rows]</c> or null.</param>
/// <param name="logNormalizer"><c>[rows]</c> or null.</param>
/// <param name="logCandidates">log K, the bound of an entropy.</param>
internal readonly unsafe struct SampleOutput(
    int* index, int* mode, float* entropy, float* logNormalizer, float logCandidates)
{
    public readonly bool WantsStatistics => entropy != null || logNormalizer != null;

    /// <summary>Whether the best score without noise is needed.</summary>
    public readonly bool WantsMode => mode != null || WantsStatistics;

    /// <summary>Writes a row that fp32 was good enough for.</summary>
    public void Write(int row, in RowStatistics statistics, in ScoreSource scores)
    {
        bool map = scores.Temperature == 0;
        float logSum = map || !WantsStatistics ? 0 : MathF.Log(statistics.Sum);
        Write(
            row,
            map ? statistics.ModeIndex : statistics.SampleIndex,
            statistics.ModeIndex,
            map || !WantsStatistics ? 0 : logSum - (statistics.Weighted / statistics.Sum),
            statistics.ModeScore + logSum);
    }

    /// <summary>Writes what is wanted of a row.</summary>
    public void Write(int row, int sample, int modeIndex, float rowEntropy, float normalizer)
    {
        index[row] = sample;
        if (mode != null)
        {
            mode[row] = modeIndex;
        }

        if (entropy != null)
        {
            entropy[row] = Math.Clamp(rowEntropy, 0, logCandidates);
        }

        if (logNormalizer != null)
        {
            logNormalizer[row] = normalizer;
        }
    }

    /// <summary>Marks a row without a posterior.</summary>
    public void WriteNothing(int row, float normalizer)
    {
        index[row] = -1;
        if (mode != null)
        {
            mode[row] = -1;
        }

        if (entropy != null)
        {
            entropy[row] = float.NaN;
        }

        if (logNormalizer != null)
        {
            logNormalizer[row] = normalizer;
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

    /// <summary>Best score; the shift of both sums. Only where the mode or a statistic is wanted.</summary>
    public float ModeScore;

    /// <summary>Prior of the best score, which breaks ties at temperature 0.</summary>
    public float ModePrior;

    /// <summary>Its task.</summary>
    public int ModeIndex;

    /// <summary>Sum of exp(score - ModeScore).</summary>
    public float Sum;

    /// <summary>Sum of exp(score - ModeScore) (score - ModeScore).</summary>
    public float Weighted;

    /// <summary>Whether a score is NaN or +inf, or may be.</summary>
    public bool IsSpoiled;

    /// <summary>
    /// Whether fp32 is good enough for the whole row, which these statistics are of; else
    /// <see cref="ExactTaskSampling"/> decides.
    /// </summary>
    public readonly bool IsPlain(in ScoreSource scores) =>
        !IsSpoiled && MathF.Abs(scores.Temperature == 0 ? ModeScore : SampleScore) <= scores.PlainLimit;

    /// <summary>Joins the statistics of the tasks that follow. On equal scores the earlier task stays.</summary>
    public void Merge(in RowStatistics next)
    {
        IsSpoiled |= next.IsSpoiled;
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

/// <summary>A part of a row: tasks [<paramref name="First"/>, First + <paramref name="Count"/>).</summary>
/// <param name="Row">Row of the block.</param>
/// <param name="First">First task, a multiple of 4.</param>
/// <param name="Count">Tasks; 0 for no work.</param>
internal readonly record struct RowSegment(int Row, int First, int Count);

/// <summary>
/// The loops over scores, on one kind of vector. Two segments, or two rows of columns, go side by side, as their noise
/// does.
/// </summary>
internal static unsafe class TaskSamplingLoops<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <summary>
    /// Columns that <see cref="ScanColumns"/> takes at once: its running best and index, 1 KiB, stay in the first-level
    /// cache.
    /// </summary>
    public const int ColumnStrip = 128;

    /// <summary>
    /// Tasks scored before their noise is drawn and their exponentials are summed: the scores, 1 KiB a segment, are
    /// still in the first-level cache.
    /// </summary>
    private const int TaskStrip = 256;

    /// <summary>
    /// Tasks of a segment whose noise is always made. From here on most vectors hold no task that could still win,
    /// which a bound on the noise shows at an eighth of the price of the noise itself; before, too many would pass.
    /// </summary>
    private const int AlwaysDrawn = 64;

    private const int KeyLength = PhiloxVector<TSimd, TVector>.KeyLength;

    // exp of it is next to nothing in fp32; stands for -inf where -inf times 0 would be NaN.
    private const float NegligibleLog = -87f;

    // Reading x 2^23 / ln 2 + 127 2^23 as the bits of a float is exp(x) or, between powers of two, up to 6 % more.
    private const float BitsPerNat = 12102203.2f;
    private const float BitsOfOne = 1065353216f;

    /// <summary>Floats of scratch that <see cref="Scan"/> needs: the keys, then the scores of two strips.</summary>
    public const int ScratchLength = KeyLength + (2 * TaskStrip);

    /// <summary>Makes scratch memory ready for calls of <see cref="Scan"/> with this seed.</summary>
    /// <param name="seed">Philox key.</param>
    /// <param name="scratch">Room for <see cref="ScratchLength"/> floats.</param>
    public static void Prepare(ulong seed, float* scratch) => PhiloxVector<TSimd, TVector>.PrepareKeys(seed, scratch);

    /// <summary>Scores two segments and draws from each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scan(
        in ScoreSource source, RowSegment a, RowSegment b, bool wantsMode, bool wantsStatistics, float* scratch,
        out RowStatistics resultA,
        out RowStatistics resultB)
    {
        if (source.InverseTemperature == 0)
        {
            resultA = ScanMode(source, a);
            resultB = b.Count > 0 ? ScanMode(source, b) : default;
            return;
        }

        float* keys = scratch, strips = scratch + KeyLength;
        SegmentState stateA = new(), stateB = new();
        TVector negativeInfinity = TSimd.Broadcast(float.NegativeInfinity);
        TVector sampleA = negativeInfinity, sampleB = negativeInfinity, indexA = TSimd.BroadcastBits(uint.MaxValue),
            indexB = indexA;
        TVector thresholdA = TSimd.Zero, thresholdB = TSimd.Zero, offsets = PhiloxVector<TSimd, TVector>.BlockOffsets;
        int unit = 2 * TSimd.Count, longest = Math.Max(a.Count, b.Count);
        for (int done = 0; done < longest; done += TaskStrip)
        {
            int lengthA = Math.Clamp(a.Count - done, 0, TaskStrip), lengthB = Math.Clamp(b.Count - done, 0, TaskStrip);
            stateA.Score(source, a, done, lengthA, strips);
            stateB.Score(source, b, done, lengthB, strips + TaskStrip);
            for (int i = 0; i < TaskStrip && done + i < longest; i += unit)
            {
                PhiloxVector<TSimd, TVector>.Next(
                    TSimd.AddInt32(TSimd.BroadcastBits((uint)(a.First + done + i) / 4), offsets),
                    TSimd.AddInt32(TSimd.BroadcastBits((uint)(b.First + done + i) / 4), offsets),
                    source.FirstRow + (uint)a.Row,
                    source.FirstRow + (uint)b.Row,
                    source.Call,
                    (uint)RandomPurpose.TaskSampling,
                    source.Seed,
                    keys,
                    out TVector lowA,
                    out TVector highA,
                    out TVector lowB,
                    out TVector highB);
                bool alwaysDrawn = done + i < AlwaysDrawn,
                    needsThreshold = done + i + unit >= AlwaysDrawn && done + i + unit < longest;
                if (i < lengthA)
                {
                    Draw(
                        strips + i, a.First + done + i, lowA, highA, alwaysDrawn, needsThreshold, ref sampleA,
                        ref indexA, ref thresholdA);
                }

                if (i < lengthB)
                {
                    Draw(
                        strips + TaskStrip + i, b.First + done + i, lowB, highB, alwaysDrawn, needsThreshold,
                        ref sampleB, ref indexB,
                        ref thresholdB);
                }
            }

            if (wantsMode)
            {
                stateA.Sum(strips, a.First + done, lengthA, wantsStatistics);
                stateB.Sum(strips + TaskStrip, b.First + done, lengthB, wantsStatistics);
            }
        }

        resultA = stateA.Finish(sampleA, indexA, wantsMode, wantsStatistics);
        resultB = b.Count > 0 ? stateB.Finish(sampleB, indexB, wantsMode, wantsStatistics) : default;
    }

    /// <summary>Noisy arg-maximum down each of up to <see cref="ColumnStrip"/> columns.</summary>
    /// <param name="source">The scores; the normaliser and the prior are not read.</param>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">Rows to look at.</param>
    /// <param name="firstColumn">First column, a multiple of 4.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="best">
    /// Result <c>[columns]</c>: the best noisy score; -inf without a finite entry, +inf where the column holds NaN or
    /// +inf.
    /// </param>
    /// <param name="index">Result <c>[columns]</c>: its row; -1 without a finite entry.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ScanColumns(
        in ScoreSource source, int firstRow, int rows, int firstColumn, int columns, float* best, int* index)
    {
        float* runningBest = stackalloc float[ColumnStrip], runningIndex = stackalloc float[ColumnStrip],
            keys = stackalloc float[KeyLength];
        PhiloxVector<TSimd, TVector>.PrepareKeys(source.Seed, keys);
        for (int i = 0; i < ColumnStrip; i += TSimd.Count)
        {
            TSimd.Store(TSimd.Broadcast(float.NegativeInfinity), runningBest + i);
            TSimd.Store(TSimd.BroadcastBits(uint.MaxValue), runningIndex + i);
        }

        bool noisy = source.InverseTemperature != 0;
        TVector factor = TSimd.Broadcast(
            noisy ? source.InverseTemperature : 1f), offsets = PhiloxVector<TSimd, TVector>.BlockOffsets;
        int unit = 2 * TSimd.Count;
        for (int row = firstRow; row < firstRow + rows; row += 2)
        {
            bool hasSecond = row + 1 < firstRow + rows;
            float* softQ = source.SoftQ + ((long)row * source.Candidates) + firstColumn;
            for (int i = 0; i < columns; i += unit)
            {
                TVector low0 = TSimd.Zero, high0 = low0, low1 = low0, high1 = low0;
                if (noisy)
                {
                    TVector blocks = TSimd.AddInt32(TSimd.BroadcastBits((uint)(firstColumn + i) / 4), offsets);
                    PhiloxVector<TSimd, TVector>.Next(
                        blocks,
                        blocks,
                        source.FirstRow + (uint)row,
                        source.FirstRow + (uint)row + 1,
                        source.Call,
                        (uint)RandomPurpose.RowSampling,
                        source.Seed,
                        keys,
                        out low0,
                        out high0,
                        out low1,
                        out high1);
                }

                float* second = hasSecond ? softQ + source.Candidates : null;
                FoldColumns(softQ, second, row, i, columns, noisy, factor, low0, low1, runningBest, runningIndex);
                if (i + TSimd.Count < columns)
                {
                    FoldColumns(
                        softQ, second, row, i + TSimd.Count, columns, noisy, factor, high0, high1, runningBest,
                        runningIndex);
                }
            }
        }

        new ReadOnlySpan<float>(runningBest, columns).CopyTo(new Span<float>(best, columns));
        new ReadOnlySpan<int>(runningIndex, columns).CopyTo(new Span<int>(index, columns));
    }

    /// <summary>
    /// The limit of temperature 0: the best raw score among the tasks that the prior allows, exact ties to the larger
    /// prior. Every entry is checked for NaN and infinities here: this is bound by memory as it is.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static RowStatistics ScanMode(in ScoreSource source, RowSegment segment)
    {
        float* softQ = source.SoftQ + ((long)segment.Row * source.Candidates);
        TVector negativeInfinity = TSimd.Broadcast(float.NegativeInfinity);
        TVector mode = negativeInfinity, modePrior = negativeInfinity, modeIndex = TSimd.BroadcastBits(uint.MaxValue);
        TVector numbers = TSimd.BroadcastBits(uint.MaxValue), infinite = TSimd.Zero;
        for (int done = 0; done < segment.Count; done += TSimd.Count)
        {
            int start = segment.First + done, lanes = segment.Count - done;
            TVector prior = source.LogPrior == null ? TSimd.Zero : Load(source.LogPrior + start, lanes);
            TVector score = RawScore(source, softQ, start, lanes);

            // A finite prior has no weight in the limit; -inf still excludes, and NaN and +inf still spoil the row.
            TVector finite = TSimd.LessThan(
                VectorMath<TSimd, TVector>.Abs(prior), TSimd.Broadcast(float.PositiveInfinity));
            score = TSimd.Select(finite, score, TSimd.Add(score, prior));
            score = TSimd.Select(TSimd.FirstLanes(lanes), score, negativeInfinity);
            numbers = TSimd.And(numbers, TSimd.Equal(score, score));
            infinite = TSimd.Or(infinite, TSimd.Equal(score, TSimd.Broadcast(float.PositiveInfinity)));
            TVector better = TSimd.Or(
                TSimd.LessThan(mode, score), TSimd.And(TSimd.Equal(score, mode), TSimd.LessThan(modePrior, prior)));
            mode = TSimd.Select(better, score, mode);
            modePrior = TSimd.Select(better, prior, modePrior);
            modeIndex = TSimd.Select(better, TaskNumbers(start), modeIndex);
        }

        RowStatistics result = new()
        {
            SampleScore = float.NegativeInfinity,
            ModeScore = TSimd.MaxLane(mode),
            IsSpoiled = !All(numbers) || TSimd.Any(infinite),
        };
        modePrior = TSimd.Select(TSimd.Equal(mode, TSimd.Broadcast(result.ModeScore)), modePrior, negativeInfinity);
        result.ModePrior = TSimd.MaxLane(modePrior);
        result.ModeIndex = FirstIndex(modePrior, result.ModePrior, modeIndex);
        return result;
    }

    /// <summary>
    /// Adds noise to two vectors of scores and folds the best in: strictly greater replaces, so that the earlier task
    /// stays.
    /// </summary>
    /// <param name="scores">The scores; -inf where there is no task. NaN never replaces.</param>
    /// <param name="task">Task of the first.</param>
    /// <param name="low">Random bits of the first vector.</param>
    /// <param name="high">Of the second.</param>
    /// <param name="alwaysDrawn">Whether to skip the look at what could win.</param>
    /// <param name="needsThreshold">Whether a later call may look.</param>
    /// <param name="sample">Best noisy score of each lane.</param>
    /// <param name="sampleIndex">Its task.</param>
    /// <param name="threshold">Of no meaning while <paramref name="alwaysDrawn"/>; see <see cref="Threshold"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Draw(
        float* scores, int task, TVector low, TVector high, bool alwaysDrawn, bool needsThreshold, ref TVector sample,
        ref TVector sampleIndex,
        ref TVector threshold)
    {
        TVector first = TSimd.Load(scores), second = TSimd.Load(scores + TSimd.Count);
        if (!alwaysDrawn && !TSimd.Any(TSimd.Or(CouldWin(first, low, threshold), CouldWin(second, high, threshold))))
        {
            return;
        }

        first = TSimd.Add(first, PhiloxVector<TSimd, TVector>.ToGumbel(low));
        second = TSimd.Add(second, PhiloxVector<TSimd, TVector>.ToGumbel(high));
        TVector better = TSimd.LessThan(sample, first);
        sample = TSimd.Select(better, first, sample);
        sampleIndex = TSimd.Select(better, TaskNumbers(task), sampleIndex);
        better = TSimd.LessThan(sample, second);
        sample = TSimd.Select(better, second, sample);
        sampleIndex = TSimd.Select(better, TaskNumbers(task + TSimd.Count), sampleIndex);
        if (needsThreshold)
        {
            threshold = Threshold(sample);
        }
    }

    /// <summary>
    /// Whether score - log E could exceed the best so far: E = -log(1 - u) is at least u, so u must be below exp(score
    /// - best), and reading a scaled difference as a float's bits gives no less than exp. The threshold's allowance
    /// covers all roundings.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector CouldWin(TVector score, TVector bits, TVector threshold)
    {
        // Far below 0 the integer runs out of its range, or its bits are those of a negative number or NaN: no u is
        // smaller.
        TVector scaled = TSimd.MultiplyAdd(score, TSimd.Broadcast(BitsPerNat), threshold);
        TVector bound = TSimd.ToInt32(TSimd.Min(scaled, TSimd.Broadcast(BitsOfOne)));
        return TSimd.LessThan(PhiloxVector<TSimd, TVector>.ToUniform(bits), bound);
    }

    /// <summary>127 2^23 - (best - allowance) 2^23 / ln 2 in every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Threshold(TVector sample)
    {
        float best = TSimd.MaxLane(sample), allowance = 1e-3f + (1e-6f * MathF.Abs(best));
        return TSimd.Broadcast(BitsOfOne - ((best - allowance) * BitsPerNat));
    }

    /// <summary>
    /// Folds one vector of columns in two rows into the running best, which +inf marks as holding NaN or +inf: nothing
    /// exceeds it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FoldColumns(
        float* first, float* second, int row, int column, int columns, bool noisy, TVector factor, TVector firstBits,
        TVector secondBits, float* best,
        float* index)
    {
        TVector runningBest = TSimd.Load(best + column), runningIndex = TSimd.Load(index + column);
        FoldColumn(
            Load(first + column, columns - column), row, noisy, factor, firstBits, ref runningBest, ref runningIndex);
        if (second != null)
        {
            FoldColumn(
                Load(second + column, columns - column), row + 1, noisy, factor, secondBits, ref runningBest,
                ref runningIndex);
        }

        TSimd.Store(runningBest, best + column);
        TSimd.Store(runningIndex, index + column);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FoldColumn(
        TVector q, int row, bool noisy, TVector factor, TVector bits, ref TVector best, ref TVector index)
    {
        TVector positiveInfinity = TSimd.Broadcast(float.PositiveInfinity);
        TVector score = TSimd.MultiplyAdd(q, factor, noisy ? PhiloxVector<TSimd, TVector>.ToGumbel(bits) : TSimd.Zero);
        score = TSimd.Select(TSimd.LessThan(q, positiveInfinity), score, positiveInfinity);
        TVector better = TSimd.LessThan(best, score);
        best = TSimd.Select(better, score, best);
        index = TSimd.Select(better, TSimd.BroadcastBits((uint)row), index);
    }

    /// <summary>(Q~ - logZ), -inf wherever Q~ is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector RawScore(in ScoreSource source, float* softQ, int task, int lanes)
    {
        TVector q = Load(softQ + task, lanes);
        if (source.LogPartition == null)
        {
            return q;
        }

        TVector negativeInfinity = TSimd.Broadcast(float.NegativeInfinity);
        TVector raw = TSimd.Subtract(q, Load(source.LogPartition + task, lanes));
        return TSimd.Select(TSimd.Equal(q, negativeInfinity), negativeInfinity, raw);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Load(float* source, int lanes) => lanes >= TSimd.Count
        ? TSimd.Load(source)
        : TSimd.LoadPartial(source, lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector TaskNumbers(int first) =>
        TSimd.AddInt32(TSimd.BroadcastBits((uint)first), TSimd.LaneNumbers);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool All(TVector mask) => !TSimd.Any(TSimd.Xor(mask, TSimd.BroadcastBits(uint.MaxValue)));

    // Smallest index among the lanes that hold the best value.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int FirstIndex(TVector value, float best, TVector index) =>
        TSimd.MinLaneInt32(
            TSimd.Select(TSimd.Equal(value, TSimd.Broadcast(best)), index, TSimd.BroadcastBits(int.MaxValue)));

    /// <summary>What a segment has come to apart from its sample, lane by lane.</summary>
    private struct SegmentState
    {
        private TVector _mode;
        private TVector _modeIndex;
        private TVector _sum;
        private TVector _weighted;
        private bool _isSpoiled;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public SegmentState()
        {
            _mode = TSimd.Broadcast(float.NegativeInfinity);
            _modeIndex = TSimd.BroadcastBits(uint.MaxValue);
            _sum = TSimd.Zero;
            _weighted = TSimd.Zero;
        }

        /// <summary>Scores a strip and fills it up with -inf to a multiple of two vectors.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Score(in ScoreSource source, RowSegment segment, int done, int length, float* strip)
        {
            float* softQ = source.SoftQ + ((long)segment.Row * source.Candidates) + segment.First + done;
            float* logPartition = source.LogPartition == null ? null : source.LogPartition + segment.First + done;
            float* logPrior = source.LogPrior == null ? null : source.LogPrior + segment.First + done;
            TVector scale = TSimd.Broadcast(source.InverseTemperature), total = TSimd.Zero;
            TVector negativeInfinity = TSimd.Broadcast(float.NegativeInfinity);
            for (int i = 0; i < length; i += TSimd.Count)
            {
                int lanes = length - i;
                TVector score = Load(softQ + i, lanes);
                if (logPartition != null)
                {
                    score = TSimd.Subtract(score, Load(logPartition + i, lanes));
                }

                score = TSimd.MultiplyAdd(score, scale, logPrior == null ? TSimd.Zero : Load(logPrior + i, lanes));
                if (lanes < TSimd.Count)
                {
                    score = TSimd.Select(TSimd.FirstLanes(lanes), score, negativeInfinity);
                }

                TSimd.Store(score, strip + i);
                total = TSimd.Add(total, score);
            }

            int vectors = (length + TSimd.Count - 1) / TSimd.Count;
            if (int.IsOddInteger(vectors))
            {
                TSimd.Store(negativeInfinity, strip + (vectors * TSimd.Count));
            }

            // NaN and +inf show in the sum. So may harmless things, which are told apart in double precision.
            _isSpoiled |= !All(TSimd.LessThan(total, TSimd.Broadcast(float.PositiveInfinity)));
        }

        /// <summary>Folds the scores of a strip into the mode and, where statistics are wanted, the sums.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Sum(float* strip, int task, int length, bool wantsStatistics)
        {
            TVector oldMode = _mode, mode = oldMode, modeIndex = _modeIndex;
            for (int i = 0; i < length; i += TSimd.Count)
            {
                TVector score = TSimd.Load(strip + i), better = TSimd.LessThan(mode, score);
                mode = TSimd.Select(better, score, mode);
                modeIndex = TSimd.Select(better, TaskNumbers(task + i), modeIndex);
            }

            _mode = mode;
            _modeIndex = modeIndex;
            if (!wantsStatistics)
            {
                return;
            }

            // Lanes that have seen no finite score yet use 0 as their shift, so that -inf - (-inf) never happens.
            TVector negligible = TSimd.Broadcast(NegligibleLog);
            TVector shift = TSimd.Select(TSimd.Equal(mode, TSimd.Broadcast(float.NegativeInfinity)), TSimd.Zero, mode);
            TVector step = TSimd.Max(
                TSimd.Subtract(oldMode, shift), negligible), factor = VectorMath<TSimd, TVector>.ExpInRange(step);

            // A strip is summed apart, so that a long row adds up few roundings.
            TVector sum = TSimd.Zero, weighted = TSimd.Zero;
            for (int i = 0; i < length; i += TSimd.Count)
            {
                TVector distance = TSimd.Max(TSimd.Subtract(TSimd.Load(strip + i), shift), negligible);
                TVector weight = VectorMath<TSimd, TVector>.ExpInRange(distance);
                sum = TSimd.Add(sum, weight);
                weighted = TSimd.MultiplyAdd(weight, distance, weighted);
            }

            _weighted = TSimd.MultiplyAdd(factor, TSimd.MultiplyAdd(step, _sum, _weighted), weighted);
            _sum = TSimd.MultiplyAdd(factor, _sum, sum);
        }

        /// <summary>Reduces the lanes.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly RowStatistics Finish(TVector sample, TVector sampleIndex, bool wantsMode, bool wantsStatistics)
        {
            RowStatistics result = new()
            {
                SampleScore = TSimd.MaxLane(sample),
                ModeScore = float.NegativeInfinity,
                IsSpoiled = _isSpoiled,
            };
            result.SampleIndex = FirstIndex(sample, result.SampleScore, sampleIndex);
            if (wantsMode)
            {
                result.ModeScore = TSimd.MaxLane(_mode);
                result.ModeIndex = FirstIndex(_mode, result.ModeScore, _modeIndex);
            }

            if (wantsStatistics && !result.IsSpoiled)
            {
                TVector step = TSimd.Max(
                    TSimd.Subtract(_mode, TSimd.Broadcast(result.ModeScore)), TSimd.Broadcast(NegligibleLog));
                TVector factor = VectorMath<TSimd, TVector>.ExpInRange(step);
                result.Sum = TSimd.Sum(TSimd.Multiply(factor, _sum));
                result.Weighted = TSimd.Sum(TSimd.Multiply(factor, TSimd.MultiplyAdd(step, _sum, _weighted)));
            }

            return result;
        }
    }
}

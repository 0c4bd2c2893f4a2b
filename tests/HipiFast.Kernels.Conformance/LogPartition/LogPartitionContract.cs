using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance.Data;
using HipiFast.Kernels.LogPartition;

namespace HipiFast.Kernels.Conformance.LogPartition;

/// <summary>What every log partition kernel must do.</summary>
public abstract class LogPartitionContract : KernelContract, IDisposable
{
    private ComputeSession? _session;

    public static TheoryData<int, int> Sizes
    {
        get
        {
            TheoryData<int, int> sizes = new() { { 1000, 1 }, { 4097, 7 }, { 3, 10007 }, { 257, 263 } };
            foreach (int rows in (int[])[1, 2, 7, 63, 64, 65, 131])
            {
                foreach (int candidates in (int[])[1, 2, 13, 15, 16, 17, 32, 33, 64, 65, 127])
                {
                    sizes.Add(rows, candidates);
                }
            }

            return sizes;
        }
    }

    private ILogPartitionKernel Kernel => (_session ??= CreateSession(0)).LogPartition;

    public void Dispose()
    {
        _session?.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void EverySizeAgreesWithTheOracle(int rows, int candidates)
    {
        float[] softQ = new RandomData((ulong)rows).NormalsWithOutliers(rows * candidates, 3);
        AssertConforms(softQ, rows, candidates);
    }

    [Theory]
    [InlineData(1e4f)]
    [InlineData(-1e4f)]
    [InlineData(3e38f)]
    [InlineData(-3e38f)]
    public void ExtremeValuesAgreeWithTheOracle(float value)
    {
        // Near the largest float a sum must not overflow before its logarithm is taken; near the smallest it must not
        // vanish.
        float[] softQ = new RandomData(3).Uniforms(37 * 21, value - 4, value + 4);
        AssertConforms(softQ, 37, 21);
        softQ.AsSpan().Fill(value);
        float[] logPartition = Compute(Kernel, softQ, 37, 21);
        Assert.All(logPartition, logZ => Assert.Equal(value, logZ, 4e-7f * MathF.Abs(value)));
    }

    [Fact]
    public void BothExtremesInOneColumnAgreeWithTheOracle()
    {
        float[] softQ = new RandomData(4).Uniforms(130 * 5, -1, 1);
        for (int i = 0; i < softQ.Length; i += 3)
        {
            softQ[i] += i % 2 == 0 ? 1e4f : -1e4f;
        }

        AssertConforms(softQ, 130, 5);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(200)]
    public void SpecialValuesDecideTheirColumnAndNoOther(int rows)
    {
        const int Candidates = 37;
        float[] plain = new RandomData(5).NormalsWithOutliers(rows * Candidates, 2), softQ = (float[])plain.Clone();
        for (int j = 0; j < rows; j++)
        {
            softQ[(j * Candidates) + 3] = float.NegativeInfinity;
            softQ[(j * Candidates) + 20] = float.NegativeInfinity;
        }

        int last = (rows - 1) * Candidates;
        softQ[last + 20] = -300;
        softQ[5] = float.NaN;
        softQ[last + 6] = float.NaN;
        softQ[17] = float.PositiveInfinity;
        softQ[last + 18] = float.PositiveInfinity;
        softQ[30] = float.PositiveInfinity;
        softQ[last + 30] = float.NaN;
        softQ[36] = float.NegativeInfinity;
        AssertConforms(softQ, rows, Candidates);
        float[] logPartition = Compute(
            Kernel, softQ, rows, Candidates), before = Compute(Kernel, plain, rows, Candidates);
        Assert.Equal(float.NegativeInfinity, logPartition[3]);
        Assert.Equal(-300 - Math.Log(rows), logPartition[20], 1e-3);
        Assert.Equal(float.NaN, logPartition[5]);
        Assert.Equal(float.NaN, logPartition[6]);
        Assert.Equal(float.PositiveInfinity, logPartition[17]);
        Assert.Equal(float.PositiveInfinity, logPartition[18]);
        Assert.Equal(float.NaN, logPartition[30]);
        foreach (int untouched in (int[])[0, 4, 16, 19, 31, 35])
        {
            Assert.Equal(before[untouched], logPartition[untouched]);
        }
    }

    [Fact]
    public void BlocksOfRowsAgreeWithTheWhole()
    {
        const int Rows = 150, Candidates = 35;
        float[] softQ = new RandomData(6).NormalsWithOutliers(Rows * Candidates, 3);
        for (int j = 0; j < 64; j++)
        {
            // A column whose first blocks hold nothing finite.
            softQ[(j * Candidates) + 2] = float.NegativeInfinity;
        }

        softQ[(140 * Candidates) + 1] = float.PositiveInfinity;
        softQ[(10 * Candidates) + 4] = float.PositiveInfinity;
        softQ[(10 * Candidates) + 5] = float.NaN;
        double[] expected = LogPartitionOracle.Compute(softQ, Rows, Candidates);
        foreach (int length in (int[])[1, 3, 64, 149])
        {
            float[] logPartition = Compute(Kernel, softQ, Rows, Candidates, length);
            Tolerance.AssertClose(
                expected, logPartition, Tolerance.OfSpread(Doubles(softQ)), $"logZ in blocks of {length}");
        }
    }

    [Fact]
    public void AMillionRowsLoseNoPrecision()
    {
        // Equal entries that no power of two divides: plain fp32 summation would drift.
        const int Rows = 1_000_000;
        float[] softQ = new float[Rows];
        for (int j = 0; j < Rows; j++)
        {
            softQ[j] = j % 3 == 0 ? 0.3f : -0.7f;
        }

        Assert.Equal(LogPartitionOracle.Compute(softQ, Rows, 1)[0], Compute(Kernel, softQ, Rows, 1)[0], 2e-5);
    }

    [Fact]
    public void AColumnShiftedByCMovesItsLogPartitionByC()
    {
        const int Rows = 41, Candidates = 19;
        float[] softQ = new RandomData(7).NormalsWithOutliers(Rows * Candidates, 2);
        float[] before = Compute(Kernel, softQ, Rows, Candidates);
        for (int pair = 0; pair < softQ.Length; pair++)
        {
            softQ[pair] += pair % Candidates == 4 ? 12.5f : 0;
        }

        float[] after = Compute(Kernel, softQ, Rows, Candidates);
        for (int i = 0; i < Candidates; i++)
        {
            Assert.Equal(before[i] + (i == 4 ? 12.5f : 0), after[i], 1e-5f);
        }
    }

    [Fact]
    public void ExponentialsLessLogPartitionAverageToOne()
    {
        const int Rows = 333, Candidates = 18;
        float[] softQ = new RandomData(8).NormalsWithOutliers(Rows * Candidates, 3);
        float[] logPartition = Compute(Kernel, softQ, Rows, Candidates);
        for (int i = 0; i < Candidates; i++)
        {
            double sum = 0;
            for (int j = 0; j < Rows; j++)
            {
                sum += Math.Exp(softQ[(j * Candidates) + i] - (double)logPartition[i]);
            }

            Assert.Equal(1, sum / Rows, 1e-5);
        }
    }

    [Fact]
    public void PermutedColumnsPermuteTheResult()
    {
        const int Rows = 70, Candidates = 50;
        float[] softQ = new RandomData(9).NormalsWithOutliers(Rows * Candidates, 3), reversed = new float[softQ.Length];
        for (int pair = 0; pair < softQ.Length; pair++)
        {
            reversed[(pair / Candidates * Candidates) + Candidates - 1 - (pair % Candidates)] = softQ[pair];
        }

        float[] expected = [.. Compute(Kernel, softQ, Rows, Candidates).Reverse()];
        double tolerance = Tolerance.OfSpread(Doubles(softQ));
        Tolerance.AssertClose([.. expected.Select(value => (double)value)], Compute(
            Kernel, reversed, Rows, Candidates), tolerance, "logZ");
    }

    [Fact]
    public void TheThreadCountDoesNotChangeABit()
    {
        foreach ((int rows, int candidates) in ((int, int)[])[(300, 333), (5000, 17), (2, 40_000)])
        {
            float[] softQ = new RandomData(10).NormalsWithOutliers(rows * candidates, 3);
            float[]? first = null;
            foreach (int threads in ThreadCounts)
            {
                using ComputeSession session = CreateSession(threads);
                float[] logPartition = Compute(session.LogPartition, softQ, rows, candidates);
                Tolerance.AssertSame(first ??= logPartition, logPartition, $"{threads} threads");
                Tolerance.AssertSame(first, Compute(session.LogPartition, softQ, rows, candidates), "again");
            }
        }
    }

    [Fact]
    public void NothingIsReadOrWrittenOutsideTheSpans()
    {
        foreach (GuardSide side in Enum.GetValues<GuardSide>())
        {
            foreach ((int rows, int candidates) in ((int, int)[])[(1, 1), (3, 15), (65, 17), (2, 64), (9, 83)])
            {
                float[] values = new RandomData(11).NormalsWithOutliers(rows * candidates, 3);
                using GuardedFloats softQ = new(values, side), logPartition = new(candidates, side);
                using GuardedFloats max = new(candidates, side), sum = new(candidates, side);
                max.Span.Fill(float.NegativeInfinity);
                Kernel.Accumulate(softQ.Span, rows, candidates, max.Span, sum.Span);
                Kernel.Finish(max.Span, sum.Span, rows, logPartition.Span);
                max.AssertSurroundingsUntouched();
                sum.AssertSurroundingsUntouched();
                logPartition.AssertSurroundingsUntouched();
                Tolerance.AssertSame(values, softQ.Span, "Q~, which is only read");
                Tolerance.AssertSame(
                    Compute(Kernel, values, rows, candidates), logPartition.Span, "logZ between guards");
            }
        }
    }

    [Fact]
    public void RepeatedCallsAllocateNothing()
    {
        float[] softQ = new float[256 * 300], max = new float[300], sum = new float[300], logPartition = new float[300];
        AssertAllocatesNothing(() =>
        {
            Kernel.Accumulate(softQ, 256, 300, max, sum);
            Kernel.Finish(max, sum, 256, logPartition);
        });
    }

    [Fact]
    public void DisagreeingLengthsAreRefused()
    {
        float[] six = new float[6], three = new float[3], two = new float[2];
        Assert.Contains("6", Assert.Throws<ArgumentException>(
            () => Kernel.Accumulate(three, 2, 3, three, three)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Kernel.Accumulate(six, 2, 3, two, three));
        Assert.Throws<ArgumentException>(() => Kernel.Accumulate(six, 2, 3, three, two));
        Assert.Throws<ArgumentException>(() => Kernel.Accumulate([], 0, 3, three, three));
        Assert.Throws<ArgumentException>(() => Kernel.Accumulate([], 2, 0, [], []));
        Assert.Throws<ArgumentException>(() => Kernel.Accumulate(six, -2, -3, three, three));
        Assert.Throws<ArgumentException>(() => Kernel.Finish(three, two, 2, three));
        Assert.Throws<ArgumentException>(() => Kernel.Finish(three, three, 2, two));
        Assert.Throws<ArgumentException>(() => Kernel.Finish(three, three, 0, three));
        Assert.Throws<ArgumentException>(() => Kernel.Finish([], [], 1, []));
    }

    private static double[] Doubles(float[] values) => [.. values.Select(value => (double)value)];

    private static float[] Compute(
        ILogPartitionKernel kernel, float[] softQ, int rows, int candidates, int blockRows = int.MaxValue)
    {
        float[] max = new float[candidates], sum = new float[candidates], logPartition = new float[candidates];
        max.AsSpan().Fill(float.NegativeInfinity);
        for (int row = 0; row < rows;)
        {
            int count = Math.Min(blockRows, rows - row);
            kernel.Accumulate(softQ.AsSpan(row * candidates, count * candidates), count, candidates, max, sum);
            row += count;
        }

        kernel.Finish(max, sum, rows, logPartition);
        return logPartition;
    }

    private void AssertConforms(float[] softQ, int rows, int candidates)
    {
        double[] expected = LogPartitionOracle.Compute(softQ, rows, candidates);
        double tolerance = Tolerance.OfSpread(Doubles(softQ)) + LogPartitionRounding(softQ);
        Tolerance.AssertClose(
            expected, Compute(Kernel, softQ, rows, candidates), tolerance, $"logZ of [{rows}, {candidates}]");
    }

    // fp32 cannot hold logZ better than to half a unit in its last place, which for values near 1e38 is far above any
    // spread.
    private static double LogPartitionRounding(float[] softQ) =>
        1.2e-7 * softQ.Where(float.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max();
}

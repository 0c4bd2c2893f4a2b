using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Conformance.TaskSampling;

/// <summary>What every task sampling kernel must do.</summary>
public abstract partial class TaskSamplingContract : KernelContract, IDisposable
{
    private const ulong Seed = 0xFEED_5EED_0000_0007;

    private ComputeSession? _session;

    public static TheoryData<int, int> Sizes => new()
    {
        { 1, 1 }, { 1, 2 }, { 2, 1 }, { 3, 3 }, { 5, 15 }, { 7, 16 }, { 11, 17 }, { 13, 31 }, { 17, 32 }, { 3, 33 },
        { 101, 5 }, { 64, 64 },
        { 19, 255 }, { 4, 256 }, { 4, 257 }, { 23, 523 }, { 700, 3 }, { 1031, 67 }, { 2, 65_536 }, { 2, 65_541 },
        { 3, 150_001 },
    };

    /// <summary>How often the widest test draws from a million tasks.</summary>
    protected virtual int WideDraws => 400;

    /// <summary>How often the law of the samples is tried.</summary>
    private int Draws => IsEmulated ? 4000 : 20_000;

    private ITaskSamplingKernel Kernel => (_session ??= CreateSession(0)).TaskSampling;

    public void Dispose()
    {
        _session?.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void EverySizeAgreesWithTheOracle(int rows, int candidates)
    {
        Case data = new(rows, candidates);
        foreach (float temperature in (float[])[1, 0])
        {
            data.Temperature = temperature;
            AssertTasksConform(data);
            AssertRowsConform(data);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.1f)]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(1e-3f)]
    [InlineData(1e5f)]
    public void EveryTemperaturePriorAndPartitionAgreesWithTheOracle(float temperature)
    {
        foreach (bool hasPrior in (bool[])[false, true])
        {
            foreach (bool hasPartition in (bool[])[false, true])
            {
                Case data = new(29, 45) { Temperature = temperature };
                data.LogPrior = hasPrior ? data.LogPrior : [];
                data.LogPartition = hasPartition ? data.LogPartition : [];
                AssertTasksConform(data);
                AssertRowsConform(data);
            }
        }
    }

    [Fact]
    public void OptionsChangeTheSample()
    {
        // Guards the tests above: an option that no case feels would pass unimplemented.
        foreach (Action<Case> change in (Action<Case>[])[
            data => data.Temperature = 4, data => data.Temperature = 0, data => data.LogPrior = [],
            data => data.LogPartition = [],
            data => data.Seed++, data => data.Seed += 1UL << 32, data => data.Call++, data => data.FirstRow++])
        {
            Case before = new(29, 45), after = new(29, 45);
            change(after);
            Assert.NotEqual(SampleTasks(before), SampleTasks(after));
        }
    }

    [Theory]
    [InlineData(1e4f)]
    [InlineData(-1e4f)]
    public void ExtremeValuesAgreeWithTheOracle(float value)
    {
        Case data = new(31, 40);
        for (int pair = 0; pair < data.SoftQ.Length; pair++)
        {
            data.SoftQ[pair] += value * (pair % 3);
        }

        foreach (float temperature in (float[])[0, 1, 10])
        {
            data.Temperature = temperature;
            AssertTasksConform(data);
            AssertRowsConform(data);
        }
    }

    [Fact]
    public void AllEqualScoresTakeTheFirstAtTemperatureZeroAndAnyOtherwise()
    {
        Case data = new(500, 37) { LogPartition = [], LogPrior = [], Temperature = 0 };
        data.SoftQ.AsSpan().Fill(-3.5f);
        Samples samples = new(data);
        samples.Draw(Kernel, data);
        Assert.All(samples.Index, index => Assert.Equal(0, index));
        int[] rows = new int[37];
        Kernel.SampleRows(data.Posterior, rows);
        Assert.All(rows, row => Assert.Equal(0, row));
        data.Temperature = 1;
        samples.Draw(Kernel, data);
        Assert.All(samples.Mode, mode => Assert.Equal(0, mode));
        Assert.All(samples.Entropy, entropy => Assert.Equal(Math.Log(37), entropy, Tolerance.Entropy));
        Assert.Equal(37, samples.Index.Distinct().Count());
        AssertTasksConform(data);
    }

    [Theory]
    [InlineData(37)]
    [InlineData(70_000)]
    public void ThePriorBreaksExactTiesAtTemperatureZeroAndForbidsTasks(int candidates)
    {
        Case data = new(3, candidates) { LogPartition = [], Temperature = 0 };
        data.SoftQ.AsSpan().Fill(2);
        data.LogPrior.AsSpan().Fill(-1);
        (data.LogPrior[20], data.LogPrior[^3]) = (-0.5f, -0.5f);
        Assert.Equal([20, 20, 20], SampleTasks(data));
        data.LogPrior[20] = -0.75f;
        Assert.Equal(candidates - 3, SampleTasks(data)[0]);

        // However small, a difference of Q~ outweighs any finite prior in the limit; a prior of -inf does not go away.
        data.SoftQ[7] += 1e-5f;
        data.SoftQ[9] += 1f;
        data.LogPrior[7] = -1000;
        data.LogPrior[9] = float.NegativeInfinity;
        Assert.Equal([7, candidates - 3, candidates - 3], SampleTasks(data));
        AssertTasksConform(data);
        data.Temperature = 1;
        AssertTasksConform(data);
    }

    [Theory]
    [InlineData(0, 21)]
    [InlineData(1, 21)]
    [InlineData(0, 70_000)]
    [InlineData(1, 70_000)]
    public void RowsWithoutAPosteriorAreMarked(float temperature, int candidates)
    {
        Case data = new(9, candidates) { Temperature = temperature };
        data.SoftQ[(1 * candidates) + candidates - 1] = float.NaN;
        data.SoftQ[(2 * candidates) + 3] = float.PositiveInfinity;
        data.SoftQ.AsSpan(3 * candidates, candidates).Fill(float.NegativeInfinity);
        data.SoftQ.AsSpan(4 * candidates, candidates - 1).Fill(float.NegativeInfinity);
        data.SoftQ[5 * candidates] = float.NegativeInfinity;
        data.SoftQ[(7 * candidates) + 2] = float.NaN;
        data.SoftQ[(7 * candidates) + 5] = float.PositiveInfinity;
        Samples samples = new(data);
        samples.Draw(Kernel, data);
        foreach (int bad in (int[])[1, 2, 3, 7])
        {
            Assert.Equal(-1, samples.Index[bad]);
            Assert.Equal(-1, samples.Mode[bad]);
            Assert.Equal(float.NaN, samples.Entropy[bad]);
        }

        Assert.Equal(float.NaN, samples.LogNormalizer[1]);
        Assert.Equal(float.PositiveInfinity, samples.LogNormalizer[2]);
        Assert.Equal(float.NegativeInfinity, samples.LogNormalizer[3]);
        Assert.Equal(float.NaN, samples.LogNormalizer[7]);
        Assert.Equal(candidates - 1, samples.Index[4]);
        Assert.Equal(0, samples.Entropy[4], Tolerance.Entropy);
        AssertTasksConform(data);
        AssertRowsConform(data);
    }

    [Fact]
    public void ATaskWhoseColumnIsMinusInfinityIsNeverTaken()
    {
        Case data = new(40, 18);
        for (int j = 0; j < 40; j++)
        {
            data.SoftQ[(j * 18) + 11] = float.NegativeInfinity;
        }

        // Its log partition is -inf as well, and -inf - (-inf) must not count as NaN.
        data.LogPartition = Array.ConvertAll(LogPartitionOracle.Compute(data.SoftQ, 40, 18), value => (float)value);
        Assert.Equal(float.NegativeInfinity, data.LogPartition[11]);
        foreach (float temperature in (float[])[0, 1, 10])
        {
            data.Temperature = temperature;
            int[] tasks = SampleTasks(data);
            Assert.DoesNotContain(11, tasks);
            Assert.DoesNotContain(-1, tasks);
            AssertTasksConform(data);
            int[] rows = new int[18];
            Kernel.SampleRows(data.Posterior, rows);
            Assert.Equal(-1, rows[11]);
            Assert.Single(rows, -1);
        }
    }

    [Fact]
    public void ColumnsWithoutAChoiceAreMarked()
    {
        foreach (int rows in (int[])[5, 1200])
        {
            Case data = new(rows, 19);
            data.SoftQ[((rows - 1) * 19) + 2] = float.NaN;
            data.SoftQ[3] = float.PositiveInfinity;
            data.SoftQ[4] = float.NegativeInfinity;
            foreach (float temperature in (float[])[0, 1])
            {
                data.Temperature = temperature;
                int[] index = new int[19];
                Kernel.SampleRows(data.Posterior, index);
                Assert.Equal(-1, index[2]);
                Assert.Equal(-1, index[3]);
                Assert.Equal(2, index.Count(row => row < 0));
                AssertRowsConform(data);
            }
        }
    }

    [Fact]
    public void AColumnShiftedWithItsLogPartitionLeavesTheSamples()
    {
        Case data = new(60, 33);
        int[] before = SampleTasks(data), rowsBefore = new int[33], rowsAfter = new int[33];
        Kernel.SampleRows(data.Posterior, rowsBefore);
        for (int j = 0; j < 60; j++)
        {
            data.SoftQ[(j * 33) + 8] += 16;
        }

        data.LogPartition[8] += 16;
        AssertSameWhereDecided(data, before, SampleTasks(data));
        Kernel.SampleRows(data.Posterior, rowsAfter);
        for (int i = 0; i < 33; i++)
        {
            bool decided = TaskSamplingOracle.SampleRow(data.Posterior, i).Margin > 1e-4;
            Assert.True(
                !decided || rowsBefore[i] == rowsAfter[i],
                $"Task {i} picks row {rowsAfter[i]} instead of {rowsBefore[i]}.");
        }
    }

    [Fact]
    public void SampledTasksFollowThePosterior()
    {
        // Many rows of one posterior: their tasks' counts against the softmax.
        int draws = Draws;
        float[] row = [0.5f, -1f, 2f, 0f, 1.5f, -0.5f, 1f, -2f, 0.25f, 0.75f, 1.25f];
        Case data = Repeated(row, draws);
        data.Temperature = 0.7f;
        double[] probability = Softmax(row, 0.7);
        AssertFollows(probability, SampleTasks(data), draws);

        // Every call and every task's noise is independent of the others: the second draw given the first follows the
        // same law.
        int[] first = SampleTasks(data);
        data.Call++;
        int[] second = SampleTasks(data);
        AssertFollows(probability, [.. second.Where((_, j) => first[j] == 2)], first.Count(task => task == 2));
    }

    [Fact]
    public void SampledRowsFollowTheColumn()
    {
        int draws = Draws;
        float[] column = [0.5f, -1f, 2f, 0f, 1.5f, -0.5f, 1f];
        Case data = new(column.Length, draws) { Temperature = 1.5f };
        for (int pair = 0; pair < data.SoftQ.Length; pair++)
        {
            data.SoftQ[pair] = column[pair / draws];
        }

        int[] rows = new int[draws];
        Kernel.SampleRows(data.Posterior, rows);
        AssertFollows(Softmax(column, 1.5), rows, draws);
    }

    [Fact]
    public void AMillionTasksAreSampledRight()
    {
        // One task has 17 nats more than each of a million others, which together should win with probability 1 / (1 +
        // e^17 / 1e6) = 0.0398. That needs Gumbel draws beyond 17: noise made from uniforms of 2^-24 resolution stops
        // at 16.6 and would give about 0.02.
        const int Candidates = 1_000_000;
        Case data = new(1, Candidates) { LogPartition = [], LogPrior = [] };
        data.SoftQ.AsSpan().Clear();
        data.SoftQ[123_456] = 17;
        int others = 0;
        int[] deciles = new int[10], index = new int[1];
        for (int draw = 0; draw < WideDraws; draw++)
        {
            data.FirstRow = (uint)draw;
            Kernel.SampleTasks(data.Posterior, new TaskSamples { Index = index });
            if (index[0] != 123_456)
            {
                others++;
                deciles[index[0] / (Candidates / 10)]++;
            }
        }

        double expected = WideDraws / (1 + (Math.Exp(17) / (Candidates - 1))), deviation = Math.Sqrt(expected);
        Assert.InRange(others, expected - (2 * deviation), expected + (2 * deviation));
        Assert.All(
            deciles, count => Assert.True(count <= 1 + (others / 3), "The winners crowd in one part of the row."));
    }

    // A posterior with one row's Q~ in every row, without partition or prior.
    private static Case Repeated(float[] row, int rows)
    {
        Case data = new(rows, row.Length) { LogPartition = [], LogPrior = [] };
        for (int pair = 0; pair < data.SoftQ.Length; pair++)
        {
            data.SoftQ[pair] = row[pair % row.Length];
        }

        return data;
    }

    private static double[] Softmax(float[] values, double temperature)
    {
        double[] weights = [.. values.Select(value => Math.Exp(value / temperature))];
        return [.. weights.Select(weight => weight / weights.Sum())];
    }

    // Pearson's chi-square against the limit that a right sampler exceeds once in ten thousand seeds (Wilson and
    // Hilferty's approximation).
    private static void AssertFollows(double[] probability, int[] drawn, int draws)
    {
        Assert.Equal(draws, drawn.Length);
        double chiSquare = 0;
        for (int i = 0; i < probability.Length; i++)
        {
            double expected = draws * probability[i];
            chiSquare += Math.Pow(drawn.Count(index => index == i) - expected, 2) / expected;
        }

        double freedom = probability.Length - 1, ninth = 2 / (9 * freedom);
        Assert.InRange(chiSquare, 0, freedom * Math.Pow(1 - ninth + (3.719 * Math.Sqrt(ninth)), 3));
    }

    private void AssertSameWhereDecided(Case data, int[] expected, int[] found)
    {
        for (int j = 0; j < expected.Length; j++)
        {
            bool decided = TaskSamplingOracle.SampleTask(data.Posterior, j).Margin > 1e-4;
            Assert.True(
                !decided || expected[j] == found[j], $"Row {j} takes task {found[j]} instead of {expected[j]}.");
        }
    }

    private int[] SampleTasks(Case data)
    {
        int[] index = new int[data.Rows];
        Kernel.SampleTasks(data.Posterior, new TaskSamples { Index = index });
        return index;
    }

    private void AssertTasksConform(Case data)
    {
        Samples samples = new(data);
        samples.Draw(Kernel, data);
        int undecided = 0;
        for (int j = 0; j < data.Rows; j++)
        {
            // A normalizer is as large as the scores. What tells them apart is not: it must not drown in them.
            double tolerance = ScoreTolerance(TaskSamplingOracle.Scores(data.Posterior, j));
            double relative = Math.Min(tolerance, Tolerance.Draw), margin = data.Temperature == 0 ? 0 : relative;
            undecided += AssertChoice(
                TaskSamplingOracle.SampleTask(data.Posterior, j), samples.Index[j], margin, $"task of row {j}");
            AssertChoice(TaskSamplingOracle.Mode(data.Posterior, j), samples.Mode[j], margin, $"mode of row {j}");
            (double entropy, double logNormalizer) = TaskSamplingOracle.Statistics(data.Posterior, j);
            Tolerance.AssertClose(
                [entropy], [samples.Entropy[j]], Tolerance.Entropy + (4 * relative), $"entropy of row {j}");
            logNormalizer = Math.Abs(logNormalizer) > float.MaxValue ? (float)logNormalizer : logNormalizer;
            Tolerance.AssertClose([logNormalizer], [samples.LogNormalizer[j]], tolerance, $"log normalizer of row {j}");
            if (!double.IsNaN(entropy))
            {
                Assert.InRange(samples.Entropy[j], 0, MathF.Log(data.Candidates));
            }
        }

        // The comparison says something only where the winner is clear, which is nearly everywhere.
        Assert.True(undecided <= 1 + (data.Rows / 10), $"{undecided} of {data.Rows} rows are undecided.");
    }

    private void AssertRowsConform(Case data)
    {
        int[] index = new int[data.Candidates];
        Kernel.SampleRows(data.Posterior, index);
        double tolerance = data.Temperature == 0
            ? 0
            : Math.Min(2 * ScoreTolerance(data.SoftQ.Select(q => q / (double)data.Temperature)), Tolerance.Draw);
        int undecided = 0;

        // A wide matrix is checked in every 13th column, which meets every lane and tile.
        int step = data.Candidates > 5000 ? 13 : 1;
        for (int i = 0; i < data.Candidates; i += step)
        {
            undecided += AssertChoice(
                TaskSamplingOracle.SampleRow(data.Posterior, i), index[i], tolerance, $"row of task {i}");
        }

        Assert.True(undecided <= 1 + (data.Candidates / 10), $"{undecided} of {data.Candidates} tasks are undecided.");
    }

    private static int AssertChoice(Choice expected, int found, double tolerance, string what)
    {
        // Without noise only exact ties are close, and those have a rule of their own.
        if (tolerance > 0 && expected.Margin <= tolerance)
        {
            return 1;
        }

        Assert.True(
            expected.Index == found,
            $"{what}: expected {expected.Index} by a margin of {expected.Margin:g3}, found {found}.");
        return 0;
    }

    private static double ScoreTolerance(IEnumerable<double> scores)
    {
        double largest = 1;
        foreach (double score in scores)
        {
            largest = double.IsFinite(score) ? Math.Max(largest, Math.Abs(score)) : largest;
        }

        // 20: the largest noise has that magnitude.
        return Tolerance.Score * Math.Max(20, largest);
    }
}

using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance.Data;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Kernels.Conformance.SoftQ;

/// <summary>
/// What every soft-Q kernel must do: agree with the double-precision oracle, and the properties that the relabeler
/// relies on.
/// </summary>
public abstract class SoftQContract : KernelContract, IDisposable
{
    private ComputeSession? _session;

    public static TheoryData<int, SoftQEstimator> Widths =>
        Cross([1, 2, 15, 16, 17, 31, 32, 63, 64, 100, 128, 256, 300, 512, 1024]);

    public static TheoryData<int, SoftQEstimator> ActionDimensions => Cross([1, 2, 3, 5, 8, 17, 40]);

    public static TheoryData<int, int> Sizes => new()
    {
        { 1, 1 }, { 1, 2 }, { 2, 1 }, { 3, 17 }, { 17, 3 }, { 13, 31 }, { 31, 13 },
        { 16, 16 }, { 64, 64 }, { 67, 129 }, { 129, 5 }, { 1, 257 }, { 257, 1 },
    };

    public static TheoryData<int, int> Dimensions =>
        new() { { 1, 1 }, { 1, 5 }, { 7, 1 }, { 16, 16 }, { 17, 3 }, { 40, 33 } };

    private ComputeSession Session => _session ??= CreateSession(0);

    private ISoftQKernel Kernel => Session.SoftQ;

    public void Dispose()
    {
        _session?.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void EveryWidthAgreesWithTheOracle(int hidden, SoftQEstimator estimator)
    {
        (int rows, int candidates) = hidden >= 256 ? (3, 2) : (5, 7);
        using SoftQCase data = new(rows, candidates, hidden) { Estimator = estimator };
        data.AssertConforms(Session);
    }

    [Theory]
    [MemberData(nameof(ActionDimensions))]
    public void EveryActionDimensionAgreesWithTheOracle(int actionDimension, SoftQEstimator estimator)
    {
        using SoftQCase data = new(7, 5, 32, actionDimension: actionDimension) { Estimator = estimator };
        data.AssertConforms(Session);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void EverySizeAgreesWithTheOracle(int rows, int candidates)
    {
        using SoftQCase data = new(rows, candidates, 17);
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            data.Estimator = estimator;
            data.AssertConforms(Session);
        }
    }

    [Theory]
    [MemberData(nameof(Dimensions))]
    public void EveryObservationAndTaskDimensionAgreesWithTheOracle(int observationDimension, int taskDimension)
    {
        using SoftQCase data = new(6, 9, 24, observationDimension, 2, taskDimension);
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            data.Estimator = estimator;
            data.AssertConforms(Session);
        }
    }

    [Theory]
    [InlineData(SoftQEstimator.Critic)]
    [InlineData(SoftQEstimator.SoftCritic)]
    [InlineData(SoftQEstimator.Bellman)]
    public void EveryCombinationOfOptionsAgreesWithTheOracle(SoftQEstimator estimator)
    {
        using SoftQCase data = new(6, 19, 33) { Estimator = estimator };
        MlpParameters second = data.Critic2!;
        foreach (TwinCombination twin in Enum.GetValues<TwinCombination>())
        {
            foreach (bool hasSecond in (bool[])[true, false])
            {
                foreach (CriticRange range in (CriticRange[])[default, new(-12, 3)])
                {
                    foreach (bool exact in (bool[])[false, true])
                    {
                        data.Twin = twin;
                        data.Critic2 = hasSecond ? second : null;
                        data.Range = range;
                        data.ExactTerminalValue = exact;
                        data.AssertConforms(Session);
                    }
                }
            }
        }

        data.Critic2 = second;
    }

    [Fact]
    public void OptionsChangeTheResult()
    {
        // Guards the other tests: an option that no case feels would pass unimplemented.
        AssertDiffers(SoftQEstimator.Critic, data => data.Twin = TwinCombination.Mean);
        AssertDiffers(SoftQEstimator.Critic, data => data.Twin = TwinCombination.First);
        AssertDiffers(SoftQEstimator.Critic, data => data.Range = new CriticRange(-12, 3));
        AssertDiffers(SoftQEstimator.Critic, data => data.ExactTerminalValue = true);
        AssertDiffers(SoftQEstimator.Critic, data => data.Estimator = SoftQEstimator.SoftCritic);
        AssertDiffers(SoftQEstimator.SoftCritic, data => data.Alpha = 0);
        AssertDiffers(SoftQEstimator.SoftCritic, data => data.Estimator = SoftQEstimator.Bellman);
        AssertDiffers(SoftQEstimator.Bellman, data => data.Alpha = 0);
        AssertDiffers(SoftQEstimator.Bellman, data => data.Gamma = 0.5f);
        AssertDiffers(SoftQEstimator.Bellman, data => data.Seed++);
        AssertDiffers(SoftQEstimator.Bellman, data => data.Call++);
        AssertDiffers(SoftQEstimator.Bellman, data => data.FirstRow++);
    }

    [Fact]
    public void LogStandardDeviationsAreClampedAtBothEnds()
    {
        using SoftQCase data = new(5, 6, 20) { Estimator = SoftQEstimator.Bellman, Alpha = 0.1f };
        data.Actor!.Bias(2)[3] = 30;
        data.Actor.MarkChanged();
        data.AssertConforms(Session);

        // At the lower end the log-probability is astronomic; the sampled action is then the mean's.
        data.Actor.Bias(2)[3] = -80;
        data.Actor.MarkChanged();
        data.Alpha = 0;
        data.AssertConforms(Session);
    }

    [Theory]
    [InlineData(1e4f)]
    [InlineData(-1e4f)]
    public void ExtremeValuesAgreeWithTheOracle(float value)
    {
        using SoftQCase data = new(9, 11, 40);
        SoftQCase.ScaleOutput(data.Critic1, 3000);
        SoftQCase.ScaleOutput(data.Critic2!, 3000);
        data.Critic1.Bias(2)[0] += value;
        data.Critic2!.Bias(2)[0] += value;
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            data.Estimator = estimator;
            data.AssertConforms(Session);
        }
    }

    [Fact]
    public void AllEqualColumnsComeOutEqual()
    {
        using SoftQCase data = new(8, 21, 32);
        for (int i = 1; i < data.Candidates; i++)
        {
            data.Task.AsSpan(0, data.TaskDimension).CopyTo(data.Task.AsSpan(i * data.TaskDimension));
        }

        float[] softQ = data.Compute(Kernel);
        for (int pair = 0; pair < softQ.Length; pair++)
        {
            Assert.Equal(softQ[pair / 21 * 21], softQ[pair]);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void BadInputSpoilsItsOwnRowAndColumnOnly(float bad)
    {
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            using SoftQCase data = new(9, 20, 48) { Estimator = estimator };
            float[] good = data.Compute(Kernel);
            data.Observation[4 * data.ObservationDimension] = bad;
            data.NextObservation[4 * data.ObservationDimension] = bad;
            data.Task[(13 * data.TaskDimension) + 1] = bad;
            float[] spoiled = data.Compute(Kernel);
            for (int pair = 0; pair < good.Length; pair++)
            {
                bool touched = pair / 20 == 4 || pair % 20 == 13;
                if (!touched)
                {
                    Assert.Equal(good[pair], spoiled[pair]);
                }
                else if (float.IsNaN(bad))
                {
                    Assert.True(
                        float.IsNaN(spoiled[pair]), $"{estimator}: pair {pair} hides a NaN as {spoiled[pair]}.");
                }
            }
        }
    }

    [Theory]
    [InlineData(TwinCombination.Min, float.PositiveInfinity)]
    [InlineData(TwinCombination.Min, float.NegativeInfinity)]
    [InlineData(TwinCombination.Mean, float.PositiveInfinity)]
    public void AnInfiniteCriticDoesNotHideBehindTheOther(TwinCombination twin, float value)
    {
        using SoftQCase data = new(3, 18, 20) { Twin = twin };
        data.Critic2!.Bias(2).Fill(value);
        data.Critic2.MarkChanged();
        Assert.All(
            data.Compute(Kernel), entry => Assert.False(float.IsFinite(entry), $"An infinite critic gave {entry}."));
    }

    [Fact]
    public void ANetworkOfNaNGivesNaN()
    {
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            foreach (int layer in (int[])[0, 1, 2])
            {
                using SoftQCase data = new(3, 18, 20) { Estimator = estimator, Twin = TwinCombination.Min };
                data.Critic2!.Bias(layer).Fill(float.NaN);
                data.Critic2.MarkChanged();
                data.ExactTerminalValue = true;
                double[] expected = SoftQOracle.Compute(data.Problem);
                float[] softQ = data.Compute(Kernel);
                for (int pair = 0; pair < softQ.Length; pair++)
                {
                    Assert.Equal(double.IsNaN(expected[pair]), float.IsNaN(softQ[pair]));
                }
            }
        }
    }

    [Fact]
    public void TheThreadCountDoesNotChangeABit()
    {
        using SoftQCase data = IsEmulated ? new(37, 41, 17) : new(70, 90, 64);
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            data.Estimator = estimator;
            float[]? first = null;
            foreach (int threads in ThreadCounts)
            {
                using ComputeSession session = CreateSession(threads);
                float[] softQ = data.Compute(session.SoftQ);
                Tolerance.AssertSame(first ??= softQ, softQ, $"{estimator} on {threads} threads");
                Tolerance.AssertSame(first, data.Compute(session.SoftQ), $"{estimator} again");
            }
        }
    }

    [Fact]
    public void BlocksOfRowsEqualTheWhole()
    {
        using SoftQCase data = new(45, 23, 31) { FirstRow = 1000 };
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            data.Estimator = estimator;
            double tolerance = Tolerance.OfSpread(SoftQOracle.Compute(data.Problem), Session.Backend.Precision);
            double[] whole = [.. data.Compute(Kernel).Select(value => (double)value)];
            foreach (int length in (int[])[1, 7, 32])
            {
                for (int first = 0; first < data.Rows; first += length)
                {
                    int count = Math.Min(length, data.Rows - first);
                    float[] block = new float[count * data.Candidates];
                    Kernel.Compute(data.Block(first, count), block);
                    Tolerance.AssertClose(whole.AsSpan(
                        first * data.Candidates, block.Length), block, tolerance, $"{estimator}, block at {first}");
                }
            }
        }
    }

    [Fact]
    public void PermutedRowsAndTasksPermuteTheResult()
    {
        using SoftQCase data = new(11, 13, 32) { Estimator = SoftQEstimator.SoftCritic, ExactTerminalValue = true };
        double tolerance = Tolerance.OfSpread(SoftQOracle.Compute(data.Problem), Session.Backend.Precision);
        float[] before = data.Compute(Kernel);
        data.Observation = Rotated(data.Observation, data.ObservationDimension);
        data.NextObservation = Rotated(data.NextObservation, data.ObservationDimension);
        data.Action = Rotated(data.Action, data.ActionDimension);
        data.Task = Rotated(data.Task, data.TaskDimension);
        float[] after = data.Compute(Kernel);
        for (int pair = 0; pair < after.Length; pair++)
        {
            int row = pair / 13, task = pair % 13;
            Assert.Equal(before[((row + 1) % 11 * 13) + ((task + 1) % 13)], after[pair], tolerance);
        }
    }

    [Fact]
    public void ChangedParametersAreSeen()
    {
        using SoftQCase data = new(6, 20, 40) { Estimator = SoftQEstimator.Bellman };
        data.AssertConforms(Session);
        SoftQCase.ScaleOutput(data.Critic1, -1.5f);
        SoftQCase.ScaleOutput(data.Actor!, 0.5f);
        data.AssertConforms(Session);
        using SoftQCase other = new(6, 20, 40, seed: 2) { Estimator = SoftQEstimator.Bellman };
        other.AssertConforms(Session);
    }

    [Fact]
    public void NothingIsReadOrWrittenOutsideTheSpans()
    {
        foreach (GuardSide side in Enum.GetValues<GuardSide>())
        {
            (int, int, int, int, int)[] shapes = [(1, 1, 1, 1, 1), (3, 17, 5, 3, 2), (33, 5, 17, 2, 7)];
            foreach ((int rows, int candidates, int s, int a, int p) in shapes)
            {
                using SoftQCase data = new(rows, candidates, 31, s, a, p);
                foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
                {
                    data.Estimator = estimator;
                    float[] expected = data.Compute(Kernel);
                    using GuardedFloats observation = new(data.Observation, side), action = new(data.Action, side);
                    using GuardedFloats next = new(data.NextObservation, side);
                    using GuardedFloats task = new(data.Task, side), softQ = new(expected.Length, side);
                    Kernel.Compute(
                        new SoftQProblem
                        {
                            Observation = observation.Span,
                            Action = action.Span,
                            NextObservation = next.Span,
                            Task = task.Span,
                            Rows = rows,
                            Candidates = candidates,
                            ObservationDimension = s,
                            ActionDimension = a,
                            TaskDimension = p,
                            Estimator = estimator,
                            Critic1 = data.Critic1,
                            Critic2 = data.Critic2,
                            Actor = data.Actor,
                            Alpha = data.Alpha,
                            Gamma = data.Gamma,
                            Family = data.Family,
                            Seed = data.Seed,
                            Call = data.Call,
                        },
                        softQ.Span);
                    softQ.AssertSurroundingsUntouched();
                    Tolerance.AssertSame(expected, softQ.Span, $"{estimator} between guards");
                }
            }
        }
    }

    [Fact]
    public void RepeatedCallsAllocateNothing()
    {
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            // As many pairs as make an array of a call's size show; their networks are padded to 16 units in any case.
            using SoftQCase data = new(64, 50, IsEmulated ? 16 : 64)
            {
                Estimator = estimator, ExactTerminalValue = true,
            };
            float[] softQ = new float[64 * 50];
            AssertAllocatesNothing(() => Kernel.Compute(data.Problem, softQ));
        }
    }

    [Fact]
    public void IncompleteProblemsAreRefused()
    {
        Refused("actor", data => (data.Estimator, data.Actor) = (SoftQEstimator.SoftCritic, null));
        Refused("task family", data => (data.Estimator, data.Family) = (SoftQEstimator.Bellman, null));
        Refused("next observations", data => (data.Estimator, data.NextObservation) = (SoftQEstimator.Bellman, []));
        Refused("candidate tasks", data => data.Task = data.Task[..^1]);
        Refused("gamma", data => (data.Estimator, data.Gamma) = (SoftQEstimator.Bellman, float.NaN));
        using SoftQCase complete = new(3, 4, 8);
        Assert.Throws<ArgumentException>(() => Kernel.Compute(complete.Problem, new float[11]));

        void Refused(string expected, Action<SoftQCase> spoil)
        {
            using SoftQCase data = new(3, 4, 8);
            (MlpParameters? actor, MlpParameters? second) = (data.Actor, data.Critic2);
            spoil(data);
            ArgumentException refusal = Assert.Throws<ArgumentException>(
                () => Kernel.Compute(data.Problem, new float[12]));
            Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
            (data.Actor, data.Critic2) = (actor, second);
        }
    }

    private static void AssertDiffers(SoftQEstimator estimator, Action<SoftQCase> change)
    {
        using SoftQCase data = new(6, 19, 33) { Estimator = estimator };
        double[] before = SoftQOracle.Compute(data.Problem);
        change(data);
        double largest = before.Zip(SoftQOracle.Compute(data.Problem), (x, y) => Math.Abs(x - y)).Max();
        Assert.True(largest > 100 * Tolerance.OfSpread(before), $"The option changes Q~ by no more than {largest}.");
    }

    private static float[] Rotated(float[] matrix, int columns) => [.. matrix[columns..], .. matrix[..columns]];

    private static TheoryData<int, SoftQEstimator> Cross(int[] values)
    {
        TheoryData<int, SoftQEstimator> data = [];
        foreach (int value in values)
        {
            foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
            {
                data.Add(value, estimator);
            }
        }

        return data;
    }
}

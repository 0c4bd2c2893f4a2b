using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance.Data;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Conformance.TaskSampling;

/// <summary>What calls may touch and allocate, what they refuse, and what must not change their results.</summary>
public abstract partial class TaskSamplingContract
{
    [Fact]
    public void BlocksOfRowsEqualTheWhole()
    {
        Case data = new(45, 130) { FirstRow = 77 };
        Samples whole = new(data);
        whole.Draw(Kernel, data);
        foreach (int length in (int[])[1, 7, 32])
        {
            for (int first = 0; first < 45; first += length)
            {
                int count = Math.Min(length, 45 - first);
                Case block = new(count, 130)
                {
                    FirstRow = 77 + (uint)first,
                    LogPartition = data.LogPartition,
                    LogPrior = data.LogPrior,
                };
                data.SoftQ.AsSpan(first * 130, count * 130).CopyTo(block.SoftQ);
                Samples samples = new(block);
                samples.Draw(Kernel, block);
                Assert.Equal(whole.Index[first..(first + count)], samples.Index);
                Assert.Equal(whole.Mode[first..(first + count)], samples.Mode);
                Tolerance.AssertSame(whole.Entropy.AsSpan(first, count), samples.Entropy, "entropy");
                Tolerance.AssertSame(whole.LogNormalizer.AsSpan(first, count), samples.LogNormalizer, "log normalizer");
            }
        }
    }

    [Fact]
    public void TheThreadCountDoesNotChangeABit()
    {
        (int, int)[] sizes = IsEmulated
            ? [(30, 333), (300, 17), (2, 70_000)]
            : [(300, 333), (5000, 17), (2, 140_000)];
        foreach ((int rows, int candidates) in sizes)
        {
            Case data = new(rows, candidates);
            Samples? first = null;
            int[]? firstRows = null;
            foreach (int threads in ThreadCounts)
            {
                using ComputeSession session = CreateSession(threads);
                for (int repeat = 0; repeat < 2; repeat++)
                {
                    Samples samples = new(data);
                    samples.Draw(session.TaskSampling, data);
                    first ??= samples;
                    Assert.Equal(first.Index, samples.Index);
                    Assert.Equal(first.Mode, samples.Mode);
                    Tolerance.AssertSame(first.Entropy, samples.Entropy, "entropy");
                    Tolerance.AssertSame(first.LogNormalizer, samples.LogNormalizer, "log normalizer");
                    int[] index = new int[candidates];
                    session.TaskSampling.SampleRows(data.Posterior, index);
                    Assert.Equal(firstRows ??= index, index);
                }
            }
        }
    }

    [Fact]
    public void EachOptionalResultCanBeLeftOut()
    {
        Case data = new(33, 300);
        Samples all = new(data);
        all.Draw(Kernel, data);
        int[] index = new int[33], mode = new int[33];
        float[] values = new float[33];
        Kernel.SampleTasks(data.Posterior, new TaskSamples { Index = index });
        Assert.Equal(all.Index, index);
        Kernel.SampleTasks(data.Posterior, new TaskSamples { Index = index, Mode = mode });
        Assert.Equal(all.Mode, mode);
        Kernel.SampleTasks(data.Posterior, new TaskSamples { Index = index, Entropy = values });
        Tolerance.AssertSame(all.Entropy, values, "entropy");
        Kernel.SampleTasks(data.Posterior, new TaskSamples { Index = index, LogNormalizer = values });
        Tolerance.AssertSame(all.LogNormalizer, values, "log normalizer");
    }

    [Fact]
    public void NothingIsReadOrWrittenOutsideTheSpans()
    {
        foreach (GuardSide side in Enum.GetValues<GuardSide>())
        {
            foreach (
                (int rows, int candidates) in ((int, int)[])[(1, 1), (3, 15), (5, 17), (33, 48), (9, 83), (2, 257)])
            {
                Case data = new(rows, candidates);
                Samples expected = new(data);
                expected.Draw(Kernel, data);
                int[] expectedRows = new int[candidates];
                Kernel.SampleRows(data.Posterior, expectedRows);
                using GuardedFloats softQ = new(data.SoftQ, side), logPartition = new(data.LogPartition, side),
                    logPrior = new(data.LogPrior, side);
                using GuardedFloats index = new(rows, side), mode = new(rows, side), entropy = new(rows, side);
                using GuardedFloats logNormalizer = new(rows, side), rowIndex = new(candidates, side);
                TaskPosterior posterior = new()
                {
                    SoftQ = softQ.Span,
                    Rows = rows,
                    Candidates = candidates,
                    LogPartition = logPartition.Span,
                    LogPrior = logPrior.Span,
                    Temperature = data.Temperature,
                    Seed = data.Seed,
                    Call = data.Call,
                    FirstRow = data.FirstRow,
                };
                Kernel.SampleTasks(
                    posterior,
                    new TaskSamples
                    {
                        Index = index.Integers,
                        Mode = mode.Integers,
                        Entropy = entropy.Span,
                        LogNormalizer = logNormalizer.Span,
                    });
                Kernel.SampleRows(posterior, rowIndex.Integers);
                foreach (GuardedFloats result in (GuardedFloats[])[index, mode, entropy, logNormalizer, rowIndex])
                {
                    result.AssertSurroundingsUntouched();
                }

                Assert.Equal(expected.Index, index.Integers.ToArray());
                Assert.Equal(expected.Mode, mode.Integers.ToArray());
                Assert.Equal(expectedRows, rowIndex.Integers.ToArray());
                Tolerance.AssertSame(expected.Entropy, entropy.Span, "entropy between guards");
                Tolerance.AssertSame(expected.LogNormalizer, logNormalizer.Span, "log normalizer between guards");
            }
        }
    }

    [Fact]
    public void RepeatedCallsAllocateNothing()
    {
        (int, int)[] sizes = IsEmulated ? [(32, 300), (1, 70_000), (1100, 4)] : [(256, 300), (2, 70_000), (2000, 16)];
        foreach ((int rows, int candidates) in sizes)
        {
            Case data = new(rows, candidates);
            Samples samples = new(data);
            int[] rowIndex = new int[candidates];
            AssertAllocatesNothing(() =>
            {
                samples.Draw(Kernel, data);
                Kernel.SampleRows(data.Posterior, rowIndex);
            });
        }
    }

    [Fact]
    public void DisagreeingArgumentsAreRefused()
    {
        int[] three = new int[3], two = new int[2];
        float[] four = new float[4];
        Refused("log partition", data => data.LogPartition = new float[4]);
        Refused("log prior", data => data.LogPrior = new float[6]);
        Refused("15 entries; found 14", data => data.SoftQ = new float[14]);
        Refused("temperature is -1", data => data.Temperature = -1);
        Refused("temperature is NaN", data => data.Temperature = float.NaN);
        Refused("temperature", data => data.Temperature = float.PositiveInfinity);
        Refused("at least one row", data => data.Rows = 0);
        Refused("at least one row", data => data.Candidates = 0);
        Case complete = new(3, 5);
        Assert.Throws<ArgumentException>(() => Kernel.SampleTasks(complete.Posterior, new TaskSamples { Index = two }));
        Assert.Throws<ArgumentException>(
            () => Kernel.SampleTasks(complete.Posterior, new TaskSamples { Index = three, Mode = two }));
        Assert.Throws<ArgumentException>(
            () => Kernel.SampleTasks(complete.Posterior, new TaskSamples { Index = three, Entropy = four }));
        Assert.Throws<ArgumentException>(
            () => Kernel.SampleTasks(complete.Posterior, new TaskSamples { Index = three, LogNormalizer = four }));
        Assert.Throws<ArgumentException>(() => Kernel.SampleRows(complete.Posterior, three));

        void Refused(string expected, Action<Case> spoil)
        {
            Case data = new(3, 5);
            spoil(data);
            ArgumentException refusal = Assert.Throws<ArgumentException>(
                () => Kernel.SampleTasks(data.Posterior, new TaskSamples { Index = three }));
            Assert.Contains(expected, refusal.Message, StringComparison.OrdinalIgnoreCase);
        }
    }
}

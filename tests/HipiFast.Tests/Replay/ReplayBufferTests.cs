using HipiFast.Kernels.Random;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Replay;

public sealed class ReplayBufferTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void CapacityIsRoundedDownToWholeVectorSteps()
    {
        using ReplayBuffer buffer = new(EpisodeData.Shape, 17, 5);

        Assert.Equal(15, buffer.Capacity);
        Assert.Equal(0, buffer.Count);
    }

    // Every combination of wraps (0 to 3 laps), copies, capacities and episode lengths, from episodes of one step to
    // episodes longer than the ring.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void EpisodeEndIsTheLastStoredTransitionOfTheSameEpisode(int copies)
    {
        foreach (double endProbability in new[] { 0.0, 0.03, 0.3, 1.0 })
        {
            for (int steps = 1; steps <= 12; steps++)
            {
                using ReplayBuffer buffer = new(EpisodeData.Shape, steps * copies, copies);
                EpisodeData data = new((ulong)steps, copies, endProbability);
                for (int appended = 0; appended < (3 * steps) + 2; appended++)
                {
                    data.Append(buffer, 1);
                    CheckEnds(buffer, data);
                }
            }
        }
    }

    [Fact]
    public void LookupsRefuseTransitionsThatAreNotStored()
    {
        using ReplayBuffer buffer = new(EpisodeData.Shape, 4, 2);
        EpisodeData data = new(1, 2, 0.1);
        data.Append(buffer, 5);

        foreach (long index in new long[] { -1, 0, 5, 10, long.MaxValue })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => buffer.EpisodeEnd(index));
            Assert.Throws<ArgumentOutOfRangeException>(() => buffer.NextObservation(index).Length);
        }

        Assert.Contains("transition 5 is not in the replay buffer, which holds 6 to 9",
            Assert.Throws<ArgumentOutOfRangeException>(() => buffer.EpisodeEnd(5)).Message,
            StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void SampleReturnsWholeTransitionsWithTheirNumbers()
    {
        using ReplayBuffer buffer = new(EpisodeData.Shape, 30, 3);
        using TransitionBatch batch = new(EpisodeData.Shape, 101);
        EpisodeData data = new(2, 3, 0.2);
        foreach (int steps in new[] { 1, 5, 9, 23 })
        {
            data.Append(buffer, steps);
            buffer.Sample(batch, 101, 7, 3);

            Assert.Equal(101, batch.Count);
            for (int i = 0; i < batch.Count; i++)
            {
                int index = (int)batch.ReplayIndex[i];
                Assert.True(buffer.IsLive(index));
                var expected = data.Record[index];
                Assert.Equal(
                    [expected.Copy, expected.Episode, expected.Step], batch.Observation.Slice(i * 3, 3).ToArray());
                Assert.Equal(
                    [expected.Copy, expected.Episode, expected.Step + 1],
                    batch.NextObservation.Slice(i * 3, 3).ToArray());
                Assert.Equal([index + 0.25f, -index], batch.Action.Slice(i * 2, 2).ToArray());
                Assert.Equal([0, index, 0], batch.Task.Slice(i * 3, 3).ToArray());
                Assert.Equal(index + 0.5f, batch.Reward[i]);
                Assert.Equal(expected.Terminated ? 1 : 0, batch.Terminated[i]);
                Assert.Equal(expected.Terminated, buffer.IsTerminated(index));
                Assert.Equal(expected.Truncated, buffer.IsTruncated(index));
            }
        }
    }

    // All widths that the gather treats differently: one element, 8, 12, 16 bytes, whole vectors, and overlapping last
    // vectors.
    [Fact]
    public void SampleGathersEveryWidth()
    {
        for (int width = 1; width <= 37; width++)
        {
            TransitionShape shape = new(width, 1, 38 - width);
            using ReplayBuffer buffer = new(shape, 11);
            using TransitionBatch batch = new(shape, 40), step = new(shape, 1) { Count = 1 };
            for (int row = 0; row < 11; row++)
            {
                float[] s = [.. Enumerable.Range(0, width).Select(i => (100f * row) + i)];
                float[] task = [.. Enumerable.Range(0, shape.TaskDimension).Select(i => (-100f * row) - i)];
                s.CopyTo(step.Observation);
                s.CopyTo(step.NextObservation);
                task.CopyTo(step.Task);
                (step.Action[0], step.Reward[0]) = (row, row);
                buffer.Append(step, [0]);
            }

            buffer.Sample(batch, 40, 5, 0);
            for (int i = 0; i < 40; i++)
            {
                int row = (int)batch.ReplayIndex[i];
                for (int k = 0; k < width; k++)
                {
                    Assert.Equal((100f * row) + k, batch.Observation[(i * width) + k]);
                }

                for (int k = 0; k < shape.TaskDimension; k++)
                {
                    Assert.Equal((-100f * row) - k, batch.Task[(i * shape.TaskDimension) + k]);
                }
            }
        }
    }

    // Whole and partial blocks in every column, fewer and more rows than are drawn at once, a ring that has wrapped
    // around.
    [Fact]
    public void SampleEqualsAPlainCopyAndWritesNothingBehindItsRows()
    {
        for (int observation = 1; observation <= 17; observation++)
        {
            for (int action = 1; action <= 17; action++)
            {
                TransitionShape shape = new(observation, action, 1 + (((5 * observation) + (3 * action)) % 17));
                foreach (int count in new[] { 1, 2, 33 })
                {
                    CheckSample(shape, 12, count, 34);
                }
            }
        }

        foreach (int count in new[] { 63, 64, 65, 1023, 1024, 1025, 2050 })
        {
            CheckSample(new TransitionShape(4, 2, 2), 300, count, 2051);
            CheckSample(new TransitionShape(3, 1, 5), 300, count, 2051);
            CheckSample(new TransitionShape(17, 3, 2), 300, count, 2051);
        }
    }

    [Fact]
    public void SampleIsUniform()
    {
        using ReplayBuffer buffer = new(EpisodeData.Shape, 7);
        using TransitionBatch batch = new(EpisodeData.Shape, 1000);
        new EpisodeData(3, 1, 0.1).Append(buffer, 18);
        int[] counts = new int[7];
        for (uint call = 0; call < 70; call++)
        {
            buffer.Sample(batch, 1000, 11, call);
            foreach (long index in batch.ReplayIndex)
            {
                counts[index - 11]++;
            }
        }

        // 6 degrees of freedom: a chi-square above 35 has probability 4e-6.
        Assert.InRange(counts.Sum(count => (count - 10000.0) * (count - 10000.0) / 10000.0), 0, 35);
    }

    // With a bound just above 2^31 the unmapped surplus is nearly half of all words, so a biased map would show.
    [Fact]
    public void UniformIndexRefusesTheSurplus()
    {
        const uint Bound = 3u << 30;
        int low = 0, refused = 0;
        for (uint i = 0; i < 30000; i++)
        {
            if (!UniformIndex.TryMap(Philox.Next(i, 0, 0, (uint)RandomPurpose.SyntheticData, 1).X, Bound, out _))
            {
                refused++;
            }

            uint index = UniformIndex.Draw(Bound, i, 0, RandomPurpose.SyntheticData, 2);
            Assert.True(index < Bound);

            // Accepting every word would make every third integer twice as likely as the others: those that are 0
            // modulo 3.
            low += index % 3 == 0 ? 1 : 0;
        }

        Assert.InRange(refused, 7500 - 400, 7500 + 400);
        Assert.InRange(low, 10000 - 450, 10000 + 450);
    }

    [Fact]
    public void SampleDependsOnSeedAndCallAlone()
    {
        using ReplayBuffer buffer = new(EpisodeData.Shape, 64);
        using TransitionBatch batch = new(EpisodeData.Shape, 32);
        new EpisodeData(4, 1, 0.1).Append(buffer, 64);

        long[] Draw(int count, ulong seed, uint call)
        {
            buffer.Sample(batch, count, seed, call);
            return batch.ReplayIndex.ToArray();
        }

        long[] first = Draw(32, 1, 1);
        Assert.NotEqual(first, Draw(32, 1, 2));
        Assert.NotEqual(first, Draw(32, 2, 1));
        Assert.Equal(first, Draw(32, 1, 1));
        Assert.Equal(first[..13], Draw(13, 1, 1));
    }

    [Fact]
    public void SampleRefusesWhatCannotBe()
    {
        using ReplayBuffer buffer = new(EpisodeData.Shape, 64);
        using TransitionBatch batch = new(EpisodeData.Shape, 32), other = new(new TransitionShape(4, 2, 3), 32);

        Assert.Contains("empty", Assert.Throws<InvalidOperationException>(
            () => buffer.Sample(batch, 1, 0, 0)).Message, StringComparison.Ordinal);
        new EpisodeData(4, 1, 0.1).Append(buffer, 1);
        Assert.Throws<ArgumentException>(() => buffer.Sample(batch, 33, 0, 0));
        Assert.Throws<ArgumentException>(() => buffer.Sample(batch, 0, 0, 0));
        Assert.Throws<ArgumentException>(() => buffer.Sample(other, 1, 0, 0));
    }

    [Fact]
    public void ConstructorRefusesACapacityBelowOneVectorStep()
    {
        Assert.Throws<ArgumentException>(() => new ReplayBuffer(EpisodeData.Shape, 3, 4));
        Assert.Throws<ArgumentException>(() => new ReplayBuffer(EpisodeData.Shape, 3, 0));
        Assert.Throws<ArgumentException>(() => new ReplayBuffer(EpisodeData.Shape, 1L << 32));
        Assert.Throws<ArgumentException>(() => new ReplayBuffer(default, 3));
    }

    [Fact]
    public void AppendRefusesAWrongLengthAndAddsNothing()
    {
        using ReplayBuffer buffer = new(EpisodeData.Shape, 8, 2);

        using TransitionBatch step = new(EpisodeData.Shape, 3) { Count = 2 };
        using TransitionBatch other = new(EpisodeData.Shape with { TaskDimension = 4 }, 2) { Count = 2 };
        Assert.Contains(
            "each with a truncation; found 2 of 3 state, 2 action and 4 task entries with 2.",
            Assert.Throws<ArgumentException>(() => buffer.Append(other, new byte[2])).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => buffer.Append(step, new byte[1]));
        step.Count = 3;
        Assert.Throws<ArgumentException>(() => buffer.Append(step, new byte[2]));
        Assert.Equal(0, buffer.TotalCount);
    }

    [Fact]
    public void AppendRefusesWhatIsNoNumberAndAddsNothing()
    {
        using ReplayBuffer buffer = new(new TransitionShape(2, 1, 1), 4, 2);
        float[][] columns = [[0, 1, 2, 3], [0, 0], [4, 5, 6, 7], [0, 0], [-1, -1]];
        byte[][] flags = [[0, 0], [0, 0]];
        string[] names = ["observation", "action", "next_observation", "task", "reward", "terminated", "truncated"];
        for (int column = 0; column < names.Length; column++)
        {
            float[][] values = [.. columns.Select(entries => (float[])[.. entries])];
            byte[][] ends = [.. flags.Select(entries => (byte[])[.. entries])];
            string found;
            if (column < values.Length)
            {
                values[column][^1] = column == 2 ? float.NegativeInfinity : float.NaN;
                found = column == 2 ? "an infinity at copy 1, entry 1; expected finite numbers"
                    : $"NaN at copy 1, entry {(column == 0 ? 1 : 0)}; expected finite numbers";
            }
            else
            {
                ends[column - values.Length][1] = 255;
                found = "255 at copy 1, entry 0; expected 0 or 1";
            }

            string message = Assert.Throws<InvalidDataException>(
                () => buffer.Append(values[0], values[1], values[2], values[3], values[4], ends[0], ends[1])).Message;
            Assert.Equal($"The column {names[column]} of a vector step holds {found}.", message);
            Assert.Equal(0, buffer.TotalCount);
        }

        buffer.Append(columns[0], columns[1], columns[2], columns[3], columns[4], flags[0], flags[1]);
        Assert.Equal(2, buffer.TotalCount);
    }

    [Fact]
    public void AppendEpisodeEndsTheEpisodeWhereItsBatchEnds()
    {
        using ReplayBuffer buffer = new(EpisodeData.Shape, 20);
        using TransitionBatch episode = new(EpisodeData.Shape, 4);
        episode.Count = 4;
        for (int i = 0; i < 12; i++)
        {
            episode.NextObservation[i] = i;
        }

        buffer.AppendEpisode(episode);
        episode.Terminated[1] = 1;
        buffer.AppendEpisode(episode, truncated: false);

        Assert.Equal([3L, 3, 3, 3, 5, 5, 7, 7], Enumerable.Range(0, 8).Select(i => buffer.EpisodeEnd(i)));
        Assert.True(buffer.IsTruncated(3) && !buffer.IsTerminated(3));
        Assert.True(buffer.IsTerminated(5) && !buffer.IsTruncated(5));
        Assert.False(buffer.IsTruncated(7));
        Assert.Equal([9f, 10, 11], buffer.NextObservation(3).ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(27)]
    public void SavedBufferContinuesExactly(int steps)
    {
        string path = _directory["replay.safetensors"];
        using ReplayBuffer original = new(EpisodeData.Shape, 30, 3), restored = new(EpisodeData.Shape, 30, 3);
        EpisodeData data = new(5, 3, 0.1), sameData = new(5, 3, 0.1);
        data.Append(original, steps);

        // What the restored buffer held before is of no consequence.
        sameData.Append(restored, steps);
        new EpisodeData(6, 3, 0.5).Append(restored, 4);
        Save(original, path);
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            Assert.Equal([original.Count, 3], file.Tensors["replay.observation"].Shape);
            restored.LoadState(file, "replay.");
        }

        for (int round = 0; round < 4; round++)
        {
            Assert.Equal((original.Count, original.TotalCount), (restored.Count, restored.TotalCount));
            for (long index = original.TotalCount - original.Count; index < original.TotalCount; index++)
            {
                Assert.Equal(original.EpisodeEnd(index), restored.EpisodeEnd(index));
                Assert.Equal(original.IsTruncated(index), restored.IsTruncated(index));
            }

            if (original.Count > 0)
            {
                using TransitionBatch a = new(EpisodeData.Shape, 50), b = new(EpisodeData.Shape, 50);
                original.Sample(a, 50, 3, 9);
                restored.Sample(b, 50, 3, 9);
                Assert.Equal(a.ReplayIndex.ToArray(), b.ReplayIndex.ToArray());
                Assert.Equal(a.Observation.ToArray(), b.Observation.ToArray());
                Assert.Equal(a.Action.ToArray(), b.Action.ToArray());
                Assert.Equal(a.NextObservation.ToArray(), b.NextObservation.ToArray());
                Assert.Equal(a.Task.ToArray(), b.Task.ToArray());
                Assert.Equal(a.Reward.ToArray(), b.Reward.ToArray());
                Assert.Equal(a.Terminated.ToArray(), b.Terminated.ToArray());
            }

            data.Append(original, 3);
            sameData.Append(restored, 3);
        }
    }

    [Fact]
    public void LoadStateRefusesAnotherLayout()
    {
        string path = _directory["replay.safetensors"];
        using ReplayBuffer original = new(EpisodeData.Shape, 30, 3);
        new EpisodeData(5, 3, 0.1).Append(original, 4);
        Save(original, path);

        using SafetensorsFile file = SafetensorsFile.Open(path);
        using ReplayBuffer smaller = new(EpisodeData.Shape, 27, 3), copies = new(EpisodeData.Shape, 30, 2),
            wider = new(new TransitionShape(4, 2, 3), 30, 3);
        foreach (ReplayBuffer buffer in new[] { smaller, copies, wider })
        {
            InvalidDataException error = Assert.Throws<InvalidDataException>(() => buffer.LoadState(file, "replay."));
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
            Assert.Equal(0, buffer.TotalCount);
        }

        Assert.Throws<InvalidDataException>(() => original.LoadState(file, "other."));
    }

    [Fact]
    public void LoadStateRefusesEpisodeEndsOutsideTheBuffer()
    {
        string path = _directory["replay.safetensors"];
        using ReplayBuffer original = new(EpisodeData.Shape, 10);
        new EpisodeData(5, 1, 0.5).Append(original, 4);
        foreach (int damage in new[] { 4, int.MaxValue, -2, int.MinValue })
        {
            Save(original, path, [0, 0, damage, 0]);
            using SafetensorsFile file = SafetensorsFile.Open(path);
            using ReplayBuffer restored = new(EpisodeData.Shape, 10);

            InvalidDataException error = Assert.Throws<InvalidDataException>(() => restored.LoadState(file, "replay."));
            Assert.Contains("transition 2 of 4", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AppendAndSampleAllocateNothing()
    {
        using ReplayBuffer buffer = new(EpisodeData.Shape, 1000, 4);
        using TransitionBatch batch = new(EpisodeData.Shape, 256), step = new(EpisodeData.Shape, 4) { Count = 4 };
        byte[] none = new byte[4];

        uint call = 0;
        SteadyState.AssertAllocatesNothing(() =>
        {
            call++;
            step.Terminated[1] = call % 10 == 0 ? (byte)1 : (byte)0;
            buffer.Append(step, none);
            buffer.Sample(batch, 256, 1, call);
            _ = buffer.EpisodeEnd(batch.ReplayIndex[0]);
        });
    }

    private static void CheckEnds(ReplayBuffer buffer, EpisodeData data)
    {
        Assert.Equal(data.Record.Count, buffer.TotalCount);
        for (int index = (int)(buffer.TotalCount - buffer.Count); index < buffer.TotalCount; index++)
        {
            var start = data.Record[index];
            int end = data.Record.FindLastIndex(other => (other.Copy, other.Episode) == (start.Copy, start.Episode));
            Assert.Equal(end, buffer.EpisodeEnd(index));

            // Every transition from here to the end belongs to the same episode and has not been overwritten.
            for (int ahead = index, step = start.Step; ahead <= end; ahead += buffer.EnvironmentCount, step++)
            {
                Assert.Equal([start.Copy, start.Episode, step + 1], buffer.NextObservation(ahead).ToArray());
            }
        }
    }

    private static unsafe void Save(ReplayBuffer buffer, string path, int[]? remaining = null)
    {
        SafetensorsWriter writer = new();
        buffer.SaveState(writer, "replay.");
        if (remaining is null)
        {
            writer.Save(path);
            return;
        }

        // The same file with other distances to the end of the episode.
        writer.Save(path);
        SafetensorsWriter damaged = new();
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            foreach (TensorInfo tensor in file.Tensors.Values)
            {
                long[] shape = [.. tensor.Shape];
                switch (tensor.Type)
                {
                    case TensorType.Float32:
                        float[] floats = new float[tensor.ElementCount];
                        file.Read<float>(tensor.Name, floats);
                        damaged.Add<float>(tensor.Name, floats, shape);
                        break;
                    case TensorType.Int64:
                        long[] longs = new long[tensor.ElementCount];
                        file.Read<long>(tensor.Name, longs);
                        damaged.Add<long>(tensor.Name, longs, shape);
                        break;
                    case TensorType.Int32:
                        damaged.Add<int>(tensor.Name, remaining, shape);
                        break;
                    default:
                        byte[] bytes = new byte[tensor.ElementCount];
                        file.Read<byte>(tensor.Name, bytes);
                        damaged.Add<byte>(tensor.Name, bytes, shape);
                        break;
                }
            }
        }

        damaged.Save(path);
    }

    private static void CheckSample(TransitionShape shape, int capacity, int count, int batchCapacity)
    {
        const int Copies = 3;
        const uint Call = 9;
        const ulong Seed = 5;
        using ReplayBuffer buffer = new(shape, capacity, Copies);
        using TransitionBatch batch = new(shape, batchCapacity);
        int total = capacity + (capacity / 2 / Copies * Copies);
        for (int first = 0; first < total; first += Copies)
        {
            int[] numbers = [first, first + 1, first + 2];
            buffer.Append(
                [.. numbers.SelectMany(n => Row(n, 0, shape.ObservationDimension))],
                [.. numbers.SelectMany(n => Row(n, 1, shape.ActionDimension))],
                [.. numbers.SelectMany(n => Row(n, 2, shape.ObservationDimension))],
                [.. numbers.SelectMany(n => Row(n, 3, shape.TaskDimension))],
                [.. numbers.SelectMany(n => Row(n, 4, 1))], [.. numbers.Select(n => (byte)(n % 2))], [0, 0, 0]);
        }

        batch.Count = batchCapacity;
        batch.Observation.Fill(-1);
        batch.Action.Fill(-1);
        batch.NextObservation.Fill(-1);
        batch.Task.Fill(-1);
        batch.Reward.Fill(-1);
        batch.Terminated.Fill(77);
        batch.ReplayIndex.Fill(-7);

        buffer.Sample(batch, count, Seed, Call);
        Assert.Equal(count, batch.Count);
        batch.Count = batchCapacity;

        int[] slots = new int[count];
        UniformIndex.Fill(slots, (uint)capacity, Seed, Call, RandomPurpose.ReplaySampling);
        int[] expected = [.. slots.Select(
            slot => Enumerable.Range(total - capacity, capacity).Single(n => n % capacity == slot))];
        CheckColumn(batch.Observation, expected, 0, shape.ObservationDimension);
        CheckColumn(batch.Action, expected, 1, shape.ActionDimension);
        CheckColumn(batch.NextObservation, expected, 2, shape.ObservationDimension);
        CheckColumn(batch.Task, expected, 3, shape.TaskDimension);
        CheckColumn(batch.Reward, expected, 4, 1);
        for (int i = 0; i < batchCapacity; i++)
        {
            Assert.Equal(i < count ? expected[i] % 2 : 77, batch.Terminated[i]);
            Assert.Equal(i < count ? expected[i] : -7, batch.ReplayIndex[i]);
        }
    }

    private static float[] Row(int number, int column, int width) =>
        [.. Enumerable.Range(0, width).Select(i => (1000f * number) + (100 * column) + i)];

    private static void CheckColumn(ReadOnlySpan<float> found, int[] numbers, int column, int width)
    {
        for (int i = 0; i < found.Length; i++)
        {
            float expected = i / width < numbers.Length
                ? (1000f * numbers[i / width]) + (100 * column) + (i % width)
                : -1;
            Assert.True(
                found[i] == expected,
                $"column {column} of width {width}, row {i / width}: {found[i]}, expected {expected}");
        }
    }
}

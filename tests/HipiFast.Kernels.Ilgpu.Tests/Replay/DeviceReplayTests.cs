using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Replay;
using HipiFast.Replay;

namespace HipiFast.Kernels.Ilgpu.Tests.Replay;

/// <summary>The ring on the device against the replay buffer on the host, row for row.</summary>
public sealed class DeviceReplayTests(CpuRuntime cpu) : IClassFixture<CpuRuntime>, IDisposable
{
    private readonly DeviceRuntime _runtime = cpu.Runtime;
    private readonly DeviceLauncher _launcher = new(cpu.Runtime);

    public void Dispose() => _launcher.Dispose();

    // Capacity, environment copies, vector steps in each append, appends, batch: not yet full, just full, several laps;
    // one row, odd and large batches.
    [Theory]
    [InlineData(1, 1, 1, 3, 1)]
    [InlineData(64, 4, 3, 4, 33)]
    [InlineData(64, 4, 4, 4, 64)]
    [InlineData(60, 5, 7, 9, 257)]
    [InlineData(1000, 1, 333, 7, 100)]
    public void DrawsAndRowsAreTheHosts(int capacity, int copies, int steps, int appends, int rows)
    {
        TransitionShape shape = new(5, 3, 2);
        using ReplayBuffer host = new(shape, capacity, copies);
        using DeviceReplay device = new(_launcher, TransitionBatch.Forms(shape), capacity);
        using TransitionBatch expected = new(shape, rows);
        for (uint call = 0; call < appends; call++)
        {
            Append(host, device, shape, copies, steps, call);
            Assert.Equal((host.Count, host.TotalCount), (device.Count, device.TotalCount));
            host.Sample(expected, rows, seed: 9, call);
            DeviceBatch batch = device.Sample(rows, seed: 9, call);
            Assert.Equal(expected.ReplayIndex.ToArray(), Download<long>(batch.ReplayIndex));
            Assert.Equal(expected.Observation.ToArray(), Download<float>(batch.Observation));
            Assert.Equal(expected.Action.ToArray(), Download<float>(batch.Action));
            Assert.Equal(expected.NextObservation.ToArray(), Download<float>(batch.NextObservation));
            Assert.Equal(expected.Task.ToArray(), Download<float>(batch.Task));
            Assert.Equal(expected.Reward.ToArray(), Download<float>(batch.Reward));
            Assert.Equal(expected.Terminated.ToArray().Select(value => (int)value), Download<int>(batch.Terminated));
        }
    }

    // The first bound refuses three words in ten, so that second and later draws are seen.
    [Theory]
    [InlineData(1_500_000_000u)]
    [InlineData(7u)]
    public void RefusedWordsAreDrawnAgainAsOnTheHost(uint bound)
    {
        const int Rows = 500;
        int[] expected = new int[Rows];
        UniformIndex.Fill(expected, bound, 11, 2, RandomPurpose.RowPool);
        using DeviceBuffer slots =
            _runtime.Allocate(Rows * sizeof(int)), numbers = _runtime.Allocate(Rows * sizeof(long));
        using LaunchArguments arguments = new();
        ReplayDraw draw = new()
        {
            Seed = 11,
            NextSlot = 5,
            Lap = 2_000_000_000,
            Capacity = 2_000_000_000,
            Call = 2,
            Purpose = (uint)RandomPurpose.RowPool,
            Bound = bound,
            Rows = Rows,
        };
        arguments.Add(slots.View<int>()).Add(numbers.View<long>()).Add(draw);
        int group = _runtime.Device.MaxGroupSize;
        _runtime.Launch(_runtime.Load(
            DeviceKernelNames.ReplaySample), new LaunchShape(new DeviceExtent(3), new DeviceExtent(group)), arguments);
        Assert.Equal(expected, Download<int>(slots.View<int>()));
        Assert.Equal(
            expected.Select(slot => slot < 5 ? slot + 2_000_000_000L : slot), Download<long>(numbers.View<long>()));
    }

    [Fact]
    public void AppendsLongerThanABlockAndThanTheRingAreKept()
    {
        TransitionShape shape = new(300, 3, 2);
        using ReplayBuffer host = new(shape, 1000);
        using DeviceReplay device = new(_launcher, TransitionBatch.Forms(shape), 1000);
        using TransitionBatch expected = new(shape, 50);
        using TransitionBatch all = Data(shape, 2500, 0);
        host.AppendEpisode(all);
        Append(device, all);
        host.Sample(expected, 50, 1, 1);
        DeviceBatch batch = device.Sample(50, 1, 1);
        Assert.Equal(expected.NextObservation.ToArray(), Download<float>(batch.NextObservation));
        Assert.Equal(expected.ReplayIndex.ToArray(), Download<long>(batch.ReplayIndex));
    }

    [Fact]
    public void ABatchSeesWhatWasAppendedBeforeItAndNothingLater()
    {
        TransitionShape shape = new(2, 1, 1);
        using DeviceReplay device = new(_launcher, TransitionBatch.Forms(shape), 8);
        using TransitionBatch first = Data(shape, 8, 0), second = Data(shape, 8, 1);
        Append(device, first);
        DeviceBatch batch = device.Sample(40, 3, 0);
        Append(device, second);
        float[] rewards = Download<float>(batch.Reward);
        Assert.All(rewards, reward => Assert.Contains(reward, first.Reward.ToArray()));
        rewards = Download<float>(device.Sample(40, 3, 0).Reward);
        Assert.All(rewards, reward => Assert.Contains(reward, second.Reward.ToArray()));
    }

    [Fact]
    public void BadUseIsASentence()
    {
        TransitionShape shape = new(2, 1, 1), other = new(2, 1, 2);
        ColumnRows[] columns = TransitionBatch.Forms(shape);
        using DeviceReplay device = new(_launcher, columns, 8);
        Assert.Equal("Cannot sample from an empty replay ring.", Assert.Throws<InvalidOperationException>(
            () => device.Sample(1, 1, 1)).Message);
        Assert.StartsWith(
            "Column 3 of the ring takes 1 words of a row; found 2.",
            Assert.Throws<ArgumentException>(() => device.Append(TransitionBatch.Forms(other), 1)).Message,
            StringComparison.Ordinal);
        Assert.StartsWith(
            $"The ring holds {columns.Length} columns; found {columns.Length - 1}.",
            Assert.Throws<ArgumentException>(() => device.Append(columns.AsSpan(1), 1)).Message,
            StringComparison.Ordinal);
        Assert.Equal(0, device.TotalCount);
        device.Restart(5);
        Assert.Equal(
            "The replay ring began anew with transition 5 and has 0 since; expected 5 before it is sampled.",
            Assert.Throws<InvalidOperationException>(() => device.Sample(1, 1, 1)).Message);
        Assert.StartsWith(
            "Kernels know 6 columns of a transition; found 5.",
            Assert.Throws<ArgumentException>(() => new DeviceReplay(_launcher, columns.AsSpan(0, 5), 8)).Message,
            StringComparison.Ordinal);
        columns[4] = columns[4] with { Width = 2 };
        Assert.StartsWith(
            "Column 4 of a transition has 2 entries of 4 bytes; expected 1 of 4.",
            Assert.Throws<ArgumentException>(() => new DeviceReplay(_launcher, columns, 8)).Message,
            StringComparison.Ordinal);
        columns[1] = columns[1] with { Width = 0 };
        Assert.Throws<ArgumentOutOfRangeException>(() => new DeviceReplay(_launcher, columns, 8));
    }

    private static void Append(
        ReplayBuffer host, DeviceReplay device, TransitionShape shape, int copies, int steps, uint call)
    {
        for (int step = 0; step < steps; step++)
        {
            using TransitionBatch data = Data(shape, copies, (call * 1000) + (uint)step);
            host.Append(data, new byte[copies]);
            Append(device, data);
        }
    }

    private static void Append(DeviceReplay device, TransitionBatch data) => device.Append(data.Stored, data.Count);

    private static TransitionBatch Data(TransitionShape shape, int rows, uint stream)
    {
        TransitionBatch batch = new(shape, rows) { Count = rows };
        Fill(batch.Observation, 0);
        Fill(batch.Action, 1);
        Fill(batch.NextObservation, 2);
        Fill(batch.Task, 3);
        Fill(batch.Reward, 4);
        for (int row = 0; row < rows; row++)
        {
            batch.Terminated[row] = (byte)(batch.Reward[row] > 0.7f ? 1 : 0);
        }

        return batch;

        void Fill(Span<float> values, uint column)
        {
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = Philox.ToUniform(
                    Philox.Next((uint)i, column, stream, (uint)RandomPurpose.SyntheticData, 3).X);
            }
        }
    }

    private T[] Download<T>(DeviceView view)
        where T : unmanaged
    {
        T[] values = new T[view.Length];
        _runtime.Download(view, values.AsSpan());
        return values;
    }
}

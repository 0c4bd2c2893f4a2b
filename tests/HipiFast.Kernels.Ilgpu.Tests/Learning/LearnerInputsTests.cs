using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.Learning;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Ilgpu.Tests.Learning;

/// <summary>The inputs of a learner's networks, made on the device, against rows copied one after the other.</summary>
public sealed class LearnerInputsTests(CpuRuntime cpu) : IClassFixture<CpuRuntime>
{
    private const float Guard = -77f;

    private readonly DeviceRuntime _runtime = cpu.Runtime;

    [Theory]
    [InlineData(1, 1, 1, 1, 0, 1)]
    [InlineData(5, 3, 2, 37, 0, 37)]
    [InlineData(5, 3, 2, 37, 11, 26)]
    [InlineData(2, 1, 7, 300, 299, 1)]
    [InlineData(17, 6, 3, 300, 1, 257)]
    public void RowsAreConcatenated(int s, int a, int p, int total, int first, int rows)
    {
        float[] observation = Numbers(total * s, 1), action = Numbers(total * a, 2), next = Numbers(total * s, 3),
            task = Numbers(total * p, 4);
        float[] reward = Numbers(total, 5);
        int[] terminated = [.. Enumerable.Range(0, total).Select(row => row % 3 == 1 ? 1 : 0)];
        List<float> expected = [];
        foreach (float[] state in (float[][])[observation, next])
        {
            ForEachRow(row => expected.AddRange([.. Row(state, row, s), .. Row(task, row, p)]));
        }

        ForEachRow(
            row => expected.AddRange([.. Row(observation, row, s), .. Row(action, row, a), .. Row(task, row, p)]));
        ForEachRow(row => expected.Add(reward[row]));
        ForEachRow(row => expected.Add(terminated[row] != 0 ? 0f : 0.9f));

        LearnerInputShape shape = new()
        {
            FirstRow = first, Rows = rows, ObservationDimension = s, ActionDimension = a, TaskDimension = p,
            Gamma = 0.9f,
        };
        Assert.Equal(expected.Count, DeviceLearnerInputs.Floats(shape));
        List<DeviceBuffer> buffers = [];
        float[] found = new float[expected.Count + 1];
        DeviceBatch batch = new(
            Put(observation), Put(action), Put(next), Put(task), Put(reward), Put(terminated), default);
        DeviceView inputs = Put([.. Enumerable.Repeat(Guard, expected.Count + 1)]);
        using (DeviceLearnerInputs writer = new(_runtime))
        {
            writer.Queue(batch, shape, inputs.Slice(0, expected.Count));
            _runtime.Download(inputs, found.AsSpan());
            Assert.Equal([.. expected, Guard], found);
            Assert.Throws<ArgumentException>(
                () => writer.Queue(batch, shape with { FirstRow = total - rows + 1 }, inputs.Slice(0, expected.Count)));
            Assert.Throws<ArgumentException>(() => writer.Queue(batch, shape with { Rows = 0 }, inputs.Slice(0, 0)));
            Assert.Throws<ArgumentException>(() => writer.Queue(batch, shape, inputs));
            Assert.Throws<ArgumentException>(
                () => writer.Queue(
                    batch with { Task = batch.Reward.Slice(0, 0) }, shape, inputs.Slice(0, expected.Count)));
        }

        buffers.ForEach(buffer => buffer.Dispose());

        void ForEachRow(Action<int> act)
        {
            for (int row = first; row < first + rows; row++)
            {
                act(row);
            }
        }

        DeviceView Put<T>(T[] values)
            where T : unmanaged
        {
            DeviceBuffer buffer = _runtime.Allocate(values.Length * sizeof(int));
            buffers.Add(buffer);
            _runtime.Upload<T>(values, buffer.View<T>());
            return buffer.View<T>();
        }
    }

    private static Span<float> Row(float[] matrix, int row, int width) => matrix.AsSpan(row * width, width);

    private static float[] Numbers(int count, int stream) =>
        [.. Enumerable.Range(0, count).Select(i => (1000f * stream) + i)];
}

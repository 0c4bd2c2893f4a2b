using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Tests.Replay;

/// <summary>Batches of arrays, memory and tensors.</summary>
public sealed class TransitionArraysTests
{
    private const int Rows = 20;

    private readonly float[] _observation, _action, _next, _task;

    public TransitionArraysTests()
    {
        using TransitionBatch batch = RelabelData.Batch(Rows);
        _observation = [.. batch.Observation];
        _action = [.. batch.Action];
        _next = [.. batch.NextObservation];
        _task = [.. batch.Task];
    }

    [Fact]
    public void ArraysAreCopied()
    {
        float[] reward = [.. Enumerable.Range(0, Rows).Select(i => (float)i)];
        byte[] terminated = [.. Enumerable.Range(0, Rows).Select(i => (byte)(i % 2))];
        using TransitionBatch batch = TransitionBatch.Of(
            Rows, _observation, _action, _next, _task, reward, terminated);
        AssertSame(batch);
        Assert.Equal(reward, batch.Reward.ToArray());
        Assert.Equal(terminated, batch.Terminated.ToArray());
        Assert.All(batch.ReplayIndex.ToArray(), index => Assert.Equal(-1, index));
        _task[0] = 99;
        Assert.NotEqual(99, batch.Task[0]);
    }

    [Fact]
    public void MatricesAndTensorsHaveTheirOwnShapes()
    {
        using TransitionBatch matrices = TransitionBatch.Of(
            Matrix(_observation), Matrix(_action), Matrix(_next), Matrix(_task));
        AssertSame(matrices);

        // One whose rows do not lie side by side: every second column of a wider one.
        float[] wide = new float[2 * _task.Length];
        for (int i = 0; i < _task.Length; i++)
        {
            wide[2 * i] = _task[i];
        }

        using TransitionBatch tensors = TransitionBatch.Of(
            Tensor.Create(_observation, [Rows, 3]).AsReadOnlyTensorSpan(),
            Tensor.Create(_action, [Rows, 2]).AsReadOnlyTensorSpan(),
            Tensor.Create(_next, [Rows, 3]).AsReadOnlyTensorSpan(),
            new ReadOnlyTensorSpan<float>(wide, [Rows, 2], [4, 2]));
        AssertSame(tensors);
    }

    // Relabeling writes where the caller's arrays lie, and gives what it gives on a batch of its own.
    [Fact]
    public void WrappedMemoryIsRelabeledInPlace()
    {
        float[] reward = new float[Rows];
        byte[] terminated = new byte[Rows];
        RelabelOptions options = new() { RelabelFraction = 1, Seed = 2, Compute = new() { Threads = 1 } };
        using var agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler first = new(RelabelData.GoalFamily, agent, options),
            second = new(RelabelData.GoalFamily, agent, options);
        using TransitionBatch copied = TransitionBatch.Of(Rows, _observation, _action, _next, _task);
        using (TransitionBatch wrapped = TransitionBatch.Wrap(
            Rows, _observation, _action, _next, _task, reward, terminated))
        {
            GC.Collect();
            first.Relabel(copied);
            second.Relabel(wrapped);
        }

        Assert.Equal(copied.Task.ToArray(), _task);
        Assert.Equal(copied.Reward.ToArray(), reward);
        Assert.Equal(copied.Terminated.ToArray(), terminated);
        Assert.Contains(reward, value => value != 0);
    }

    // A part of an array that begins at an odd place, and rewards that nobody wants.
    [Fact]
    public void PartsOfArraysAreWrapped()
    {
        float[] padded = [7, .. _task, 7];
        using (TransitionBatch wrapped = TransitionBatch.Wrap(
            Rows, _observation, _action, _next, padded.AsMemory(1, _task.Length)))
        {
            AssertSame(wrapped);
            wrapped.Task.Fill(3);
            wrapped.Reward.Fill(1);
        }

        Assert.Equal([7, .. Enumerable.Repeat(3f, _task.Length), 7], padded);
    }

    [Fact]
    public void WrappedMemoryStaysInItsPlaceUntilTheDisposal()
    {
        using PinCounter counter = new(_task);
        TransitionBatch wrapped = TransitionBatch.Wrap(Rows, _observation, _action, _next, counter.Memory);
        Assert.Equal(1, counter.Pins);
        wrapped.Dispose();
        Assert.Equal(0, counter.Pins);
        wrapped.Dispose();
        Assert.Equal(0, counter.Pins);
    }

    [Fact]
    public void WhatDoesNotFitIsSaid()
    {
        Refused("The observations have 60 entries; expected a multiple of the 7 rows", () => TransitionBatch.Of(
            7, _observation, _action, _next, _task));
        Refused("The next observations have 40 entries", () => TransitionBatch.Of(
            Rows, _observation, _action, _action, _task));
        Refused("There are 3 rewards; expected 20", () => TransitionBatch.Of(
            Rows, _observation, _action, _next, _task, [1, 2, 3]));
        Refused("There are 2 terminations; expected 20", () => TransitionBatch.Wrap(
            Rows, _observation, _action, _next, _task, default, new byte[2]));
        Refused("There are 19 rows; expected 20", () => TransitionBatch.Of(
            Matrix(_observation), new float[19, 2], Matrix(_next), Matrix(_task)));
        Refused("The tensor has 1 dimensions", () =>
        {
            Tensor<float> flat = Tensor.Create(_action, [_action.Length]);
            return TransitionBatch.Of(
                Tensor.Create(_observation, [Rows, 3]).AsReadOnlyTensorSpan(), flat.AsReadOnlyTensorSpan(),
                flat.AsReadOnlyTensorSpan(), flat.AsReadOnlyTensorSpan());
        });
        Assert.Throws<ArgumentOutOfRangeException>(() => TransitionBatch.Of(0, [], [], [], []));

        static void Refused(string sentence, Func<TransitionBatch> make) => Assert.Contains(
            sentence, Assert.Throws<ArgumentException>(() => make().Dispose()).Message, StringComparison.Ordinal);
    }

    private static float[,] Matrix(float[] values)
    {
        float[,] matrix = new float[Rows, values.Length / Rows];
        Buffer.BlockCopy(values, 0, matrix, 0, values.Length * sizeof(float));
        return matrix;
    }

    private void AssertSame(TransitionBatch batch)
    {
        Assert.Equal((RelabelData.Shape, Rows), (batch.Shape, batch.Count));
        Assert.Equal(_observation, batch.Observation.ToArray());
        Assert.Equal(_action, batch.Action.ToArray());
        Assert.Equal(_next, batch.NextObservation.ToArray());
        Assert.Equal(_task, batch.Task.ToArray());
    }

    private sealed class PinCounter(float[] values) : MemoryManager<float>
    {
        public int Pins { get; private set; }

        public override Span<float> GetSpan() => values;

        public override unsafe MemoryHandle Pin(int elementIndex = 0)
        {
            Pins++;
            GCHandle handle = GCHandle.Alloc(values, GCHandleType.Pinned);
            return new MemoryHandle((float*)handle.AddrOfPinnedObject() + elementIndex, handle, this);
        }

        public override void Unpin() => Pins--;

        protected override void Dispose(bool disposing)
        {
        }
    }
}

using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp.Tests;

/// <summary>Batches over torch tensors.</summary>
public sealed class TransitionsTests : IDisposable
{
    private const int Rows = 20;

    private readonly TransitionBatch _batch = RelabelData.Batch(Rows);

    public void Dispose() => _batch.Dispose();

    // Relabeling writes where the tensors lie, and gives what it gives on a batch of its own.
    [TorchFact]
    public void TensorsAreRelabeledInPlace()
    {
        using var scope = NewDisposeScope();
        Tensor observation = Of(_batch.Observation, 3), action = Of(_batch.Action, 2),
            next = Of(_batch.NextObservation, 3), task = Of(_batch.Task, 2), reward = zeros(Rows),
            terminated = zeros(Rows, ScalarType.Bool);
        RelabelOptions options = new() { RelabelFraction = 1, Seed = 2, Compute = new() { Threads = 1 } };
        using var agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler first = new(RelabelData.GoalFamily, agent, options),
            second = new(RelabelData.GoalFamily, agent, options);
        using (TransitionBatch wrapped = TorchTransitions.Wrap(observation, action, next, task, reward, terminated))
        {
            second.Relabel(wrapped);
        }

        first.Relabel(_batch);
        Assert.Equal(_batch.Task.ToArray(), task.data<float>().ToArray());
        Assert.Equal(_batch.Reward.ToArray(), reward.data<float>().ToArray());
        Assert.Equal(
            _batch.Terminated.ToArray().Select(flag => flag != 0), terminated.data<bool>().ToArray());
        Assert.Contains(true, terminated.data<bool>().ToArray());
    }

    [TorchFact]
    public void WhatCannotBeSharedIsSaid()
    {
        using var scope = NewDisposeScope();
        Tensor observation = zeros(Rows, 3), action = zeros(Rows, 2), task = zeros(Rows, 2);
        Refused("[20, 4]; expected that of observation, [20, 3]", observation, action, zeros(Rows, 4), task);
        Refused("[19, 2]; expected [20, entries]", observation, zeros(19, 2), observation, task);
        Refused("[20]; expected [rows, entries]", zeros(Rows), action, observation, task);
        Refused("Float64", observation, action, observation, zeros(Rows, 2, ScalarType.Float64));
        Refused("not contiguous", zeros(3, Rows).t(), action, observation, task);
        Assert.Contains(
            "[5]; expected [20]", Assert.Throws<ArgumentException>(
                () => TorchTransitions.Wrap(observation, action, observation, task, zeros(5)).Dispose()).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "Float32", Assert.Throws<ArgumentException>(
                () => TorchTransitions.Wrap(
                    observation, action, observation, task, null, zeros(Rows)).Dispose()).Message,
            StringComparison.Ordinal);

        static void Refused(string sentence, Tensor observation, Tensor action, Tensor next, Tensor task) =>
            Assert.Contains(
                sentence, Assert.Throws<ArgumentException>(
                    () => TorchTransitions.Wrap(observation, action, next, task).Dispose()).Message,
                StringComparison.Ordinal);
    }

    private static Tensor Of(ReadOnlySpan<float> values, int width) =>
        tensor(values.ToArray()).reshape(values.Length / width, width);
}

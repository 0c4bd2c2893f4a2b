using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;
using HipiFast.Replay;

namespace HipiFast.Learning;

/// <summary>Acts as an agent's actor says, on the kernels. Not thread-safe.</summary>
internal sealed unsafe class MlpPolicy : IDisposable
{
    private readonly AgentNetworks _networks;
    private readonly IDenseKernel _dense;
    private readonly NativeBuffer<float> _input;
    private MlpActivations _activations;
    private PolicySample _sample;

    public MlpPolicy(AgentNetworks networks, IDenseKernel dense)
    {
        _networks = networks;
        _dense = dense;
        _input = new NativeBuffer<float>(networks.Shape.ActorInputs);
        _activations = new MlpActivations(networks.Actor.Shape, 1);
        _sample = new PolicySample(networks.Shape.ActionDimension, 1);
    }

    /// <inheritdoc cref="ISacLearner.Act"/>
    public void Act(
        ReadOnlySpan<float> observation, ReadOnlySpan<float> task, int rows, bool deterministic, ulong seed, uint call,
        Span<float> action)
    {
        TransitionShape shape = _networks.Shape;
        CheckLengths(shape, observation.Length, task.Length, rows, action.Length);
        if (rows == 0)
        {
            return;
        }

        Grow(rows);
        Concatenate(shape, observation, task, rows, _input.Span);
        MatrixView input = new((nint)_input.Pointer, rows, shape.ActorInputs, shape.ActorInputs);
        _dense.Forward(_networks.Actor, input, _activations);
        if (deterministic)
        {
            _dense.MeanActions(_activations.Output.First(rows), _sample);
        }
        else
        {
            _dense.SampleActions(_activations.Output.First(rows), _sample, 0, new ActionNoise(
                seed, 0, call, RandomPurpose.BehaviorAction));
        }

        new ReadOnlySpan<float>(_sample.Action, rows * shape.ActionDimension).CopyTo(action);
    }

    public void Dispose()
    {
        _activations.Dispose();
        _sample.Dispose();
        _input.Dispose();
    }

    /// <summary>Throws unless the lengths are those of so many rows.</summary>
    internal static void CheckLengths(TransitionShape shape, int observation, int task, int rows, int action)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        CheckLength(observation, rows, shape.ObservationDimension, nameof(observation));
        CheckLength(task, rows, shape.TaskDimension, nameof(task));
        CheckLength(action, rows, shape.ActionDimension, nameof(action));
    }

    /// <summary>Writes rows of (state, task), the actor's input.</summary>
    internal static void Concatenate(
        TransitionShape shape, ReadOnlySpan<float> observation, ReadOnlySpan<float> task, int rows, Span<float> input)
    {
        int s = shape.ObservationDimension, p = shape.TaskDimension;
        for (int row = 0; row < rows; row++)
        {
            Span<float> to = input.Slice(row * (s + p), s + p);
            observation.Slice(row * s, s).CopyTo(to);
            task.Slice(row * p, p).CopyTo(to[s..]);
        }
    }

    private void Grow(int rows)
    {
        if (rows > _activations.Capacity)
        {
            _activations.Dispose();
            _sample.Dispose();
            _activations = new MlpActivations(_networks.Actor.Shape, rows);
            _sample = new PolicySample(_networks.Shape.ActionDimension, rows);
            _input.EnsureLength((long)rows * _networks.Shape.ActorInputs);
        }
    }

    private static void CheckLength(int found, int rows, int columns, string name)
    {
        if (found != (long)rows * columns)
        {
            throw new ArgumentException(
                $"{name} has {found} entries; {rows} rows of {columns} need {(long)rows * columns}.", name);
        }
    }
}

using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Replay;

/// <summary>A batch of transitions as structure of arrays in native memory; every matrix row-major without padding.</summary>
/// <remarks>Not thread-safe. Filling and relabeling a batch of a size within <see cref="Capacity"/> allocates nothing.</remarks>
public sealed unsafe class TransitionBatch : ITransitionBatch
{
    private readonly NativeBuffer<float> _observation;
    private readonly NativeBuffer<float> _action;
    private readonly NativeBuffer<float> _nextObservation;
    private readonly NativeBuffer<float> _task;
    private readonly NativeBuffer<float> _reward;
    private readonly NativeBuffer<byte> _terminated;
    private readonly NativeBuffer<long> _replayIndex;
    private int _count;

    /// <summary>Allocates room for <paramref name="capacity"/> transitions.</summary>
    /// <param name="shape">Widths.</param>
    /// <param name="capacity">Most rows, 1 or more.</param>
    public TransitionBatch(TransitionShape shape, int capacity)
    {
        shape.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        Shape = shape;
        Capacity = capacity;
        _observation = new NativeBuffer<float>((long)capacity * shape.ObservationDimension);
        _action = new NativeBuffer<float>((long)capacity * shape.ActionDimension);
        _nextObservation = new NativeBuffer<float>((long)capacity * shape.ObservationDimension);
        _task = new NativeBuffer<float>((long)capacity * shape.TaskDimension);
        _reward = new NativeBuffer<float>(capacity);
        _terminated = new NativeBuffer<byte>(capacity);
        _replayIndex = new NativeBuffer<long>(capacity);
        _replayIndex.Span.Fill(-1);
    }

    /// <summary>Widths of the vectors.</summary>
    public TransitionShape Shape { get; }

    /// <summary>Most rows.</summary>
    public int Capacity { get; }

    /// <summary>B, rows in use, in [0, <see cref="Capacity"/>].</summary>
    public int Count
    {
        get => _count;
        set
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)value, (uint)Capacity, nameof(value));
            _count = value;
        }
    }

    /// <summary>s, <c>[B, S]</c>.</summary>
    public Span<float> Observation => _observation.Slice(0, Count * Shape.ObservationDimension);

    /// <summary>a, <c>[B, A]</c>, entries in [-1, 1].</summary>
    public Span<float> Action => _action.Slice(0, Count * Shape.ActionDimension);

    /// <summary>s', <c>[B, S]</c>.</summary>
    public Span<float> NextObservation => _nextObservation.Slice(0, Count * Shape.ObservationDimension);

    /// <summary>psi, the commanded task and after relabeling the new one, <c>[B, P]</c>.</summary>
    public Span<float> Task => _task.Slice(0, Count * Shape.TaskDimension);

    /// <summary>r under <see cref="Task"/>, <c>[B]</c>.</summary>
    public Span<float> Reward => _reward.Slice(0, Count);

    /// <summary>1 where <see cref="Task"/> ends with the transition, else 0, <c>[B]</c>. A time limit is not a termination.</summary>
    public Span<byte> Terminated => _terminated.Slice(0, Count);

    /// <summary>Where each row came from: its absolute number in the replay buffer, or -1, <c>[B]</c>.</summary>
    public Span<long> ReplayIndex => _replayIndex.Slice(0, Count);

    /// <summary>The rows in use, as a task family judges them.</summary>
    public TransitionRows Transitions => new(Observation, Action, NextObservation, Count);

    /// <summary>The rows in use, for kernels.</summary>
    public TransitionPointers Pointers => new(
        (nint)_observation.Pointer, (nint)_action.Pointer, (nint)_nextObservation.Pointer, Count, Shape.ObservationDimension, Shape.ActionDimension);

    /// <summary>Address of <see cref="Task"/>.</summary>
    public float* TaskPointer => _task.Pointer;

    /// <summary>Address of <see cref="Reward"/>.</summary>
    public float* RewardPointer => _reward.Pointer;

    /// <summary>Address of <see cref="Terminated"/>.</summary>
    public byte* TerminatedPointer => _terminated.Pointer;

    /// <summary>Copies what belongs to a transition whatever its task: state, action, next state and number.</summary>
    /// <param name="row">The transition.</param>
    /// <param name="target">A batch of the same shape.</param>
    /// <param name="targetRow">Row that is overwritten.</param>
    internal void CopyTransition(int row, TransitionBatch target, int targetRow)
    {
        int state = Shape.ObservationDimension, action = Shape.ActionDimension;
        Observation.Slice(row * state, state).CopyTo(target.Observation.Slice(targetRow * state, state));
        Action.Slice(row * action, action).CopyTo(target.Action.Slice(targetRow * action, action));
        NextObservation.Slice(row * state, state).CopyTo(target.NextObservation.Slice(targetRow * state, state));
        target.ReplayIndex[targetRow] = ReplayIndex[row];
    }

    /// <inheritdoc/>
    public TransitionBatch ToHost() => this;

    /// <inheritdoc/>
    public void Dispose()
    {
        _observation.Dispose();
        _action.Dispose();
        _nextObservation.Dispose();
        _task.Dispose();
        _reward.Dispose();
        _terminated.Dispose();
        _replayIndex.Dispose();
    }
}

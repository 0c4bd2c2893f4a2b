using HipiFast.Kernels.Replay;

namespace HipiFast.Replay;

/// <summary>
/// A batch of transitions in a session's own memory: one that a <see cref="ResidentReplay"/> fills, or views of
/// somebody else's memory there.
/// </summary>
/// <remarks>Not thread-safe. Once it has come to the host, bringing it again allocates nothing.</remarks>
public sealed class ResidentTransitionBatch : ITransitionBatch
{
    private readonly int _capacity;
    private ResidentTransitions? _transitions;
    private TransitionBatch? _host;
    private bool _isOnHost;

    /// <summary>Makes a batch of transitions that lie there already.</summary>
    /// <param name="memory">The memory; it must outlive the batch.</param>
    /// <param name="shape">Widths.</param>
    /// <param name="transitions">What kernels take for the transitions, 1 or more rows; stays the caller's.</param>
    public ResidentTransitionBatch(TransitionMemory memory, TransitionShape shape, ResidentTransitions transitions)
        : this(memory, shape, Rows(transitions)) => _transitions = transitions;

    /// <summary>Makes a batch that nothing has filled yet.</summary>
    /// <param name="memory">The memory; it must outlive the batch.</param>
    /// <param name="shape">Widths.</param>
    /// <param name="capacity">Most rows, 1 or more.</param>
    internal ResidentTransitionBatch(TransitionMemory memory, TransitionShape shape, int capacity)
    {
        ArgumentNullException.ThrowIfNull(memory);
        shape.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        Memory = memory;
        Shape = shape;
        _capacity = capacity;
    }

    /// <summary>The memory that it lies in.</summary>
    public TransitionMemory Memory { get; }

    /// <summary>What kernels take for it; null until the batch has been filled.</summary>
    public ResidentTransitions? Transitions
    {
        get => _transitions;
        internal set
        {
            _transitions = value;
            _isOnHost = false;
        }
    }

    /// <inheritdoc/>
    public TransitionShape Shape { get; }

    /// <inheritdoc/>
    public int Count => _transitions?.Rows ?? 0;

    /// <summary>Most rows.</summary>
    internal int Capacity => _capacity;

    /// <summary>Whether it was disposed.</summary>
    internal bool IsDisposed { get; private set; }

    /// <summary>Says that its values have changed where they lie, as relabeling does.</summary>
    public void MarkChanged() => _isOnHost = false;

    /// <inheritdoc/>
    public TransitionBatch ToHost()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        _host ??= new TransitionBatch(Shape, _capacity);
        if (!_isOnHost)
        {
            _host.Count = Count;
            if (_transitions is not null)
            {
                Memory.Download(_transitions, _host.Stored, _host.ReplayIndex);
            }

            _isOnHost = true;
        }

        return _host;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        IsDisposed = true;
        _transitions = null;
        _host?.Dispose();
    }

    private static int Rows(ResidentTransitions transitions)
    {
        ArgumentNullException.ThrowIfNull(transitions);
        return transitions.Rows;
    }
}

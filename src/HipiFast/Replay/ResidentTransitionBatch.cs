using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Replay;

namespace HipiFast.Replay;

/// <summary>
/// A batch of transitions in a session's own memory: one that a <see cref="ResidentReplay"/> fills, or views of
/// somebody else's memory there.
/// </summary>
/// <remarks>
/// Once it has come to the host, bringing it again allocates nothing. One thread at a time: a second is refused with an
/// <see cref="InvalidOperationException"/>.
/// </remarks>
public sealed class ResidentTransitionBatch : ITransitionBatch
{
    private readonly int _capacity;
    private UseGuard _use;
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
        get
        {
            _use.ThrowIfDisposed(this);
            return _transitions;
        }

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
    internal bool IsDisposed => _use.IsDisposed;

    /// <summary>Says that its values have changed where they lie, as relabeling does.</summary>
    public void MarkChanged()
    {
        _use.ThrowIfDisposed(this);
        _isOnHost = false;
    }

    /// <inheritdoc/>
    public TransitionBatch ToHost()
    {
        using UseGuard.Scope use = _use.Enter(this);
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

    /// <summary>Gives back what belongs to the batch; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A call on the batch is under way.</exception>
    public void Dispose()
    {
        if (_use.Close(this))
        {
            _transitions = null;
            _host?.Dispose();
        }
    }

    /// <summary>Begins a call that changes the batch where it lies; see <see cref="UseGuard.Enter"/>.</summary>
    internal UseGuard.Scope Enter() => _use.Enter(this);

    private static int Rows(ResidentTransitions transitions)
    {
        ArgumentNullException.ThrowIfNull(transitions);
        return transitions.Rows;
    }
}

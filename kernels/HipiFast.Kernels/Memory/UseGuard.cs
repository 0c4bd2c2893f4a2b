using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace HipiFast.Kernels.Memory;

/// <summary>
/// Watches over an object whose memory one thread at a time may use and whose owner gives it back: whoever comes while
/// it is in use, or after its disposal, gets an exception instead of memory that moves or is gone.
/// </summary>
/// <remarks>
/// A field of the object, never copied, entered once by every public call: an atomic exchange in and a plain write out.
/// While it is entered the object cannot be collected, so spans and pointers to its memory are good within the call.
/// </remarks>
internal struct UseGuard
{
    /// <summary>What kernels, the parts of a session, call themselves.</summary>
    public const string Session = "ComputeSession";

    private const int Idle = 0;
    private const int Exclusive = -1;
    private const int Disposed = int.MinValue;

    // A positive number counts those who share.
    private int _state;

    /// <summary>Whether <see cref="Close"/> has been called.</summary>
    public readonly bool IsDisposed => Volatile.Read(in _state) == Disposed;

    /// <summary>Begins a call that nobody else may share.</summary>
    /// <param name="owner">The object, or the name of its type for messages.</param>
    /// <returns>What ends the call.</returns>
    /// <exception cref="ObjectDisposedException">The object has been disposed of.</exception>
    /// <exception cref="InvalidOperationException">Somebody uses it.</exception>
    [UnscopedRef]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Scope Enter(object owner)
    {
        int found = Interlocked.CompareExchange(ref _state, Exclusive, Idle);
        if (found != Idle)
        {
            Refuse(owner, found);
        }

        return new Scope(ref _state);
    }

    /// <summary>Begins a call that only reads, beside which others may read.</summary>
    /// <inheritdoc cref="Enter"/>
    [UnscopedRef]
    public Scope Share(object owner)
    {
        int seen = Volatile.Read(ref _state);
        while (true)
        {
            if (seen < Idle)
            {
                Refuse(owner, seen);
            }

            int found = Interlocked.CompareExchange(ref _state, seen + 1, seen);
            if (found == seen)
            {
                return new Scope(ref _state);
            }

            seen = found;
        }
    }

    /// <summary>Throws when the object has been disposed of: for what touches no memory that a call changes.</summary>
    /// <param name="owner">As for <see cref="Enter"/>.</param>
    /// <exception cref="ObjectDisposedException">It has.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void ThrowIfDisposed(object owner)
    {
        if (IsDisposed)
        {
            Refuse(owner, Disposed);
        }
    }

    /// <summary>Begins disposal, after which nobody enters any more.</summary>
    /// <param name="owner">As for <see cref="Enter"/>.</param>
    /// <returns>True the first time, when the memory is to be given back.</returns>
    /// <exception cref="InvalidOperationException">Somebody uses the object; it is left as it was.</exception>
    public bool Close(object owner)
    {
        int found = Interlocked.CompareExchange(ref _state, Disposed, Idle);
        if (found is not (Idle or Disposed))
        {
            Refuse(owner, found);
        }

        return found == Idle;
    }

    /// <summary>Takes back <see cref="Close"/>, for what could not be given back after all.</summary>
    public void Reopen() => Volatile.Write(ref _state, Idle);

    /// <summary>Throws as a guard of a disposed object does.</summary>
    /// <param name="owner">As for <see cref="Enter"/>.</param>
    /// <exception cref="ObjectDisposedException">Always.</exception>
    [DoesNotReturn]
    public static void ThrowDisposed(object owner) => throw new ObjectDisposedException(NameOf(owner));

    [DoesNotReturn]
    private static void Refuse(object owner, int state)
    {
        if (state == Disposed)
        {
            ThrowDisposed(owner);
        }

        throw new InvalidOperationException(
            $"This {NameOf(owner)} is in the middle of another call; an instance serves one thread at a time.");
    }

    private static string NameOf(object owner) => owner as string ?? owner.GetType().Name.Split('`')[0];

    /// <summary>A call under way; the default value is none.</summary>
    public readonly ref struct Scope
    {
        private readonly ref int _state;

        internal Scope(ref int state) => _state = ref state;

        /// <summary>Ends the call.</summary>
        public void Dispose()
        {
            if (Unsafe.IsNullRef(ref _state))
            {
                return;
            }

            if (_state == Exclusive)
            {
                Volatile.Write(ref _state, Idle);
            }
            else
            {
                Interlocked.Decrement(ref _state);
            }
        }
    }
}

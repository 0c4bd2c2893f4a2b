using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Memory;

/// <summary>
/// A zero-initialised block of native memory, aligned to 64 bytes (one cache line, one AVX-512 vector), owned by this
/// object.
/// </summary>
/// <remarks>
/// Kernels work on native memory so that a pointer stays valid on every thread without pinning and can be handed to
/// native code as it is. Pages are zeroed by the operating system when first touched, so a large buffer costs nothing
/// until it is used. Not thread-safe.
/// </remarks>
/// <typeparam name="T">Element type.</typeparam>
public sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    private const int AlignmentInBytes = 64;

    private void* _allocation;
    private T* _first;

    /// <summary>Allocates <paramref name="length"/> zeroed elements.</summary>
    /// <param name="length">Number of elements, 0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative.</exception>
    /// <exception cref="OutOfMemoryException">The memory is not to be had.</exception>
    public NativeBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Allocate(length);
    }

    /// <summary>Frees the memory when the owner forgot to.</summary>
    ~NativeBuffer() => Free();

    /// <summary>Number of elements; 0 after <see cref="Dispose"/>.</summary>
    public long Length { get; private set; }

    /// <summary>
    /// Address of the first element; 64-byte aligned; good until the buffer grows, is disposed of or collected.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    public T* Pointer
    {
        get
        {
            if (IsDisposed)
            {
                UseGuard.ThrowDisposed(this);
            }

            return _first;
        }
    }

    /// <summary>The elements as a span.</summary>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    /// <exception cref="OverflowException">More than <see cref="int.MaxValue"/> elements.</exception>
    public Span<T> Span => new(Pointer, checked((int)Length));

    /// <summary>Whether <see cref="Dispose"/> has been called.</summary>
    internal bool IsDisposed => _first is null;

    /// <summary>One element.</summary>
    /// <param name="index">In [0, <see cref="Length"/>); not checked in release builds.</param>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    public ref T this[long index]
    {
        get
        {
            System.Diagnostics.Debug.Assert((ulong)index < (ulong)Length);
            return ref Pointer[index];
        }
    }

    /// <summary>Elements [<paramref name="start"/>, start + <paramref name="length"/>) as a span.</summary>
    /// <param name="start">First element.</param>
    /// <param name="length">Number of elements.</param>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the buffer.</exception>
    public Span<T> Slice(long start, int length)
    {
        T* first = Pointer;
        if (start < 0 || length < 0 || start > Length - length)
        {
            throw new ArgumentOutOfRangeException(
                nameof(start), $"Elements {start} to {start + length} are outside a buffer of {Length}.");
        }

        return new Span<T>(first + start, length);
    }

    /// <summary>
    /// Grows to at least <paramref name="length"/> elements. When it grows, the contents are lost (zeroed).
    /// </summary>
    /// <param name="length">Number of elements wanted.</param>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    /// <exception cref="OutOfMemoryException">The memory is not to be had; the buffer is then empty.</exception>
    public void EnsureLength(long length)
    {
        if (IsDisposed)
        {
            UseGuard.ThrowDisposed(this);
        }

        if (length > Length)
        {
            Free();
            try
            {
                Allocate(length);
            }
            catch
            {
                Allocate(0);
                throw;
            }
        }
    }

    /// <summary>
    /// Stands for memory of somebody else's from now on, which must stay until the next call of this method or
    /// <see cref="Dispose"/>, and is not given back here. It need not be aligned.
    /// </summary>
    /// <param name="first">The first element, not null.</param>
    /// <param name="length">Number of elements.</param>
    internal void Borrow(T* first, long length)
    {
        if (IsDisposed)
        {
            UseGuard.ThrowDisposed(this);
        }

        Free();
        _first = first;
        Length = length;
    }

    /// <summary>As <see cref="EnsureLength"/>, in memory of its own where it stood for somebody else's.</summary>
    /// <param name="length">Number of elements wanted.</param>
    internal void EnsureOwn(long length)
    {
        if (_allocation is null && !IsDisposed)
        {
            Length = -1;
        }

        EnsureLength(length);
    }

    /// <summary>Gives the memory back; a second call does nothing.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Allocate(long length)
    {
        _allocation = NativeMemory.AllocZeroed(checked((nuint)(length * sizeof(T)) + AlignmentInBytes));
        _first = (T*)(((nuint)_allocation + AlignmentInBytes - 1) & ~(nuint)(AlignmentInBytes - 1));
        Length = length;
    }

    private void Free()
    {
        NativeMemory.Free(_allocation);
        _allocation = null;
        _first = null;
        Length = 0;
    }
}

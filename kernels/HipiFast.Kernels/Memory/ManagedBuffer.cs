using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Memory;

/// <summary>
/// A zero-initialised block of the garbage collector's memory that never moves, aligned to 64 bytes like a
/// <see cref="NativeBuffer{T}"/>: for numbers that callers are shown. A span of it is good for as long as somebody has
/// it, whatever becomes of the buffer; a pointer, for as long as the buffer.
/// </summary>
/// <typeparam name="T">Element type, a plain number.</typeparam>
internal sealed unsafe class ManagedBuffer<T> : IDisposable
    where T : unmanaged
{
    private const int AlignmentInBytes = 64;

    private T[]? _elements;
    private int _first;

    /// <summary>Allocates <paramref name="length"/> zeroed elements.</summary>
    /// <param name="length">Number of elements, 0 or more.</param>
    public ManagedBuffer(int length) => Allocate(length);

    /// <summary>Number of elements; 0 after <see cref="Dispose"/>.</summary>
    public int Length { get; private set; }

    /// <summary>Address of the first element.</summary>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    public T* Pointer => (T*)Unsafe.AsPointer(ref First);

    /// <summary>The elements as a span.</summary>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    public Span<T> Span => MemoryMarshal.CreateSpan(ref First, Length);

    private ref T First
    {
        get
        {
            if (_elements is null)
            {
                UseGuard.ThrowDisposed(this);
            }

            return ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_elements), _first);
        }
    }

    /// <summary>One element.</summary>
    /// <param name="index">In [0, <see cref="Length"/>).</param>
    public ref T this[int index] => ref Span[index];

    /// <summary>Elements [<paramref name="start"/>, start + <paramref name="length"/>) as a span.</summary>
    /// <param name="start">First element.</param>
    /// <param name="length">Number of elements.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the buffer.</exception>
    public Span<T> Slice(long start, int length) => Span.Slice(checked((int)start), length);

    /// <summary>
    /// Grows to at least <paramref name="length"/> elements. When it grows, the contents are lost (zeroed); spans of
    /// them stay as they were.
    /// </summary>
    /// <param name="length">Number of elements wanted.</param>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    public void EnsureLength(long length)
    {
        if (_elements is null)
        {
            UseGuard.ThrowDisposed(this);
        }

        if (length > Length)
        {
            Allocate(checked((int)length));
        }
    }

    /// <summary>Lets the memory go; it stays as long as somebody has a span of it.</summary>
    public void Dispose()
    {
        _elements = null;
        Length = 0;
    }

    private void Allocate(int length)
    {
        // The collector aligns arrays to a multiple of a plain number's size, so a whole number of elements is missing.
        _elements = GC.AllocateArray<T>(checked(length + (AlignmentInBytes / sizeof(T))), pinned: true);
        int behind = (int)((nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_elements))
            % AlignmentInBytes);
        _first = (AlignmentInBytes - behind) % AlignmentInBytes / sizeof(T);
        Length = length;
    }
}

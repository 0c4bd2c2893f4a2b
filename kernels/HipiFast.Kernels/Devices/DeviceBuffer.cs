using System.Runtime.CompilerServices;

namespace HipiFast.Kernels.Devices;

/// <summary>A block of a device's memory, aligned to 256 bytes; its contents are undefined at first.</summary>
public abstract class DeviceBuffer(long bytes) : IDisposable
{
    /// <summary>Size in bytes.</summary>
    public long Bytes { get; } = bytes;

    /// <summary>Address in the device's own address space; 0 where the runtime shows none.</summary>
    public abstract ulong Address { get; }

    /// <summary>A part of the buffer, as a kernel sees it.</summary>
    /// <typeparam name="T">Element type.</typeparam>
    /// <param name="byteOffset">Where it begins; aligned for the element.</param>
    /// <param name="length">Elements.</param>
    /// <returns>The view.</returns>
    /// <exception cref="ArgumentOutOfRangeException">It is not inside the buffer.</exception>
    public DeviceView View<T>(long byteOffset, long length)
        where T : unmanaged => new(this, byteOffset, length, Unsafe.SizeOf<T>());

    /// <summary>The whole buffer, as a kernel sees it.</summary>
    /// <typeparam name="T">Element type.</typeparam>
    /// <returns>The view.</returns>
    public DeviceView View<T>()
        where T : unmanaged => View<T>(0, Bytes / Unsafe.SizeOf<T>());

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the memory back; a second call does nothing.</summary>
    /// <param name="disposing">True.</param>
    protected abstract void Dispose(bool disposing);
}

/// <summary>A part of a device buffer, as a kernel's parameter; the default value is an empty view, for what a kernel does not read.</summary>
public readonly struct DeviceView
{
    private const int StrictestAlignment = 16;

    internal DeviceView(DeviceBuffer buffer, long byteOffset, long length, int elementSize)
    {
        // Elements are aligned like numbers of their size; structs like the largest power of two in theirs, at most 16.
        int alignment = Math.Min(elementSize & -elementSize, StrictestAlignment);
        if (byteOffset < 0 || length < 0 || byteOffset % alignment != 0 || length > (buffer.Bytes - byteOffset) / elementSize)
        {
            throw new ArgumentOutOfRangeException(
                nameof(byteOffset),
                $"{length} elements of {elementSize} bytes from byte {byteOffset} on are not inside a buffer of {buffer.Bytes} bytes.");
        }

        Buffer = buffer;
        ByteOffset = byteOffset;
        Length = length;
        ElementSize = elementSize;
    }

    /// <summary>The buffer; null in an empty view.</summary>
    public DeviceBuffer? Buffer { get; }

    /// <summary>Where it begins in the buffer.</summary>
    public long ByteOffset { get; }

    /// <summary>Elements.</summary>
    public long Length { get; }

    /// <summary>Bytes per element; 0 in an empty view.</summary>
    public int ElementSize { get; }

    /// <summary>Address of the first element in the device's own address space; 0 in an empty view and in a buffer that has been disposed.</summary>
    public ulong Address => Buffer is { Address: > 0 } buffer ? buffer.Address + (ulong)ByteOffset : 0;

    /// <summary>Elements from <paramref name="start"/> on.</summary>
    /// <param name="start">First element kept.</param>
    /// <param name="length">Elements kept.</param>
    /// <returns>The view.</returns>
    /// <exception cref="ArgumentOutOfRangeException">They are not inside the view.</exception>
    public DeviceView Slice(long start, long length)
    {
        if (start < 0 || length < 0 || start > Length - length)
        {
            throw new ArgumentOutOfRangeException(nameof(start), $"Elements {start} to {start + length} are outside a view of {Length}.");
        }

        return Buffer is null ? this : new DeviceView(Buffer, ByteOffset + (start * ElementSize), length, ElementSize);
    }
}

/// <summary>
/// Host memory that a device copies from and to by itself, while the processor does something else; zeroed at first. Must outlive every copy that was
/// begun with it.
/// </summary>
public abstract unsafe class PinnedBuffer(long bytes) : IDisposable
{
    /// <summary>Size in bytes.</summary>
    public long Bytes { get; } = bytes;

    /// <summary>Address of the first byte, aligned to 64 bytes or more; null after <see cref="Dispose()"/>.</summary>
    public abstract byte* Pointer { get; }

    /// <summary>A part of it.</summary>
    /// <typeparam name="T">Element type.</typeparam>
    /// <param name="byteOffset">Where it begins.</param>
    /// <param name="length">Elements.</param>
    /// <returns>The elements.</returns>
    /// <exception cref="ArgumentOutOfRangeException">They are not inside the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed.</exception>
    public Span<T> Span<T>(long byteOffset, int length)
        where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(Pointer is null, this);
        if (byteOffset < 0 || length < 0 || length > (Bytes - byteOffset) / sizeof(T))
        {
            throw new ArgumentOutOfRangeException(
                nameof(byteOffset), $"{length} elements of {sizeof(T)} bytes from byte {byteOffset} on are not inside a buffer of {Bytes} bytes.");
        }

        return new Span<T>(Pointer + byteOffset, length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the memory back; a second call does nothing.</summary>
    /// <param name="disposing">True.</param>
    protected abstract void Dispose(bool disposing);
}

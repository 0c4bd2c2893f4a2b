using System.Runtime.CompilerServices;

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>
/// A part of a device buffer, as a kernel's parameter; the default value is an empty view, for what a kernel does not
/// read.
/// </summary>
public readonly struct DeviceView
{
    private const int StrictestAlignment = 16;

    internal DeviceView(DeviceBuffer buffer, long byteOffset, long length, int elementSize)
    {
        // Elements are aligned like numbers of their size; structs like the largest power of two in theirs, at most 16.
        int alignment = Math.Min(elementSize & -elementSize, StrictestAlignment);
        if (byteOffset < 0 || length < 0 || byteOffset % alignment != 0 || length > (
            buffer.Bytes - byteOffset) / elementSize)
        {
            throw new ArgumentOutOfRangeException(
                nameof(byteOffset),
                $"{length} elements of {elementSize} bytes from byte {byteOffset} on are not inside a buffer of "
                + $"{buffer.Bytes} bytes.");
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

    /// <summary>
    /// Address of the first element in the device's own address space; 0 in an empty view and in a buffer that has been
    /// disposed.
    /// </summary>
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
            throw new ArgumentOutOfRangeException(
                nameof(start), $"Elements {start} to {start + length} are outside a view of {Length}.");
        }

        return Buffer is null ? this : new DeviceView(Buffer, ByteOffset + (start * ElementSize), length, ElementSize);
    }
}

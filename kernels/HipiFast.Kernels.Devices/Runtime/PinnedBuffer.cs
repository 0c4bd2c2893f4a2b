using System.Runtime.CompilerServices;

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>
/// Host memory that a device copies from and to by itself, while the processor does something else; zeroed at first.
/// Must outlive every copy that was begun with it.
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
                nameof(byteOffset),
                $"{length} elements of {sizeof(T)} bytes from byte {byteOffset} on are not inside a buffer of {Bytes} "
                + "bytes.");
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

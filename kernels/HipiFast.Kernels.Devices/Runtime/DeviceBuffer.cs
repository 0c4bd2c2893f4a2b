using System.Runtime.CompilerServices;

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>A block of a device's memory, aligned to 256 bytes; its contents are undefined at first.</summary>
public abstract class DeviceBuffer(long bytes) : IDisposable
{
    private bool _isDisposed;

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
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    public DeviceView View<T>(long byteOffset, long length)
        where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return new DeviceView(this, byteOffset, length, Unsafe.SizeOf<T>());
    }

    /// <summary>The whole buffer, as a kernel sees it.</summary>
    /// <typeparam name="T">Element type.</typeparam>
    /// <returns>The view.</returns>
    public DeviceView View<T>()
        where T : unmanaged => View<T>(0, Bytes / Unsafe.SizeOf<T>());

    /// <inheritdoc/>
    public void Dispose()
    {
        _isDisposed = true;
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the memory back; a second call does nothing.</summary>
    /// <param name="disposing">True.</param>
    protected abstract void Dispose(bool disposing);
}

using System.Runtime.CompilerServices;
using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>Device memory that grows with the largest need so far; growing loses the contents.</summary>
internal sealed class DeviceArray(DeviceRuntime runtime) : IDisposable
{
    private DeviceBuffer? _buffer;

    /// <summary>Bytes there are.</summary>
    public long Bytes => _buffer?.Bytes ?? 0;

    /// <summary>Counts how often memory was allocated: a captured sequence is good for one count only.</summary>
    public int Generation { get; private set; }

    /// <summary>Grows to at least so many bytes.</summary>
    /// <exception cref="DeviceOutOfMemoryException">
    /// The device has too little; then there is nothing left here.
    /// </exception>
    public void EnsureBytes(long bytes)
    {
        if (bytes <= Bytes)
        {
            return;
        }

        _buffer?.Dispose();
        _buffer = null;
        _buffer = runtime.Allocate(bytes);
        Generation++;
    }

    /// <summary>Grows to at least so many elements and shows them.</summary>
    public DeviceView Ensure<T>(long length)
        where T : unmanaged
    {
        EnsureBytes(Math.Max(length, 1) * Unsafe.SizeOf<T>());
        return View<T>(0, length);
    }

    /// <summary>Elements from a byte on.</summary>
    public DeviceView View<T>(long byteOffset, long length)
        where T : unmanaged => _buffer!.View<T>(byteOffset, length);

    public void Dispose()
    {
        _buffer?.Dispose();
        _buffer = null;
    }
}

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>
/// Turns that another library (libtorch) and the kernels take on one device's memory. The library computes on a stream
/// of its own, or, on the processor, in the calling thread; kernels on the runtime's main stream. Where there are two
/// streams, one waits for the other on the device and the host for neither.
/// </summary>
/// <remarks>
/// The main stream is not ordered with the default stream by itself: it is made without that
/// (<c>CU_STREAM_NON_BLOCKING</c>), so both directions take an event.
/// </remarks>
internal sealed class ExternalStream : IDisposable
{
    private readonly DeviceRuntime _runtime;
    private readonly DeviceStream? _stream;
    private readonly DeviceEvent? _begins;
    private readonly DeviceEvent? _ends;

    /// <summary>Takes note of the library's stream.</summary>
    /// <param name="runtime">The device; must outlive this object.</param>
    /// <param name="handle">
    /// Handle of the stream, 0 for the default stream; null for a library that computes in the calling thread.
    /// </param>
    /// <exception cref="NotSupportedException">The runtime cannot share streams.</exception>
    public ExternalStream(DeviceRuntime runtime, nint? handle)
    {
        _runtime = runtime;
        if (handle is nint stream)
        {
            _stream = runtime.ShareStream(stream);
            _begins = runtime.CreateEvent();
            _ends = runtime.CreateEvent();
        }
    }

    /// <summary>
    /// Begins the library's turn: what it does from here on comes after the kernels and copies that the main stream
    /// holds now.
    /// </summary>
    public void Begin()
    {
        if (_stream is null)
        {
            _runtime.Synchronize();
            return;
        }

        _runtime.Record(_begins!);
        _runtime.Wait(_begins!, _stream);
    }

    /// <summary>
    /// Ends its turn: what the main stream receives from here on comes after the library's work so far.
    /// </summary>
    public void End()
    {
        if (_stream is not null)
        {
            _runtime.Record(_ends!, _stream);
            _runtime.Wait(_ends!);
        }
    }

    /// <summary>Marks where the library's work is now.</summary>
    /// <param name="mark">An event of the runtime.</param>
    public void Record(DeviceEvent mark) => _runtime.Record(mark, _stream);

    public void Dispose()
    {
        _begins?.Dispose();
        _ends?.Dispose();
        _stream?.Dispose();
    }
}

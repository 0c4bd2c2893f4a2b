namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>A mark in a stream, to wait for and to time by. Dispose it before its runtime.</summary>
public abstract class DeviceEvent : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the event back; a second call does nothing.</summary>
    /// <param name="disposing">True.</param>
    protected abstract void Dispose(bool disposing);
}

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>
/// A queue of work on a device: its entries run in order, those of different streams side by side. Dispose it before
/// its runtime.
/// </summary>
public abstract class DeviceStream : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the stream back; a second call does nothing.</summary>
    /// <param name="disposing">True.</param>
    protected abstract void Dispose(bool disposing);
}

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>A captured sequence of copies and launches, replayed as one. Dispose it before its runtime.</summary>
public abstract class DeviceGraph : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the graph back; a second call does nothing.</summary>
    /// <param name="disposing">True.</param>
    protected abstract void Dispose(bool disposing);
}

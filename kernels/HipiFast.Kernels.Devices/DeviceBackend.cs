using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Devices;

/// <summary>A backend whose kernels run on a device, over a <see cref="DeviceRuntime"/>.</summary>
public abstract class DeviceBackend : KernelBackend
{
    /// <summary>A backend as one of devices.</summary>
    /// <param name="backend">Any backend.</param>
    /// <returns>The same object.</returns>
    /// <exception cref="NotSupportedException">It runs on the processor without a device layer.</exception>
    public static DeviceBackend Of(KernelBackend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        return backend as DeviceBackend
            ?? throw new NotSupportedException($"Backend '{backend.Name}' runs on the processor and opens no device.");
    }

    /// <summary>Opens a device for work that goes around sessions: device-resident replay, benchmarks.</summary>
    /// <param name="device">
    /// <see cref="DeviceInfo.Id"/>; null, empty or <see cref="DeviceInfo.Auto"/> for the first.
    /// </param>
    /// <returns>The device; dispose it.</returns>
    /// <exception cref="ArgumentException">There is no such device; the message lists those there are.</exception>
    /// <exception cref="NotSupportedException">The backend cannot run here.</exception>
    public abstract DeviceRuntime CreateRuntime(string? device = null);

    /// <inheritdoc/>
    public override ComputeSession CreateSession(SessionOptions options) =>
        DeviceSession.Create(this, CreateRuntime(options.Device), options);
}

using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Tasks;

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

    /// <summary>
    /// Compiles a kernel to PTX without a GPU, for backends that launch PTX and keep none for a user's own task family.
    /// </summary>
    /// <param name="name">One of <see cref="DeviceKernelNames"/>.</param>
    /// <param name="family">The task family that it is specialised for; null for kernels that judge nothing.</param>
    /// <param name="capability">Compute capability of the device times ten.</param>
    /// <returns>The kernel, for that capability or a lower one; null where this backend brings no compiler.</returns>
    /// <exception cref="NotSupportedException">
    /// The family holds something that no GPU kernel can; one sentence.
    /// </exception>
    public virtual PtxKernel? CompilePtx(string name, TaskFamily? family, int capability) => null;

    /// <inheritdoc/>
    public override ComputeSession CreateSession(SessionOptions options) =>
        DeviceSession.Create(this, CreateRuntime(options.Device), options);
}

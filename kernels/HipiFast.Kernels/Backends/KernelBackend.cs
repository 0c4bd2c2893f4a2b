using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.Backends;

/// <summary>
/// A set of kernels for one instruction set or kind of device. Stateless and safe to share; the memory that work needs
/// is in the sessions it makes.
/// </summary>
public abstract class KernelBackend
{
    /// <summary>
    /// Name by which users and the registry know it: lower case, no spaces, such as <c>managed-512</c>.
    /// </summary>
    public abstract string Name { get; }

    /// <summary>
    /// Name that stands for the fastest of several related backends, such as <c>managed</c>; the name itself when it
    /// has no relatives.
    /// </summary>
    public virtual string Family => Name;

    /// <summary>Arithmetic of the soft-Q kernel.</summary>
    public virtual KernelPrecision Precision => KernelPrecision.Fp32;

    /// <summary>One line for <c>hipifast info</c>: what it runs on here (instruction set, device).</summary>
    public abstract string Description { get; }

    /// <summary>
    /// The peak of this backend's soft-Q kernel; null when it has none to show. Run it only where the backend can run.
    /// </summary>
    internal virtual IMultiplyAddLoop? MultiplyAddLoop => null;

    /// <summary>
    /// The devices it can run on here, best first; empty for backends of the processor, which is no choice.
    /// </summary>
    public virtual IReadOnlyList<DeviceInfo> Devices => [];

    /// <summary>Whether it can run on a device.</summary>
    /// <param name="device"><see cref="DeviceInfo.Id"/>; null, empty or <see cref="DeviceInfo.Auto"/> for any.</param>
    /// <returns>True when it has the device. Backends of the processor have <see cref="DeviceInfo.Cpu"/>.</returns>
    public bool HasDevice(string? device) =>
        DeviceInfo.IsAny(device)
        || (Devices.Count == 0
            ? device!.Equals(DeviceInfo.Cpu, StringComparison.OrdinalIgnoreCase)
            : Devices.Any(candidate => candidate.Id.Equals(device, StringComparison.OrdinalIgnoreCase)));

    /// <summary>Whether it can run here.</summary>
    /// <param name="reason">Why not, in one sentence; empty when it can.</param>
    /// <returns>True when sessions can be made.</returns>
    public abstract bool IsSupported(out string reason);

    /// <summary>Makes a session: kernels with scratch memory of their own.</summary>
    /// <param name="options">Thread count and the like.</param>
    /// <returns>The session; dispose it.</returns>
    /// <exception cref="ArgumentException">There is no such device; the message lists those there are.</exception>
    /// <exception cref="NotSupportedException">The backend cannot run here; the message says why.</exception>
    public abstract ComputeSession CreateSession(SessionOptions options);

    /// <summary>Throws unless <see cref="HasDevice"/>; for backends of the processor, which choose no device.</summary>
    private protected void ThrowIfNotHere(string? device)
    {
        if (!HasDevice(device))
        {
            throw new ArgumentException(
                $"Backend '{Name}' runs on the processor ('{DeviceInfo.Cpu}'); it has no device '{device}'.");
        }
    }
}

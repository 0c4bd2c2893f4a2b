using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Backends;

/// <summary>Arithmetic of a backend's soft-Q kernel. Everything else (partition, sampling, learning) is fp32 on every backend.</summary>
public enum KernelPrecision
{
    /// <summary>Single precision.</summary>
    Fp32,

    /// <summary>Products of bfloat16 operands (8 bits of mantissa) summed in single precision.</summary>
    Bf16,
}

/// <summary>
/// A set of kernels for one instruction set or kind of device. Stateless and safe to share; the memory that work needs is in the sessions it makes.
/// </summary>
public abstract class KernelBackend
{
    /// <summary>Name by which users and the registry know it: lower case, no spaces, such as <c>managed-512</c>.</summary>
    public abstract string Name { get; }

    /// <summary>
    /// Name that stands for the fastest of several related backends, such as <c>managed</c>; the name itself when it has no relatives.
    /// </summary>
    public virtual string Family => Name;

    /// <summary>Arithmetic of the soft-Q kernel.</summary>
    public virtual KernelPrecision Precision => KernelPrecision.Fp32;

    /// <summary>One line for <c>hipifast info</c>: what it runs on here (instruction set, device).</summary>
    public abstract string Description { get; }

    /// <summary>The peak of this backend's soft-Q kernel; null when it has none to show. Run it only where the backend can run.</summary>
    public virtual IMultiplyAddLoop? MultiplyAddLoop => null;

    /// <summary>The devices it can run on here, best first; empty for backends of the processor, which is no choice.</summary>
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

    /// <summary>Opens a device for work that goes around sessions: device-resident replay, benchmarks.</summary>
    /// <param name="device"><see cref="DeviceInfo.Id"/>; null, empty or <see cref="DeviceInfo.Auto"/> for the first.</param>
    /// <returns>The device; dispose it.</returns>
    /// <exception cref="ArgumentException">There is no such device; the message lists those there are.</exception>
    /// <exception cref="NotSupportedException">The backend cannot run here, or runs on the processor without a device layer.</exception>
    public virtual DeviceRuntime CreateRuntime(string? device = null) =>
        throw new NotSupportedException($"Backend '{Name}' runs on the processor and opens no device.");

    /// <summary>Throws unless <see cref="HasDevice"/>; for backends of the processor, which choose no device.</summary>
    private protected void ThrowIfNotHere(string? device)
    {
        if (!HasDevice(device))
        {
            throw new ArgumentException($"Backend '{Name}' runs on the processor ('{DeviceInfo.Cpu}'); it has no device '{device}'.");
        }
    }
}

/// <summary>Options of a session.</summary>
/// <param name="MaxThreads">Most threads one call may use; 0 for one per core. Results do not depend on it.</param>
/// <param name="Device"><see cref="DeviceInfo.Id"/> of the device; null, empty or <see cref="DeviceInfo.Auto"/> for the backend's first.</param>
public readonly record struct SessionOptions(int MaxThreads = 0, string? Device = null);

/// <summary>The kernels of one backend with their scratch memory. One session serves one thread at a time.</summary>
public abstract class ComputeSession : IDisposable
{
    /// <summary>The backend that made it.</summary>
    public abstract KernelBackend Backend { get; }

    /// <summary>Soft-Q matrix.</summary>
    public abstract ISoftQKernel SoftQ { get; }

    /// <summary>Log partition.</summary>
    public abstract ILogPartitionKernel LogPartition { get; }

    /// <summary>Gumbel-max sampling.</summary>
    public abstract ITaskSamplingKernel TaskSampling { get; }

    /// <summary>Dense forward, backward and optimiser steps.</summary>
    public abstract IDenseKernel Dense { get; }

    /// <summary>A whole relabel call in one go; null where the kernels above are the way.</summary>
    public virtual IRelabelPipeline? RelabelPipeline => null;

    /// <summary>
    /// The layer over the device, for memory that relabel calls take where it lies (<see cref="ResidentBatch"/>, <see cref="DeviceReplay"/>); null
    /// for backends of the processor. Lives as long as the session.
    /// </summary>
    public virtual DeviceRuntime? Runtime => null;

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees scratch memory.</summary>
    /// <param name="disposing">True.</param>
    protected virtual void Dispose(bool disposing)
    {
    }
}

using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.TorchSharp;

/// <summary>Where and how torch computes.</summary>
public sealed record TorchOptions
{
    /// <summary>The device that is always there.</summary>
    public const string Cpu = "cpu";

    /// <summary>An NVIDIA GPU.</summary>
    public const string Cuda = "cuda";

    /// <summary><see cref="Cpu"/> or <see cref="Cuda"/>.</summary>
    public string Device { get; init; } = Cpu;

    /// <summary>
    /// Threads of one torch operation, a setting of the whole process; 0 for one where operations are over before a
    /// thread could help (<see cref="ThreadingWork"/>), else torch's own choice.
    /// </summary>
    public int Threads { get; init; }

    /// <summary>
    /// On <see cref="Cuda"/>, where the relabeler computes elsewhere (on the processor, through a runtime that cannot
    /// share memory, on another GPU): updates between two copies of the weights into
    /// <see cref="Learning.AgentNetworks"/>, from where it reads them; 1 or more. With N, soft Q-values are of weights
    /// up to N - 1 updates old. On the CPU, and where the kernels read torch's memory in place, nothing is ever copied
    /// or old.
    /// </summary>
    public int WeightsEvery { get; init; } = 1;

    /// <summary>Rows times H^2 from which an operation is worth a second thread.</summary>
    internal const long ThreadingWork = 1L << 22;

    /// <summary>For tests: on the CPU, but by the path of a device with memory of its own.</summary>
    internal bool KeepsDeviceMemory { get; init; }

    /// <summary>For tests: weights are copied even where kernels could read them in place.</summary>
    internal bool CopiesWeights { get; init; }

    /// <summary>Whether torch works in memory that our kernels read and write too.</summary>
    internal bool SharesMemory => Device == Cpu && !KeepsDeviceMemory;

    /// <summary>
    /// The device of a session's kernels, if it is torch's and its kernels read and write torch's memory in place.
    /// </summary>
    /// <param name="session">The relabeler's session.</param>
    /// <returns>
    /// The device; null where weights and batches are copied, or lie in shared memory of the processor.
    /// </returns>
    internal DeviceRuntime? InPlace(ComputeSession session) =>
        !SharesMemory && !CopiesWeights && session.Runtime is { CanShare: true } runtime
            && runtime.Device.Id == KernelDevice ? runtime : null;

    // What torch's device is called among those of the kernels; without a number, torch means the first.
    private string KernelDevice => Device == Cuda ? "cuda:0" : DeviceInfo.Cpu;

    /// <summary>Throws when an option is out of its range.</summary>
    /// <exception cref="ArgumentException">One sentence naming the option, its value and its range.</exception>
    public void Validate()
    {
        if (Device is not (Cpu or Cuda))
        {
            throw new ArgumentException(
                $"Torch option {nameof(Device)} is '{Device}'; expected {Cpu} or {Cuda}.", nameof(Device));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(Threads);
        ArgumentOutOfRangeException.ThrowIfLessThan(WeightsEvery, 1);
    }

    /// <summary>Checks the options, loads libtorch and sets its threads.</summary>
    /// <param name="work">Rows times H^2 of one operation; 0 for unknown.</param>
    /// <exception cref="NotSupportedException">
    /// libtorch or the device cannot be used here; the message says what to install.
    /// </exception>
    internal void Apply(long work)
    {
        Validate();
        TorchRuntime.Require(Device);
        if (Threads > 0 || work is > 0 and < ThreadingWork)
        {
            global::TorchSharp.torch.set_num_threads(Math.Max(Threads, 1));
        }
    }
}

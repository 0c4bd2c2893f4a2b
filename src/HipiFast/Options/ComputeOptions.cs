using HipiFast.Kernels.Backends;

namespace HipiFast.Options;

/// <summary>What computes.</summary>
public sealed record ComputeOptions
{
    /// <summary>Threads that one call of a kernel may use; 0 for one per core. Results do not depend on it.</summary>
    [Option(Run, "Threads; 0 for one per core. Results do not depend on it.", Minimum = 0, Maximum = 4096)]
    public int Threads { get; init; }

    /// <summary>Backend by name; <c>auto</c> takes the fastest.</summary>
    [Option(Run, "Backend that computes: auto, or a name from `hipifast info`.")]
    public string Backend { get; init; } = KernelRegistry.Auto;

    /// <summary>
    /// Device by its name in <c>hipifast info</c>, such as <c>cuda:0</c>; <c>auto</c> takes the backend's first.
    /// </summary>
    [Option(
        Run,
        "Device that computes, by its name in `hipifast info`, such as cuda:0; auto for the backend's first.")]
    public string Device { get; init; } = DeviceInfo.Auto;

    /// <summary>
    /// Arithmetic in which soft Q-values may be computed: fp32 unless <see cref="Backend"/> names a backend of bf16,
    /// fp32 only, or bf16 only. Everything after the soft Q-values, and all learning, is fp32.
    /// </summary>
    [Option(
        Run,
        "Arithmetic of the soft Q-values; auto is fp32 unless the backend is one of bf16. Learning is fp32 always.")]
    public PrecisionMode Precision { get; init; } = PrecisionMode.Auto;

    // Heading under which help lists the options of a run.
    private const string Run = "Run";

    /// <summary>Finds the backend.</summary>
    /// <returns>The backend.</returns>
    /// <exception cref="ArgumentException">
    /// No backend or device has that name, or the one named computes in another precision.
    /// </exception>
    /// <exception cref="NotSupportedException">The backend cannot run here.</exception>
    public KernelBackend ResolveBackend() => KernelRegistry.Default.Resolve(Backend, Precision, Device);

    /// <summary>Opens a session of the backend.</summary>
    /// <returns>The session; dispose it.</returns>
    /// <exception cref="ArgumentException">As for <see cref="ResolveBackend"/>.</exception>
    /// <exception cref="NotSupportedException">As for <see cref="ResolveBackend"/>.</exception>
    public ComputeSession OpenSession() => ResolveBackend().CreateSession(new SessionOptions(Threads, Device));
}

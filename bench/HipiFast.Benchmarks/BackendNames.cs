using HipiFast.Kernels.Backends;

namespace HipiFast.Benchmarks;

/// <summary>
/// Values of the parameter Backend: families of backends of which one can run here. Each takes its fastest. A GPU's
/// kernels emulated on the processor are for tests: a call would take minutes.
/// </summary>
internal static class BackendNames
{
    static BackendNames()
    {
        Kernels.Cuda.Registration.Register();
        Kernels.Ilgpu.Registration.Register();
    }

    /// <summary>All families.</summary>
    public static IEnumerable<string> All => Families(_ => true);

    /// <summary>
    /// Families with an fp32 backend: what is not the soft-Q matrix is fp32 everywhere, and a bf16 family has nothing
    /// of its own there.
    /// </summary>
    public static IEnumerable<string> Fp32 => Families(backend => backend.Precision == KernelPrecision.Fp32);

    /// <summary>The backend that a family takes.</summary>
    /// <param name="family">Of <see cref="All"/>.</param>
    /// <returns>Its fastest that can run here.</returns>
    public static KernelBackend Resolve(string family) => KernelRegistry.Default.Resolve(family);

    private static string[] Families(Func<KernelBackend, bool> wanted)
    {
        IEnumerable<KernelBackend> usable = KernelRegistry.Default.Backends.Where(
            backend => wanted(backend) && backend.IsSupported(out _) && !IsEmulated(backend));
        return [.. usable.Select(backend => backend.Family).Distinct()];
    }

    private static bool IsEmulated(KernelBackend backend) => backend.Devices is [{ Id: DeviceInfo.Cpu }, ..];
}

using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Cuda.Driver;

namespace HipiFast.Kernels.Cuda;

/// <summary>What the program calls when it finds this assembly.</summary>
public static class Registration
{
    /// <summary>Above every other backend: where a device is, it is the fastest.</summary>
    private const int Priority = 100;

    /// <summary>Registers the backends <c>cuda</c> and, below it so that bf16 is asked for, <c>cuda-bf16</c>.</summary>
    public static void Register()
    {
        KernelRegistry registry = KernelRegistry.Default;
        registry.Register(
            new CudaBackend(CudaDriver.DefaultPath, PtxCatalog.Embedded, registry: registry), Priority);
        registry.Register(
            new CudaBackend(CudaDriver.DefaultPath, PtxCatalog.Embedded, KernelPrecision.Bf16, registry), Priority - 1);
    }
}

using System.Runtime.InteropServices;
using HipiFast.Kernels.Backends;

namespace HipiFast.Kernels.Ilgpu;

/// <summary>What a program calls to have this assembly's backends.</summary>
public static class Registration
{
    // Above the processor's backends where there is a GPU, else below all of them, so that "auto" never takes a
    // processor that plays one.
    private const int GpuPriority = 40;
    private const int NoGpuPriority = -100;

    /// <summary>
    /// Registers the backends <c>ilgpu</c> and, below it so that bf16 is asked for, <c>ilgpu-bf16</c>, which also
    /// compile task families to PTX for others.
    /// </summary>
    public static void Register()
    {
        bool hasDriver = HasDriver();
        KernelRegistry.Default.Register(
            new IlgpuBackend(), hasDriver && IlgpuBackend.HasGpu ? GpuPriority : NoGpuPriority);
        KernelRegistry.Default.Register(
            new IlgpuBackend(KernelPrecision.Bf16),
            (hasDriver && IlgpuBackend.HasTensorCores ? GpuPriority : NoGpuPriority) - 1);
    }

    // Asking ILGPU for its devices takes a while, so first for the libraries without which there are none.
    private static bool HasDriver()
    {
        string[] libraries = OperatingSystem.IsWindows()
            ? ["nvcuda.dll", "OpenCL.dll"]
            : ["libcuda.so.1", "libOpenCL.so.1", "libOpenCL.so"];
        foreach (string library in libraries)
        {
            if (NativeLibrary.TryLoad(library, out nint handle))
            {
                NativeLibrary.Free(handle);
                return true;
            }
        }

        return false;
    }
}

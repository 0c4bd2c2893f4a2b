using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Ilgpu.Tests.Ptx;

/// <summary>The PTX of kernels, each compiled once for all tests that look at it.</summary>
internal static class CompiledPtx
{
    private static readonly PtxCompiler s_compiler = new();
    private static readonly Dictionary<(string Kernel, Type? Family, int Capability), PtxKernel> s_kernels = [];

    /// <summary>A kernel's PTX, as <see cref="PtxCompiler.Compile"/> gives it.</summary>
    public static PtxKernel Of(string kernel, TaskFamily? family, int capability)
    {
        (string, Type?, int) key = (kernel, KernelTable.TypeOf(family), capability);
        lock (s_kernels)
        {
            if (!s_kernels.TryGetValue(key, out PtxKernel? compiled))
            {
                compiled = s_compiler.Compile(kernel, family, capability);
                s_kernels.Add(key, compiled);
            }

            return compiled;
        }
    }
}

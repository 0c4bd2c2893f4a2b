using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>Compiles kernels to PTX where they are not kept ready: for a user's own task family.</summary>
public interface IPtxCompiler
{
    /// <summary>The compiler of this process; null where the part that brings one is not installed.</summary>
    static IPtxCompiler? Current { get; set; }

    /// <summary>Compiles a kernel.</summary>
    /// <param name="name">One of <see cref="DeviceKernelNames"/>.</param>
    /// <param name="family">The task family that it is specialised for; null for kernels that judge nothing.</param>
    /// <param name="capability">Compute capability of the device times ten.</param>
    /// <returns>The kernel, for that capability or a lower one.</returns>
    /// <exception cref="NotSupportedException">
    /// The family holds something that no GPU kernel can; one sentence.
    /// </exception>
    PtxKernel Compile(string name, TaskFamily? family, int capability);
}

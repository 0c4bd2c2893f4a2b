using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Devices.Peaks;

/// <summary>Scalars of the kernels that measure a device's peaks.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PeakLoop
{
    /// <summary>How often the multiply-adds are repeated.</summary>
    public int Iterations;

    /// <summary>What is multiplied by; below 1, so that nothing overflows.</summary>
    public float Factor;
}

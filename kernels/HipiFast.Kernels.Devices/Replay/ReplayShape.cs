using System.Runtime.InteropServices;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Devices.Replay;

/// <summary>Scalars of <see cref="DeviceKernelNames.ReplayGather"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ReplayShape
{
    /// <summary>Rows to gather.</summary>
    public int Rows;

    /// <summary>Floats between records.</summary>
    public int Stride;

    /// <summary>S.</summary>
    public int ObservationDimension;

    /// <summary>A.</summary>
    public int ActionDimension;

    /// <summary>P.</summary>
    public int TaskDimension;
}

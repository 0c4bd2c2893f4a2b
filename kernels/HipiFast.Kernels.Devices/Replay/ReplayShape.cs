using System.Runtime.InteropServices;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Devices.Replay;

/// <summary>Scalars of <see cref="DeviceKernelNames.ReplayGather"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ReplayShape
{
    /// <summary>Rows to gather.</summary>
    public int Rows;

    /// <summary>
    /// Rows that the batch has room for: a column of W words in a record takes W times as many words there.
    /// </summary>
    public int Pitch;

    /// <summary>Words of a record.</summary>
    public int Words;

    /// <summary>Words from record to record.</summary>
    public int Stride;
}

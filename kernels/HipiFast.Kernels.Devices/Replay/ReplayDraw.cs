using System.Runtime.InteropServices;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.Devices.Replay;

/// <summary>Scalars of <see cref="DeviceKernelNames.ReplaySample"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ReplayDraw
{
    /// <summary>Philox key.</summary>
    public ulong Seed;

    /// <summary>The slot that the next transition goes to.</summary>
    public long NextSlot;

    /// <summary>Number of the transition that was, or will be, the first of the current lap around the ring.</summary>
    public long Lap;

    /// <summary>Slots.</summary>
    public long Capacity;

    /// <summary>Third counter word.</summary>
    public uint Call;

    /// <summary>Fourth counter word, a <see cref="RandomPurpose"/>.</summary>
    public uint Purpose;

    /// <summary>Live transitions: slots [0, Bound) are drawn from.</summary>
    public uint Bound;

    /// <summary>Draws.</summary>
    public int Rows;
}

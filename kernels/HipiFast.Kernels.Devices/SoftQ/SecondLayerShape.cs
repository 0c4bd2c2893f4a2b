using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Devices.SoftQ;

/// <summary>Scalars of the kernel that packs a network's second layer in bf16.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SecondLayerShape
{
    /// <summary>Where W2 begins in the network.</summary>
    public int Weights;

    /// <summary>H rounded up, as <see cref="Networks.MlpShape.HiddenStride"/>.</summary>
    public int Stride;

    /// <summary><see cref="TensorTile.Blocks"/>.</summary>
    public int Blocks;
}

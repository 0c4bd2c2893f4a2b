using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Kernels.Native;

/// <summary>A network whose second layer the native library has packed in bf16.</summary>
/// <param name="variant">The variant that reads it.</param>
internal sealed unsafe class NativeSoftQNetwork(NativeVariant variant) : MlpSoftQNetwork
{
    private readonly NativeBuffer<byte> _memory = new(0);

    /// <summary>The packed block; 64-byte aligned.</summary>
    public void* Packed => _memory.Pointer;

    /// <summary>Scratch memory that a tile of this network needs, in floats.</summary>
    public nuint ScratchFloats { get; private set; }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _memory.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override void Pack(MlpParameters parameters)
    {
        MlpShape shape = parameters.Shape;
        ScratchFloats = (nuint)NativeMicroKernel.ScratchFloats(variant, shape);
        nuint bytes;
        NativeMethods.Check(NativeMethods.GetNetworkBytes(
            variant.Number, shape.Hidden, shape.Outputs, &bytes), "sizing of a packed network");
        _memory.EnsureLength((long)bytes);
        float* values = parameters.Pointer;
        NativeStatus status = NativeMethods.PackNetwork(
            variant.Number,
            shape.Hidden,
            shape.Outputs,
            values + shape.Weight2,
            values + shape.Bias2,
            values + shape.Weight3,
            shape.OutputStride,
            values + shape.Bias3,
            _memory.Pointer,
            (nuint)_memory.Length);
        NativeMethods.Check(status, "packing of a network");
        GC.KeepAlive(parameters);
    }
}

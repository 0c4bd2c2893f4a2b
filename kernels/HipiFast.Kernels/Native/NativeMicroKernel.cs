using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Kernels.Native;

/// <summary>
/// Soft-Q tiles of the native library: products of bf16 operands, sums in fp32. See native/include/hipifast/kernels.h.
/// </summary>
/// <remarks>An actor's last layer stays in fp32: log-probabilities feel its errors most.</remarks>
/// <param name="variant">A variant that can run here.</param>
/// <param name="speed">How many times as fast as fp32 its multiply-adds are, roughly.</param>
internal sealed unsafe class NativeMicroKernel(NativeVariant variant, double speed) : MlpMicroKernel
{
    /// <inheritdoc/>
    public override string Name => variant.Name;

    /// <inheritdoc/>
    public override int TileVectors { get; } = variant.TileVectors;

    /// <inheritdoc/>
    public override double Speed { get; } = speed;

    /// <inheritdoc/>
    public override MlpSoftQNetwork CreateNetwork() => new NativeSoftQNetwork(variant);

    /// <inheritdoc/>
    public override long ScratchFloats(MlpShape shape) => ScratchFloats(variant, shape);

    /// <inheritdoc/>
    public override void ArrangeLanes(float* share, int firstStride) =>
        NativeMethods.Check(
            NativeMethods.ArrangeLanes(variant.Number, share, firstStride), "arrangement of a lane block");

    /// <inheritdoc/>
    public override void Values(
        SoftQNetwork critic, PairVector* pairs, int vectors, in ActionShare action, float* scratch, float* values)
    {
        NativeSoftQNetwork network = (NativeSoftQNetwork)critic;
        NativeActionShare share = new()
        {
            Action = action.Action,
            Weights = action.Weights,
            Count = action.Count,
            ActionStride = TileVectors * MlpShape.LaneCount,
        };
        NativeStatus status = NativeMethods.SoftQValues(
            network.Packed, pairs, vectors, action.Action == null ? null : &share, scratch, network.ScratchFloats,
            values);
        NativeMethods.Check(status, "soft-Q tile");
    }

    /// <inheritdoc/>
    public override void Head(SoftQNetwork network, PairVector* pairs, int vectors, float* scratch, float* head)
    {
        NativeSoftQNetwork actor = (NativeSoftQNetwork)network;
        NativeStatus status = NativeMethods.SoftQHead(
            actor.Packed, pairs, vectors, scratch, actor.ScratchFloats, head, TileVectors * MlpShape.LaneCount);
        NativeMethods.Check(status, "actor tile");
    }

    /// <summary>Scratch memory that a tile needs, in floats, whatever part of the inputs the action is.</summary>
    internal static long ScratchFloats(NativeVariant variant, MlpShape shape)
    {
        nuint floats;
        NativeMethods.Check(
            NativeMethods.GetScratchFloats(
                variant.Number, shape.Hidden, Math.Min(shape.Inputs, NativeMethods.MaxActions), &floats),
            "sizing of a soft-Q tile");
        return (long)floats;
    }
}

using System.Runtime.Intrinsics;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// One vector of 16 pairs: a block of 16 entries of one side (lanes) against one entry of the other (broadcast), as
/// their shares of the first layer.
/// </summary>
/// <param name="broadcast"><c>[FirstStride]</c>: the broadcast entry's share.</param>
/// <param name="lanes">
/// The lane block's part, <c>[FirstStride][16]</c> as <see cref="SoftQMicroKernel.ArrangeLanes"/> left it.
/// </param>
internal readonly unsafe struct PairVector(float* broadcast, float* lanes)
{
    public readonly float* Broadcast = broadcast;
    public readonly float* Lanes = lanes;
}

/// <summary>
/// What a first layer receives from actions that differ from pair to pair (the Bellman estimator's), besides the two
/// shares.
/// </summary>
/// <param name="action">
/// <c>[count]</c> rows of one value per pair of the tile, 16 <see cref="SoftQMicroKernel.TileVectors"/> floats apart;
/// null for none.
/// </param>
/// <param name="count">A.</param>
/// <param name="weights">Rows of W1 that read the action, <c>[count][FirstStride]</c>.</param>
internal readonly unsafe struct ActionShare(float* action, int count, float* weights)
{
    public readonly float* Action = action;
    public readonly int Count = count;
    public readonly float* Weights = weights;
}

/// <summary>
/// The leaves of the soft-Q kernel: all work that is done per pair and hidden unit, on tiles of a few vectors of 16
/// pairs. One object serves all threads.
/// </summary>
/// <remarks>
/// Every implementation sums a pair in an order that does not depend on the tile or the vector it is in. Results of
/// different implementations differ by their rounding.
/// </remarks>
internal abstract unsafe class SoftQMicroKernel
{
    /// <summary>Name for tests and reports.</summary>
    public abstract string Name { get; }

    /// <summary>Most vectors of 16 pairs in a tile.</summary>
    public abstract int TileVectors { get; }

    /// <summary>
    /// How many times as fast as fp32 its multiply-adds are, roughly: scales how much work justifies another thread.
    /// </summary>
    public virtual double Speed => 1;

    /// <summary>The managed implementation for a kind of vector.</summary>
    /// <param name="kind">Kind of vector; any of them runs anywhere, if slowly.</param>
    /// <returns>A micro-kernel.</returns>
    public static PanelMicroKernel For(VectorKind kind) => kind switch
    {
        VectorKind.Vector512 => new SoftQMicroKernel512(),
        VectorKind.Vector256 => new SoftQMicroKernelNarrow<Simd256, Vector256<float>>(),
        _ => new SoftQMicroKernelNarrow<SimdPortable, System.Numerics.Vector<float>>(),
    };

    /// <summary>Scratch memory that a tile needs.</summary>
    /// <param name="network">The network.</param>
    /// <returns>Floats.</returns>
    public abstract long ScratchFloats(SoftQNetwork network);

    /// <summary>
    /// Brings one lane block's part into the order in which this kernel reads it; by default it stays as it is.
    /// </summary>
    /// <param name="share"><c>[firstStride][16]</c>, rearranged in place.</param>
    /// <param name="firstStride">Units of the first layer rounded up to 16.</param>
    public virtual void ArrangeLanes(float* share, int firstStride)
    {
    }

    /// <summary>
    /// Value of each pair under a critic: its layers after the first, of the first layer's sums <c>broadcast + lanes +
    /// action share</c>.
    /// </summary>
    /// <param name="critic">The network, one output.</param>
    /// <param name="pairs">The tile's vectors.</param>
    /// <param name="vectors">How many, 1 to <see cref="TileVectors"/>.</param>
    /// <param name="action">Share of per-pair actions.</param>
    /// <param name="scratch">Scratch memory, 64-byte aligned.</param>
    /// <param name="values">Result <c>[16 vectors]</c>.</param>
    public abstract void Values(
        SoftQNetwork critic, PairVector* pairs, int vectors, in ActionShare action, float* scratch, float* values);

    /// <summary>Outputs of a network of several (an actor, a critic of discrete actions) for each pair.</summary>
    /// <param name="network">The network.</param>
    /// <param name="pairs">The tile's vectors.</param>
    /// <param name="vectors">How many, 1 to <see cref="TileVectors"/>.</param>
    /// <param name="scratch">Scratch memory, 64-byte aligned.</param>
    /// <param name="head">Result: outputs rounded up to 16 rows, 16 <see cref="TileVectors"/> floats apart.</param>
    public abstract void Head(SoftQNetwork network, PairVector* pairs, int vectors, float* scratch, float* head);
}

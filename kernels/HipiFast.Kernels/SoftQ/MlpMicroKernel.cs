using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// A micro-kernel of networks with two hidden layers of one width, which it keeps packed in an order of its own:
/// <c>w3 . relu(W2 relu(...) + b2) + b3</c>.
/// </summary>
internal abstract class MlpMicroKernel : SoftQMicroKernel
{
    /// <summary>Makes an empty packed network of the kind that this kernel reads.</summary>
    /// <returns>The network; dispose it.</returns>
    public abstract MlpSoftQNetwork CreateNetwork();

    /// <inheritdoc/>
    public sealed override long ScratchFloats(SoftQNetwork network) => ScratchFloats(((MlpSoftQNetwork)network).Shape);

    /// <summary>Scratch memory that a tile needs.</summary>
    /// <param name="shape">Shape of the network.</param>
    /// <returns>Floats.</returns>
    public abstract long ScratchFloats(MlpShape shape);
}

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// A network in the form that a <see cref="SoftQMicroKernel"/> reads. Its first layer is known to all: transitions and
/// tasks have a share in it each, <c>W1 [s, a, psi] = W_sa [s, a] + W_psi psi</c>.
/// </summary>
internal abstract unsafe class SoftQNetwork : IDisposable
{
    /// <summary>W1, <c>[inputs][FirstStride]</c>.</summary>
    public abstract float* Weight1 { get; }

    /// <summary>b1, <c>[FirstStride]</c>.</summary>
    public abstract float* Bias1 { get; }

    /// <summary>Units of the first layer rounded up to 16; the padding of <see cref="Weight1"/> and b1 is 0.</summary>
    public abstract int FirstStride { get; }

    /// <summary>Width of the output.</summary>
    public abstract int Outputs { get; }

    /// <inheritdoc/>
    public abstract void Dispose();
}

using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// A copy of a network in the form that a <see cref="SoftQMicroKernel"/> reads, kept until another network or version
/// comes along.
/// </summary>
internal abstract unsafe class SoftQNetwork : IDisposable
{
    private MlpParameters? _parameters;
    private long _version;

    /// <summary>
    /// The network of which this is a copy. Its first layer, biases and last layer are read in place.
    /// </summary>
    public MlpParameters Parameters => _parameters!;

    /// <summary>Shape of the network.</summary>
    public MlpShape Shape => Parameters.Shape;

    /// <summary>W1 as it is stored, <c>[Inputs][HiddenStride]</c>.</summary>
    public float* Weight1 => Parameters.Pointer + Shape.Weight1;

    /// <summary>b1, <c>[HiddenStride]</c>.</summary>
    public float* Bias1 => Parameters.Pointer + Shape.Bias1;

    /// <summary>b2, <c>[HiddenStride]</c>.</summary>
    public float* Bias2 => Parameters.Pointer + Shape.Bias2;

    /// <summary>W3 as it is stored: <c>[HiddenStride]</c> for a single output.</summary>
    public float* Weight3 => Parameters.Pointer + Shape.Weight3;

    /// <summary>b3, <c>[Outputs]</c> padded to 16.</summary>
    public float* Bias3 => Parameters.Pointer + Shape.Bias3;

    /// <summary>Copies a network unless this is its copy already.</summary>
    /// <param name="parameters">The network.</param>
    public void Update(MlpParameters parameters)
    {
        if (ReferenceEquals(parameters, _parameters) && parameters.Version == _version)
        {
            return;
        }

        // Should packing fail, nothing half-packed counts as a copy.
        _parameters = null;
        Pack(parameters);
        _parameters = parameters;
        _version = parameters.Version;
    }

    /// <inheritdoc/>
    public virtual void Dispose() => _parameters = null;

    /// <summary>Copies what the kernel reads in an order of its own.</summary>
    protected abstract void Pack(MlpParameters parameters);
}

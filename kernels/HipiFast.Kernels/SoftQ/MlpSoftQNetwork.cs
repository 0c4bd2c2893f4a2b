using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// A copy of a network with two hidden layers of one width in the form that a <see cref="MlpMicroKernel"/> reads, kept
/// until another network or version comes along.
/// </summary>
internal abstract unsafe class MlpSoftQNetwork : SoftQNetwork
{
    private MlpParameters? _parameters;
    private long _version;

    /// <summary>
    /// The network of which this is a copy. Its first layer, biases and last layer are read in place.
    /// </summary>
    public MlpParameters Parameters => _parameters!;

    /// <summary>Shape of the network.</summary>
    public MlpShape Shape => Parameters.Shape;

    /// <inheritdoc/>
    public sealed override float* Weight1 => Parameters.Pointer + Shape.Weight1;

    /// <inheritdoc/>
    public sealed override float* Bias1 => Parameters.Pointer + Shape.Bias1;

    /// <inheritdoc/>
    public sealed override int FirstStride => Shape.HiddenStride;

    /// <inheritdoc/>
    public sealed override int Outputs => Shape.Outputs;

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
    public override void Dispose() => _parameters = null;

    /// <summary>Copies what the kernel reads in an order of its own.</summary>
    protected abstract void Pack(MlpParameters parameters);
}

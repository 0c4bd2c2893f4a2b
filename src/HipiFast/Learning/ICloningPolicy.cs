using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Networks;

namespace HipiFast.Learning;

/// <summary>
/// The network of behavior cloning with its optimiser: what <see cref="BehaviorCloning"/> fits. Inputs and outputs are normalised numbers; what they
/// mean is not its business. One object serves one thread at a time.
/// </summary>
public interface ICloningPolicy : IDisposable
{
    /// <summary>Shape of the network: S + P inputs, A outputs.</summary>
    MlpShape Shape { get; }

    /// <summary>One Adam step down the mean over rows and outputs of the squared error.</summary>
    /// <param name="input"><c>[rows, Inputs]</c>, rows 1 or more and not above the capacity the policy was made for.</param>
    /// <param name="target"><c>[rows, Outputs]</c>.</param>
    /// <returns>The mean squared error before the step.</returns>
    double Step(in MatrixView input, in MatrixView target);

    /// <summary>The network's outputs.</summary>
    /// <param name="input"><c>[rows, Inputs]</c>, rows as for <see cref="Step"/>.</param>
    /// <param name="output">Result <c>[rows, Outputs]</c>.</param>
    void Predict(in MatrixView input, in MatrixView output);

    /// <summary>Copies the parameters out.</summary>
    /// <param name="parameters">Receives them; of the same shape.</param>
    void Export(MlpParameters parameters);

    /// <summary>Copies parameters in; the optimiser's moments stay.</summary>
    /// <param name="parameters">Where from; of the same shape.</param>
    void Import(MlpParameters parameters);
}

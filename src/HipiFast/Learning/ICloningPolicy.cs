using HipiFast.Kernels.Dense;
using HipiFast.Storage;

namespace HipiFast.Learning;

/// <summary>
/// The network of behavior cloning with its optimiser: what <see cref="BehaviorCloning"/> fits. Inputs and outputs are
/// normalised numbers; what they mean is not its business. One object serves one thread at a time.
/// </summary>
public interface ICloningPolicy : IDisposable
{
    /// <summary>One Adam step down the mean over rows and outputs of the squared error.</summary>
    /// <param name="input">
    /// <c>[rows, inputs]</c>, rows 1 or more and not above the capacity the policy was made for.
    /// </param>
    /// <param name="target"><c>[rows, outputs]</c>.</param>
    /// <returns>The mean squared error before the step.</returns>
    double Step(in MatrixView input, in MatrixView target);

    /// <summary>The network's outputs.</summary>
    /// <param name="input"><c>[rows, inputs]</c>, rows as for <see cref="Step"/>.</param>
    /// <param name="output">Result <c>[rows, outputs]</c>.</param>
    void Predict(in MatrixView input, in MatrixView output);

    /// <summary>Remembers the parameters as they are, in place of those remembered before.</summary>
    void Keep();

    /// <summary>
    /// Goes back to the parameters remembered by <see cref="Keep"/>, which was called before; the optimiser's moments
    /// stay.
    /// </summary>
    void Restore();

    /// <summary>Adds copies of the parameters to a file.</summary>
    /// <param name="writer">The file.</param>
    /// <param name="name">Put before every tensor's name, with a dot.</param>
    void AddTo(SafetensorsWriter writer, string name);
}

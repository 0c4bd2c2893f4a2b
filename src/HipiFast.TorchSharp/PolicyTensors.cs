using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp;

/// <summary>
/// The tanh-squashed Gaussian in torch operations; <see cref="Kernels.Dense.TanhGaussian"/> has the formulas.
/// </summary>
internal static class PolicyTensors
{
    /// <summary>Actions of an actor's outputs and noise, and their log-probabilities.</summary>
    /// <param name="output">Means, then log standard deviations, <c>[rows, 2 A]</c>.</param>
    /// <param name="actions">A.</param>
    /// <param name="noise">z, <c>[rows, A]</c>.</param>
    /// <param name="noiseTerm">
    /// The part of the log-probability that z alone decides (<see cref="SacInputs.NoiseTerm"/>), <c>[rows]</c>.
    /// </param>
    /// <returns>Actions <c>[rows, A]</c>, log-probabilities <c>[rows]</c>.</returns>
    public static (
        Tensor Action, Tensor LogProbability) Sample(Tensor output, int actions, Tensor noise, Tensor noiseTerm)
    {
        Tensor logStd = output.narrow(1, actions, actions).clamp(Scalars.MinLogStd, Scalars.MaxLogStd);
        Tensor x = output.narrow(1, 0, actions).addcmul(logStd.exp(), noise, Scalars.One);

        // log(1 - tanh(x)^2) = log 4 - 2 x + 2 log sigmoid(2 x), finite for every x.
        Tensor doubled = x.mul(Scalars.Two);
        Tensor terms = doubled.sub(logStd).add(doubled.log_sigmoid(), Scalars.MinusTwo);
        return (x.tanh(), terms.sum(1).add(noiseTerm));
    }

    /// <summary>Mean actions.</summary>
    /// <param name="output">Means, then log standard deviations, <c>[rows, 2 A]</c>.</param>
    /// <param name="actions">A.</param>
    /// <returns><c>[rows, A]</c>.</returns>
    public static Tensor Mean(Tensor output, int actions) => output.narrow(1, 0, actions).tanh();
}

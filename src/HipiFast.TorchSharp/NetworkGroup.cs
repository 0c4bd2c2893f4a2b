using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp;

/// <summary>C networks of one shape that are evaluated on one input and trained together.</summary>
internal abstract class NetworkGroup(ParameterBlock parameters) : IDisposable
{
    private readonly Tensor[] _loss = new Tensor[1];

    /// <summary>Parameters, gradient and moments.</summary>
    public ParameterBlock Parameters { get; } = parameters;

    /// <summary>C.</summary>
    public int Count => Parameters.Count;

    /// <summary>What a backward pass differentiates by; empty for networks that are not trained.</summary>
    protected abstract Tensor[] Leaves { get; }

    /// <summary>Evaluates the networks.</summary>
    /// <param name="input"><c>[rows, inputs]</c>.</param>
    /// <param name="trains">
    /// Whether <see cref="Differentiate"/> is to follow; needs no graph of the parameters otherwise.
    /// </param>
    /// <returns><c>[rows, outputs]</c> of one network; <c>[C, rows, outputs]</c> of several.</returns>
    public abstract Tensor Forward(Tensor input, bool trains);

    /// <summary>Overwrites the flat gradient with that of a loss. The loss's graph is gone after.</summary>
    /// <param name="loss">One number.</param>
    /// <remarks>
    /// Gradients are asked for, not accumulated into <c>Tensor.grad</c>: torch then computes those of no other leaf on
    /// the way, and keeps nothing.
    /// </remarks>
    public void Differentiate(Tensor loss)
    {
        _loss[0] = loss;
        IList<Tensor> gradients = autograd.grad(_loss, Leaves, allow_unused: true);
        for (int leaf = 0; leaf < gradients.Count; leaf++)
        {
            Store(leaf, gradients[leaf]);
        }
    }

    /// <summary>
    /// Sends two rows through each network, which tells at once what would else come as torch's error in the middle of
    /// the first update.
    /// </summary>
    /// <param name="what">What the networks are, for messages.</param>
    /// <param name="inputs">Columns that they must take.</param>
    /// <param name="outputs">Columns that they must give.</param>
    /// <param name="device">Where they compute.</param>
    /// <exception cref="ArgumentException">They do not.</exception>
    public void CheckOutputs(string what, long inputs, long outputs, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        long[] expected = Count == 1 ? [2, outputs] : [Count, 2, outputs], found;
        try
        {
            found = Forward(zeros(2, inputs, ScalarType.Float32, device), trains: false).shape;
        }
        catch (System.Runtime.InteropServices.ExternalException error)
        {
            throw new ArgumentException(
                $"The {what} module does not take {inputs} inputs: {error.Message.Split('\n')[0]}", error);
        }

        if (!found.AsSpan().SequenceEqual(expected))
        {
            throw new ArgumentException(
                $"The {what} module gives [{string.Join(", ", found[^Math.Min(2, found.Length)..])}] for two rows; "
                + $"expected [2, {outputs}].");
        }
    }

    /// <inheritdoc/>
    public virtual void Dispose() => Parameters.Dispose();

    /// <summary>Writes one leaf's gradient to its place in the flat gradient.</summary>
    /// <param name="leaf">Index into <see cref="Leaves"/>.</param>
    /// <param name="gradient">
    /// The gradient; invalid where the loss does not depend on the leaf, which means zero.
    /// </param>
    protected abstract void Store(int leaf, Tensor gradient);
}

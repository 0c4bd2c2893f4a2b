using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.Dense;

/// <summary>Forward, backward and optimiser steps of whole networks: one call per network, not per layer.</summary>
/// <remarks>
/// Implementations keep no state between calls: what a pass needs beyond its operands lies in its
/// <see cref="MlpActivations"/>, so calls that write to different memory may run on different threads at once. A call
/// runs on the calling thread, allocates nothing, and gives the same bits every time. NaN and infinite values travel
/// through as IEEE arithmetic has it; nothing is checked for them here.
/// </remarks>
public interface IDenseKernel
{
    /// <summary>
    /// <c>y = W3 relu(W2 relu(W1 x + b1) + b2) + b3</c> for every row x; keeps the hidden activations for
    /// <see cref="Backward"/>.
    /// </summary>
    /// <param name="network">Parameters.</param>
    /// <param name="input">
    /// x, <c>[batch, Inputs]</c>; batch 1 or more and not above the capacity of <paramref name="activations"/>.
    /// </param>
    /// <param name="activations">
    /// Receives, in its first batch rows, both hidden layers and the output; their padding columns become zero.
    /// </param>
    /// <exception cref="ArgumentException">A shape disagrees or the batch does not fit.</exception>
    void Forward(MlpParameters network, in MatrixView input, MlpActivations activations);

    /// <summary>Gradients of a loss L through a forward pass.</summary>
    /// <param name="network">Parameters used in the forward pass, unchanged since.</param>
    /// <param name="input">The same input, unchanged since.</param>
    /// <param name="activations">
    /// Activations of the forward pass, with dL/dy in the first batch rows of
    /// <see cref="MlpActivations.OutputGradient"/>; its hidden gradients are overwritten.
    /// </param>
    /// <param name="gradient">
    /// Receives dL/d(parameters), summed over the batch, in the layout of <see cref="MlpShape"/> (overwritten, padding
    /// zero); empty when not wanted.
    /// </param>
    /// <param name="inputGradient">
    /// Receives columns [<paramref name="firstInput"/>, firstInput + Columns) of dL/dx, <c>[batch, Columns]</c>;
    /// default when not wanted. A row whose dL/dy is zero is zero.
    /// </param>
    /// <param name="firstInput">First input column wanted in <paramref name="inputGradient"/>.</param>
    /// <exception cref="ArgumentException">A shape disagrees or the batch does not fit.</exception>
    void Backward(
        MlpParameters network, in MatrixView input, MlpActivations activations, Span<float> gradient,
        in MatrixView inputGradient, int firstInput);

    /// <summary>
    /// Updates parameters and both moments, and a target that follows the parameters (<c>target += tau (p - target)</c>
    /// with the new p), in one pass; a zero gradient with zero moments leaves a parameter as it is.
    /// </summary>
    /// <param name="step">Options and step number.</param>
    /// <param name="gradient">g before scaling, <c>[n]</c>.</param>
    /// <param name="parameters"><c>[n]</c>, updated. Whoever owns them marks them as changed.</param>
    /// <param name="firstMoment">m, <c>[n]</c>, updated.</param>
    /// <param name="secondMoment">v, <c>[n]</c>, updated.</param>
    /// <param name="target">
    /// <c>[n]</c>, updated with tau = <see cref="AdamStep.TargetUpdateRate"/>; empty when there is none.
    /// </param>
    /// <exception cref="ArgumentException">The lengths differ or the step number is below 1.</exception>
    void Adam(
        in AdamStep step, ReadOnlySpan<float> gradient, Span<float> parameters, Span<float> firstMoment,
        Span<float> secondMoment,
            Span<float> target);

    /// <summary>sum += other, element by element: joins the gradients of two parts of a batch.</summary>
    /// <param name="other"><c>[n]</c>.</param>
    /// <param name="sum"><c>[n]</c>, updated.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    void Add(ReadOnlySpan<float> other, Span<float> sum);

    /// <summary>Sum of squares, for clipping a gradient by its norm.</summary>
    /// <param name="values"><c>[n]</c>.</param>
    /// <returns>The sum, 0 for n = 0.</returns>
    double SquaredNorm(ReadOnlySpan<float> values);

    /// <summary>Samples an action for every row of the actor's outputs and computes its log-probability.</summary>
    /// <param name="actorOutput">Means, then log standard deviations, <c>[rows][2 A or more]</c>.</param>
    /// <param name="sample">Receives rows [firstRow, firstRow + rows).</param>
    /// <param name="firstRow">
    /// Row of the batch that the first row of <paramref name="actorOutput"/> is; a multiple of 16, so that parts of a
    /// batch never share a vector and may run on different threads.
    /// </param>
    /// <param name="noise">Where z comes from.</param>
    /// <exception cref="ArgumentException">The rows do not lie in the sample, or there are too few columns.</exception>
    /// <remarks>
    /// A row's bits depend on nothing but its own outputs and counters. NaN in a mean gives NaN; infinite means
    /// saturate to an action of ±1, whose log-probability is not finite.
    /// </remarks>
    void SampleActions(in MatrixView actorOutput, PolicySample sample, int firstRow, ActionNoise noise);

    /// <summary>The mean action tanh(mean) of every row; only <see cref="PolicySample.Action"/> is written.</summary>
    /// <param name="actorOutput">Means, then log standard deviations, <c>[rows][2 A or more]</c>.</param>
    /// <param name="sample">Receives rows [0, rows).</param>
    /// <exception cref="ArgumentException">The rows do not lie in the sample, or there are too few columns.</exception>
    void MeanActions(in MatrixView actorOutput, PolicySample sample);
}

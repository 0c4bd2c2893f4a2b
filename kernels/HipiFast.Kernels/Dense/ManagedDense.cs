using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.Dense;

/// <summary>The dense kernels in C#, over one kind of vector.</summary>
internal sealed unsafe class ManagedDense<TSimd, TVector> : IDenseKernel
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    /// <inheritdoc/>
    public void Forward(MlpParameters network, in MatrixView input, MlpActivations activations)
    {
        Check(network, input, activations);
        DenseNetwork<TSimd, TVector>.Forward(network.Pointer, network.Shape, input, activations);
        GC.KeepAlive(network);
        GC.KeepAlive(activations);
    }

    /// <inheritdoc/>
    public void Backward(
        MlpParameters network, in MatrixView input, MlpActivations activations, Span<float> gradient,
        in MatrixView inputGradient, int firstInput)
    {
        Check(network, input, activations);
        MlpShape shape = network.Shape;
        if (!gradient.IsEmpty && gradient.Length != shape.Length)
        {
            throw new ArgumentException(
                $"The gradient has {gradient.Length} floats; the network has {shape.Length}.", nameof(gradient));
        }

        if (inputGradient.Rows != 0
            && (inputGradient.Rows != input.Rows || firstInput < 0 || inputGradient.Columns > shape.Inputs - firstInput
                || inputGradient.Stride < inputGradient.Columns))
        {
            throw new ArgumentException(
                $"The input gradient is {inputGradient.Rows} x {inputGradient.Columns} from column {firstInput}; "
                + $"the input is {input.Rows} x {shape.Inputs}.",
                nameof(inputGradient));
        }

        fixed (float* g = gradient)
        {
            DenseNetwork<TSimd, TVector>.Backward(
                network.Pointer, shape, input, activations, g, inputGradient, firstInput);
        }

        GC.KeepAlive(network);
        GC.KeepAlive(activations);
    }

    /// <inheritdoc/>
    public void Adam(
        in AdamStep step, ReadOnlySpan<float> gradient, Span<float> parameters, Span<float> firstMoment,
        Span<float> secondMoment, Span<float> target)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step.Step, 1, nameof(step));
        CheckLength(gradient.Length, parameters.Length, nameof(parameters));
        CheckLength(gradient.Length, firstMoment.Length, nameof(firstMoment));
        CheckLength(gradient.Length, secondMoment.Length, nameof(secondMoment));
        if (!target.IsEmpty)
        {
            CheckLength(gradient.Length, target.Length, nameof(target));
        }

        fixed (float* g = gradient, p = parameters, m = firstMoment, v = secondMoment, t = target)
        {
            DenseNetwork<TSimd, TVector>.Adam(step, g, p, m, v, t, gradient.Length);
        }
    }

    /// <inheritdoc/>
    public void Add(ReadOnlySpan<float> other, Span<float> sum)
    {
        CheckLength(other.Length, sum.Length, nameof(sum));
        fixed (float* o = other, s = sum)
        {
            DenseNetwork<TSimd, TVector>.Add(o, s, other.Length);
        }
    }

    /// <inheritdoc/>
    public double SquaredNorm(ReadOnlySpan<float> values)
    {
        fixed (float* x = values)
        {
            return DenseNetwork<TSimd, TVector>.SquaredNorm(x, values.Length);
        }
    }

    /// <inheritdoc/>
    public void SampleActions(in MatrixView actorOutput, PolicySample sample, int firstRow, ActionNoise noise)
    {
        Check(actorOutput, sample, firstRow);
        PolicySampling<TSimd, TVector>.Draw(actorOutput, sample, firstRow, noise);
        GC.KeepAlive(sample);
    }

    /// <inheritdoc/>
    public void MeanActions(in MatrixView actorOutput, PolicySample sample)
    {
        Check(actorOutput, sample, 0);
        PolicySampling<TSimd, TVector>.TakeMean(actorOutput, sample);
        GC.KeepAlive(sample);
    }

    private static void Check(in MatrixView actorOutput, PolicySample sample, int firstRow)
    {
        if (firstRow < 0 || firstRow % MlpShape.LaneCount != 0 || firstRow > sample.Capacity - actorOutput.Rows)
        {
            throw new ArgumentException(
                $"Rows {firstRow} to {firstRow + actorOutput.Rows} do not lie in a sample of {sample.Capacity} rows, "
                + "or the first is no multiple of "
                    + $"{MlpShape.LaneCount}.",
                nameof(firstRow));
        }

        if (actorOutput.Columns < 2 * sample.ActionDimension)
        {
            throw new ArgumentException(
                $"The actor's output has {actorOutput.Columns} columns; actions of {sample.ActionDimension} need "
                + $"{2 * sample.ActionDimension}.",
                nameof(actorOutput));
        }
    }

    private static void Check(MlpParameters network, in MatrixView input, MlpActivations activations)
    {
        network.ThrowIfDisposed();
        if (input.Columns != network.Shape.Inputs || input.Stride < input.Columns)
        {
            throw new ArgumentException(
                $"The input has {input.Columns} columns; the network takes {network.Shape.Inputs}.", nameof(input));
        }

        if (activations.Shape != network.Shape || input.Rows < 1 || input.Rows > activations.Capacity)
        {
            throw new ArgumentException(
                $"Activations for {activations.Capacity} rows of {activations.Shape} do not serve {input.Rows} rows of "
                + $"{network.Shape}.",
                nameof(activations));
        }
    }

    private static void CheckLength(int expected, int found, string name)
    {
        if (expected != found)
        {
            throw new ArgumentException($"{name} has {found} floats; expected {expected}.", name);
        }
    }
}

using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.Networks;

/// <summary>
/// Shape and memory layout of a network with two hidden ReLU layers of equal width:
/// <c>y = W3 relu(W2 relu(W1 x + b1) + b2) + b3</c>.
/// </summary>
/// <remarks>
/// All parameters live in one flat block, so that an optimiser step is one pass over memory. Weights are stored
/// input-major, <c>[in][out]</c> (the transpose of PyTorch's <c>[out, in]</c>), which is the order in which the kernels
/// read them. Rows are padded with zeros to a multiple of 16 floats (<see cref="HiddenStride"/>,
/// <see cref="OutputStride"/>); a padded unit outputs relu(0) = 0 and receives a zero gradient, so padding stays zero
/// through training and never changes a result.
/// </remarks>
/// <param name="Inputs">Width of the input, 1 or more.</param>
/// <param name="Hidden">Width H of both hidden layers, 1 or more.</param>
/// <param name="Outputs">Width of the output, 1 or more (1 for a critic, 2 dim(A) for an actor).</param>
public readonly record struct MlpShape(int Inputs, int Hidden, int Outputs)
{
    /// <summary>Floats in one AVX-512 vector: the unit of padding.</summary>
    public const int LaneCount = VectorKinds.WidestLanes;

    /// <summary>H rounded up to a multiple of 16: rows of W1 and W2, columns of W2, rows of W3.</summary>
    public int HiddenStride => RoundUp(Hidden);

    /// <summary>
    /// Floats between rows of W3: 1 for a single output (W3 is then a plain vector), otherwise <see cref="Outputs"/>
    /// rounded up to 16.
    /// </summary>
    public int OutputStride => Outputs == 1 ? 1 : RoundUp(Outputs);

    /// <summary>Offset of W1, <c>[Inputs][HiddenStride]</c>.</summary>
    public int Weight1 => 0;

    /// <summary>Offset of b1, <c>[HiddenStride]</c>.</summary>
    public int Bias1 => Inputs * HiddenStride;

    /// <summary>Offset of W2, <c>[HiddenStride][HiddenStride]</c>.</summary>
    public int Weight2 => Bias1 + HiddenStride;

    /// <summary>Offset of b2, <c>[HiddenStride]</c>.</summary>
    public int Bias2 => Weight2 + (HiddenStride * HiddenStride);

    /// <summary>Offset of W3, <c>[HiddenStride][OutputStride]</c>.</summary>
    public int Weight3 => Bias2 + HiddenStride;

    /// <summary>Offset of b3, <c>[Outputs]</c> padded to 16.</summary>
    public int Bias3 => Weight3 + (HiddenStride * OutputStride);

    /// <summary>Floats in the whole block, padding included; a multiple of 16.</summary>
    public int Length => Bias3 + RoundUp(Outputs);

    /// <summary>Rounds <paramref name="count"/> up to a multiple of <see cref="LaneCount"/>.</summary>
    /// <param name="count">0 or more.</param>
    /// <returns>The smallest multiple of 16 that is not below <paramref name="count"/>.</returns>
    public static int RoundUp(int count) => checked(count + LaneCount - 1) / LaneCount * LaneCount;

    /// <summary>Throws when a width is below 1 or the block would not fit in 2^31 floats.</summary>
    /// <exception cref="ArgumentException">One sentence naming the width.</exception>
    public void Validate()
    {
        if (Inputs < 1 || Hidden < 1 || Outputs < 1)
        {
            throw new ArgumentException(
                $"A network needs at least one input, hidden unit and output; found {Inputs}, {Hidden} and {Outputs}.");
        }

        long hidden = RoundUp(Hidden);
        if (((Inputs + hidden + RoundUp(Outputs) + 2) * hidden) + RoundUp(Outputs) > int.MaxValue)
        {
            throw new ArgumentException(
                $"A network of {Inputs} inputs, {Hidden} hidden units and {Outputs} outputs is too large.");
        }
    }
}

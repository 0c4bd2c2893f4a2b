using HipiFast.Kernels.Conformance.Data;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.Conformance.Dense;

/// <summary>
/// Nothing is touched outside the memory that a caller gives. What the library owns (parameters, activations) is
/// padded, and not tested here.
/// </summary>
public abstract unsafe partial class DenseContract
{
    public static TheoryData<int, int, int, int> GuardedShapes => new()
    {
        { 1, 1, 1, 1 }, { 3, 16, 1, 5 }, { 7, 33, 6, 13 }, { 17, 20, 2, 32 }, { 13, 64, 14, 3 },
    };

    [Theory]
    [MemberData(nameof(GuardedShapes))]
    public void NothingIsReadOrWrittenOutsideTheMatrices(int inputs, int hidden, int outputs, int batch)
    {
        using Problem problem = new(new MlpShape(inputs, hidden, outputs), batch);
        float[] expected = new float[problem.Network.Shape.Length];
        Kernel.Forward(problem.Network, problem.Input, problem.Activations);
        Kernel.Backward(problem.Network, problem.Input, problem.Activations, expected, problem.InputGradient, 0);
        float[] packed = new float[batch * inputs], expectedInput = new float[batch * inputs];
        for (int row = 0; row < batch; row++)
        {
            new Span<float>(problem.Input.Row(row), inputs).CopyTo(packed.AsSpan(row * inputs));
            new Span<float>(problem.InputGradient.Row(row), inputs).CopyTo(expectedInput.AsSpan(row * inputs));
        }

        foreach (GuardSide side in Enum.GetValues<GuardSide>())
        {
            using GuardedFloats input = new(packed, side), gradient = new(expected.Length, side),
                inputGradient = new(packed.Length, side);
            MatrixView x = View(input), dx = View(inputGradient);
            Kernel.Forward(problem.Network, x, problem.Activations);
            Kernel.Backward(problem.Network, x, problem.Activations, gradient.Span, dx, 0);
            input.AssertSurroundingsUntouched();
            gradient.AssertSurroundingsUntouched();
            inputGradient.AssertSurroundingsUntouched();
            Kernels.Conformance.Tolerance.AssertSame(packed, input.Span, "the input, which is only read");
            Kernels.Conformance.Tolerance.AssertSame(expected, gradient.Span, "the gradient between guards");
            Kernels.Conformance.Tolerance.AssertSame(
                expectedInput, inputGradient.Span, "the input's gradient between guards");
        }

        MatrixView View(GuardedFloats floats)
        {
            fixed (float* first = floats.Span)
            {
                // Not memory that the collector moves.
                return new MatrixView((nint)first, batch, inputs, inputs);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(67)]
    [InlineData(129)]
    public void NothingIsReadOrWrittenOutsideTheVectors(int length)
    {
        AdamStep step = new(1e-2f, 3, GradientScale: 0.5f, TargetUpdateRate: 0.05f);
        foreach (GuardSide side in Enum.GetValues<GuardSide>())
        {
            using GuardedFloats gradient = new(Random(length, 1), side), parameters = new(Random(length, 2), side);
            using GuardedFloats m = new(Random(length, 3), side), v = new(
                Random(length, 4).Select(Math.Abs).ToArray(), side);
            using GuardedFloats target = new(Random(length, 5), side), sum = new(Random(length, 6), side);
            float[] expectedParameters = parameters.Span.ToArray(), expectedM = m.Span.ToArray(),
                expectedV = v.Span.ToArray();
            float[] expectedTarget = target.Span.ToArray(), expectedSum = sum.Span.ToArray(),
                before = gradient.Span.ToArray();
            Kernel.Adam(step, before, expectedParameters, expectedM, expectedV, expectedTarget);
            Kernel.Add(before, expectedSum);

            Kernel.Adam(step, gradient.Span, parameters.Span, m.Span, v.Span, target.Span);
            Kernel.Add(gradient.Span, sum.Span);
            Assert.Equal(Kernel.SquaredNorm(before), Kernel.SquaredNorm(gradient.Span));
            foreach ((GuardedFloats found, float[] expected) in ((GuardedFloats, float[])[])
            [
                (gradient, before), (parameters, expectedParameters), (m, expectedM), (v, expectedV),
                (target, expectedTarget), (sum, expectedSum),
            ])
            {
                found.AssertSurroundingsUntouched();
                Kernels.Conformance.Tolerance.AssertSame(expected, found.Span, "a vector between guards");
            }
        }
    }
}

using System.Numerics;
using System.Runtime.Intrinsics;
using HipiFast.Kernels.Conformance.Data;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Kernels.Tests.Numerics;

/// <summary>
/// The functions of one kind of vector, against <see cref="Math"/> and the scalar forms, over the domains that they
/// promise.
/// </summary>
public abstract unsafe class VectorMathContract
{
    private const ulong Seed = 0x0123_4567_89AB_CDEF;

    internal abstract VectorFunctions Functions { get; }

    [Fact]
    public void ExponentialsKeepTheirErrorOverTheWholeRange()
    {
        float[] x = [.. Steps(-87.3f, 88.36f, 0.00713f)], negative = [.. x.Where(v => v <= 0)];
        AssertRelative(x, Functions.Exp(x), v => Math.Exp(v), 2.5e-7);
        AssertRelative(negative, Functions.ExpNonPositive(negative), v => Math.Exp(v), 2.5e-7);

        float[] special = [0f, -0f, -1e-30f, -87.31f, -104, -1e4f, -3e38f, float.NegativeInfinity, float.NaN];
        float[] expected = [1, 1, 1, 0, 0, 0, 0, 0, float.NaN];
        Assert.Equal(expected, Functions.Exp(special));
        Assert.Equal(expected, Functions.ExpNonPositive(special));
        float infinity = float.PositiveInfinity;
        Assert.Equal([infinity, infinity, infinity, infinity], Functions.Exp([88.38f, 1e4f, 3e38f, infinity]));
    }

    [Fact]
    public void ExponentialsLessOneKeepTheirDigitsNearZero()
    {
        float[] x = [.. Products(1e-30f, 87.2f, 1.0173f).Select(v => -v)];
        AssertRelative(x, Functions.ExpMinusOneNonPositive(x), ExpMinusOne, 4e-7);
        float[] special = [0f, -0f, -87.31f, -1e4f, -3e38f, float.NegativeInfinity, float.NaN];
        Assert.Equal([0, 0, -1, -1, -1, -1, float.NaN], Functions.ExpMinusOneNonPositive(special));

        static double ExpMinusOne(double v) =>
            Math.Abs(v) < 1e-4 ? v + (v * v / 2) + (v * v * v / 6) : Math.Exp(v) - 1;
    }

    [Fact]
    public void HyperbolicTangentsKeepTheirDigitsNearZero()
    {
        float[] positive = [.. Products(1e-30f, 60, 1.0173f)], x = [.. positive, .. positive.Select(v => -v)];
        AssertRelative(x, Functions.Tanh(x), v => Math.Tanh(v), 8e-7);
        float infinity = float.PositiveInfinity;
        Assert.Equal([0, 1, -1, 1, -1, float.NaN], Functions.Tanh([0, 1e4f, -1e4f, infinity, -infinity, float.NaN]));
    }

    [Fact]
    public void TailsOfTheNormalDistribution()
    {
        // Phi(-2) and others from tables; the tail of |x|, whatever its sign.
        float[] x = [0, 0.5f, -0.5f, 1, 2, -2, 3, 4, 6, 20, float.NaN];
        double[] expected =
        [
            0.5, 0.30853753873, 0.30853753873, 0.15865525393, 0.02275013195, 0.02275013195, 0.00134989803,
            3.167124183e-5, 9.8658765e-10, 0, double.NaN,
        ];
        float[] found = Functions.NormalTail(x);
        for (int i = 0; i < x.Length; i++)
        {
            Assert.True(
                double.IsNaN(expected[i]) ? float.IsNaN(found[i]) : Math.Abs(found[i] - expected[i]) < 2e-7,
                $"Phi(-|{x[i]}|) is {found[i]}.");
        }
    }

    [Fact]
    public void LogarithmsKeepTheirErrorOverTheNormalRange()
    {
        float[] wide = [.. Products(1.2e-38f, 3e38f, 1.0137f)], near = [.. Steps(0.5f, 2, 0.00037f)];
        AssertRelative(wide, Functions.Log(wide), v => Math.Log(v), 3e-7);
        AssertRelative(near, Functions.Log(near), v => Math.Log(v), 3e-7);
        Assert.Equal([0, float.NaN], Functions.Log([1, float.NaN]));
    }

    [Fact]
    public void LogarithmsOfOneLessUKeepTheirDigitsForSmallU()
    {
        float[] u = [.. Products(1.1641532e-10f, 1 - (1f / (1 << 24)), 1.0113f)];
        AssertRelative(
            u,
            Functions.NegativeLogOneMinus(u),
            v => v < 1e-4 ? v + (v * v / 2) + (v * v * v / 3) : -Math.Log(1 - v),
            4e-7);
    }

    [Fact]
    public void SineAndCosineOfATurn()
    {
        float[] u =
        [
            0, 0.125f, 0.25f, 0.375f, 0.5f, 0.625f, 0.75f, 0.875f, 1 - (1f / (1 << 24)), 1, 1e-9f,
            .. Steps(0.0001f, 1, 0.00037f)
        ];
        (float[] sine, float[] cosine) = Functions.SinCosTurn(u);
        for (int i = 0; i < u.Length; i++)
        {
            (double s, double c) = Math.SinCos(2 * Math.PI * u[i]);
            Assert.Equal(s, sine[i], 1.5e-7);
            Assert.Equal(c, cosine[i], 1.5e-7);
        }
    }

    [Fact]
    public void SquashingAgreesWithTheScalarForms()
    {
        float[] x = [0, -0f, 1e-8f, -1e-8f, 30, -30, 1e5f, -1e5f, float.NaN, .. Steps(-12, 12, 0.0137f)];
        AssertAgrees(x, Functions.Squash(x), TanhGaussian.Squash);
        AssertAgrees(x, Functions.LogDerivative(x), TanhGaussian.LogDerivative);
        AssertAgrees(x, Functions.ClampLogStd(x), TanhGaussian.ClampLogStd);
        float[] action = [0, 1, -1, 1.5f, -1.5f, 1 - 1e-6f, float.BitDecrement(
            (float)TanhGaussian.MaxAction), float.NaN, .. Steps(-1, 1, 0.00137f)];
        AssertAgrees(action, Functions.Unsquash(action), TanhGaussian.Unsquash);
    }

    [Fact]
    public void PhiloxBitsAreTheScalarBits()
    {
        for (uint n = 0; n < 500; n++)
        {
            // Counters that wrap around among them.
            uint first0 = (n * 0x9E3779B9) | (n % 5 == 0 ? 0xFFFF_FFFE : 0), first1 = first0 ^ 0x1234_0000;
            uint c10 = n * 77, c11 = ~c10, c2 = ~n, c3 = n << 20;
            ulong key = n * 0x1234_5678_9ABC_DEF1UL;
            uint[] found = Functions.Next(first0, first1, c10, c11, c2, c3, key);
            uint words = (uint)found.Length / 2;
            Assert.Equal(2 * Functions.Count, (int)words);
            for (uint i = 0; i < words; i++)
            {
                Assert.Equal(Philox.Next(first0 + (i / 4), c10, c2, c3, key)[(int)i], found[i]);
                Assert.Equal(Philox.Next(first1 + (i / 4), c11, c2, c3, key)[(int)i], found[words + i]);
            }
        }
    }

    [Fact]
    public void RandomFloatsAreTheScalarFloats()
    {
        uint[] bits = [.. BitPatterns()];
        float[] uniform = Functions.ToUniform(bits), gumbel = Functions.ToGumbel(bits);
        for (int i = 0; i < bits.Length; i++)
        {
            Assert.Equal(Philox.ToUniform(bits[i]), uniform[i]);
            float expected = Philox.ToGumbel(bits[i]);
            Assert.Equal(expected, gumbel[i], 1e-6f * MathF.Max(1, MathF.Abs(expected)));
        }
    }

    [Theory]
    [InlineData(16, 16, 1)]
    [InlineData(32, 32, 2)]
    [InlineData(48, 51, 7)]
    public void NormalsAreTheScalarNormals(int pairs, int stride, int dimensions)
    {
        uint[] tasks = [.. Enumerable.Range(0, pairs).Select(i => (uint)(i * 7919) ^ 0xFFFF_FF00)];
        uint[] transitions = [.. Enumerable.Range(0, pairs).Select(i => (uint)(i / 3))];
        float[] found = Functions.Normals(tasks, transitions, stride, 5, Seed, dimensions);
        for (int d = 0; d < dimensions; d++)
        {
            for (int pair = 0; pair < pairs; pair++)
            {
                Assert.Equal(
                    SoftQNoise.Normal(tasks[pair], transitions[pair], 5, d, Seed), found[(d * stride) + pair], 3e-6f);
            }
        }
    }

    [Theory]
    [InlineData(1, 7u, 0ul)]
    [InlineData(63, 100_000u, 0ul)]
    [InlineData(200, 1u << 31, 6ul)]
    [InlineData(300, 0x5555_5556u, 3ul)]
    [InlineData(130, 0x7FFF_FFFFu, (1ul << 34) - 61)]
    public void UniformIndicesAreTheScalarOnes(int count, uint bound, ulong firstEntry)
    {
        // With a bound of a third of 2^32 every third word may be refused; with the last, counters wrap around.
        int[] found = Functions.Indices(count, bound, Seed, 3, firstEntry);
        for (int i = 0; i < count; i++)
        {
            ulong entry = firstEntry + (uint)i;
            uint slot = unchecked((uint)entry), block = unchecked((uint)(entry / 4)), expected;
            uint bits = Philox.Next(block, 0, 3, (uint)RandomPurpose.SyntheticData, Seed)[(int)(entry % 4)];
            for (uint attempt = 1; !UniformIndex.TryMap(bits, bound, out expected); attempt++)
            {
                bits = Philox.Next(slot, attempt, 3, (uint)RandomPurpose.SyntheticData, Seed).X;
            }

            Assert.Equal((int)expected, found[i]);
        }
    }

    [Fact]
    public void PartialLoadsAndStoresTouchNothingElse()
    {
        for (int count = 1; count <= Functions.Count; count++)
        {
            using GuardedFloats source = new(
                [.. Enumerable.Range(1, count).Select(i => (float)i)]), destination = new(count);
            fixed (float* from = source.Span, to = destination.Span)
            {
                float[] value = Functions.LoadPartial(from, count);
                Assert.Equal(Enumerable.Range(1, Functions.Count).Select(i => i <= count ? (float)i : 0), value);
                Functions.StorePartial(value, to, count);
            }

            destination.AssertSurroundingsUntouched();
            Assert.Equal(source.Span.ToArray(), destination.Span.ToArray());
        }
    }

    [Fact]
    public void ReductionsFindEveryLane()
    {
        for (int lane = 0; lane < Functions.Count; lane++)
        {
            int at = lane;
            Assert.Equal(
                3, Functions.MaxLane([.. Enumerable.Range(0, Functions.Count).Select(i => i == at ? 3f : -2)]));
            Assert.Equal(
                -7, Functions.MinLane([.. Enumerable.Range(0, Functions.Count).Select(i => i == at ? -7 : 5)]));
        }

        Assert.Equal(
            float.NegativeInfinity, Functions.MaxLane([.. Enumerable.Repeat(float.NegativeInfinity, Functions.Count)]));
    }

    private static IEnumerable<uint> BitPatterns()
    {
        // Ends of the range, powers of two and their neighbours, then a spread.
        for (int bit = 0; bit < 32; bit++)
        {
            yield return 1u << bit;
            yield return (1u << bit) - 1;
            yield return ~((1u << bit) - 1);
        }

        for (uint n = 0; n < 20_000; n++)
        {
            yield return n * 0x9E37_79B9;
        }
    }

    private static IEnumerable<float> Steps(float from, float to, float step)
    {
        for (float x = from; x < to; x += step)
        {
            yield return x;
        }
    }

    private static IEnumerable<float> Products(float from, float to, float factor)
    {
        for (float x = from; x < to; x = MathF.Max(x * factor, MathF.BitIncrement(x)))
        {
            yield return x;
        }
    }

    private static void AssertRelative(float[] x, float[] found, Func<double, double> function, double tolerance)
    {
        for (int i = 0; i < x.Length; i++)
        {
            double expected = function(x[i]);
            Assert.True(
                Math.Abs(found[i] - expected) <= tolerance * Math.Abs(expected),
                $"f({x[i]:R}) = {expected:R}; found {found[i]:R}.");
        }
    }

    // The bound that TanhGaussian states.
    private static void AssertAgrees(float[] x, float[] found, Func<float, float> function)
    {
        for (int i = 0; i < x.Length; i++)
        {
            float expected = function(x[i]);
            bool agrees = float.IsNaN(expected)
                ? float.IsNaN(found[i])
                : MathF.Abs(found[i] - expected) <= 1e-6f * MathF.Max(1, MathF.Abs(expected));
            Assert.True(agrees, $"f({x[i]:R}) = {expected:R}; found {found[i]:R}.");
        }
    }
}

/// <summary>The functions on 512-bit vectors.</summary>
public sealed class Vector512MathTests : VectorMathContract
{
    internal override VectorFunctions Functions { get; } = new VectorFunctions<Simd512, Vector512<float>>();
}

/// <summary>The functions on 256-bit vectors.</summary>
public sealed class Vector256MathTests : VectorMathContract
{
    internal override VectorFunctions Functions { get; } = new VectorFunctions<Simd256, Vector256<float>>();
}

/// <summary>The functions on vectors of the runtime's choice.</summary>
public sealed class PortableVectorMathTests : VectorMathContract
{
    internal override VectorFunctions Functions { get; } = new VectorFunctions<SimdPortable, Vector<float>>();
}

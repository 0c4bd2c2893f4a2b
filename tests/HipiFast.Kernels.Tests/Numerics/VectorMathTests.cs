using System.Runtime.Intrinsics;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Tests.Data;

namespace HipiFast.Kernels.Tests.Numerics;

/// <summary>The vector functions against <see cref="Math"/> over the domains that they promise.</summary>
public sealed unsafe class VectorMathTests
{
    [Fact]
    public void ExponentialsOfNonPositiveNumbersAreExactToTwoParts()
    {
        for (float x = 0; x > -87.3f; x -= 0.00713f)
        {
            double found = VectorMath.ExpNonPositive(Vector512.Create(x))[5];
            Assert.Equal(Math.Exp(x), found, 2e-7 * Math.Exp(x));
        }

        Vector512<float> special = VectorMath.ExpNonPositive(Vector512.Create(
            0f, -0f, -1e-30f, -87.31f, -104, -1e4f, -3e38f, float.NegativeInfinity, float.NaN, -1, -1, -1, -1, -1, -1, -1));
        Assert.Equal([1, 1, 1, 0, 0, 0, 0, 0, float.NaN], Enumerable.Range(0, 9).Select(lane => special[lane]));
    }

    [Fact]
    public void LogarithmsAreExactOverTheNormalRange()
    {
        for (float x = 1.2e-38f; x < 3e38f; x *= 1.0137f)
        {
            double expected = Math.Log(x);
            Assert.Equal(expected, VectorMath.LogNormal(Vector512.Create(x))[3], 1e-7 * Math.Max(1, Math.Abs(expected)));
        }

        for (float x = 0.5f; x < 2; x += 0.00037f)
        {
            double expected = Math.Log(x);
            Assert.Equal(expected, VectorMath.LogNormal(Vector512.Create(x))[7], 3e-7 * Math.Abs(expected));
        }

        Assert.Equal(0, VectorMath.LogNormal(Vector512<float>.One)[0]);
    }

    [Fact]
    public void LogarithmsOfOneLessUKeepTheirDigitsForSmallU()
    {
        for (float u = 1.1641532e-10f; u < 1 - (1f / (1 << 24)); u = MathF.Max(u * 1.0113f, MathF.BitIncrement(u)))
        {
            double expected = u < 1e-4 ? -u - ((double)u * u / 2) - ((double)u * u * u / 3) : Math.Log(1 - (double)u);
            Assert.Equal(expected, VectorMath.LogOneMinus(Vector512.Create(u))[1], 4e-7 * Math.Abs(expected));
        }
    }

    [Fact]
    public void PartialLoadsAndStoresTouchNothingElse()
    {
        for (int count = 1; count <= 16; count++)
        {
            using GuardedFloats source = new([.. Enumerable.Range(1, count).Select(i => (float)i)]), destination = new(count);
            fixed (float* from = source.Span, to = destination.Span)
            {
                Vector512<float> value = VectorMath.LoadPartial(from, count);
                for (int lane = 0; lane < 16; lane++)
                {
                    Assert.Equal(lane < count ? lane + 1 : 0, value[lane]);
                }

                VectorMath.StorePartial(value, to, count);
            }

            destination.AssertSurroundingsUntouched();
            Assert.Equal(source.Span.ToArray(), destination.Span.ToArray());
        }
    }

    [Fact]
    public void ReductionsFindEveryLane()
    {
        for (int lane = 0; lane < 16; lane++)
        {
            Assert.Equal(3, VectorMath.MaxLane(Vector512.Create(-2f).WithElement(lane, 3)));
            Assert.Equal(-7, VectorMath.MinLane(Vector512.Create(5).WithElement(lane, -7)));
        }

        Assert.Equal(float.NegativeInfinity, VectorMath.MaxLane(Vector512.Create(float.NegativeInfinity)));
    }
}

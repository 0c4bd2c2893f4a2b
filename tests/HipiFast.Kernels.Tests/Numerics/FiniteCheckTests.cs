using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.Tests.Numerics;

/// <summary>The search for NaN and infinities.</summary>
public sealed class FiniteCheckTests
{
    // Every length around the vector width, and every position in it.
    [Fact]
    public void TheFirstIsFound()
    {
        for (int length = 0; length < 70; length++)
        {
            float[] values = [.. Enumerable.Range(0, length).Select(
                i => i % 3 == 0 ? float.MaxValue : -float.MaxValue)];
            Assert.Equal(-1, FiniteCheck.IndexOfNonFinite(values));
            for (int i = 0; i < length; i++)
            {
                foreach (float bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
                {
                    float[] damaged = [.. values];
                    damaged[i] = bad;
                    damaged[^1] = i < length - 1 ? float.NaN : bad;
                    Assert.Equal(i, FiniteCheck.IndexOfNonFinite(damaged));
                }
            }
        }
    }
}

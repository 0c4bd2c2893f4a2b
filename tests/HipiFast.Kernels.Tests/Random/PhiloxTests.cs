using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.Tests.Random;

/// <summary>Philox4x32-10 against its published answers, and the distributions made of the bits.</summary>
public sealed class PhiloxTests
{
    private const ulong Seed = 0x0123_4567_89AB_CDEF;

    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627E8D5u, 0xE169C58Du, 0xBC57AC4Cu, 0x9B00DBD8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408F276Du, 0x41C83B0Eu, 0xA20BC7C6u, 0x6D5451FDu)]
    [InlineData(
        0x243F6A88u, 0x85A308D3u, 0x13198A2Eu, 0x03707344u, 0xA4093822u, 0x299F31D0u, 0xD16CFE09u, 0x94FDCCEBu,
        0x5001E420u, 0x24126EA1u)]
    public void PublishedAnswersComeOut(
        uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint x, uint y, uint z, uint w)
    {
        // The three known-answer vectors of the Random123 distribution: all zero, all one, and the digits of pi.
        ulong key = ((ulong)k1 << 32) | k0;
        Assert.Equal(new PhiloxBlock(x, y, z, w), Philox.Next(c0, c1, c2, c3, key));
    }

    [Fact]
    public void WordsOfABlockAreNumbered()
    {
        PhiloxBlock block = new(10, 11, 12, 13);
        for (int word = 0; word < 8; word++)
        {
            Assert.Equal(10u + (uint)(word % 4), block[word]);
        }
    }

    [Theory]
    [InlineData(0u, 1.1641532182693481e-10)]
    [InlineData(1u, 3.4924596548080444e-10)]
    [InlineData(0x7FFF_FFFFu, 0.5)]
    [InlineData(0xFFFF_FFFFu, 1 - (1.0 / (1 << 24)))]
    public void UniformsLieInTheOpenInterval(uint bits, double expected) =>
        Assert.Equal(expected, Philox.ToUniform(bits), 1e-15);

    [Fact]
    public void GumbelsAreExactAndKeepTheirResolutionInTheUpperTail()
    {
        float previous = float.PositiveInfinity;
        for (uint bits = 0; bits < 4096; bits++)
        {
            // The first 2^12 of 2^32 patterns: draws above 13.8, each different from the one before.
            float found = Philox.ToGumbel(bits);
            double u = (bits + 0.5) / 4294967296;
            Assert.Equal(-Math.Log(u + (u * u / 2)), found, 4e-6);
            Assert.True(bits > 400 ? found <= previous : found < previous);
            previous = found;
        }

        Assert.Equal(22.874, Philox.ToGumbel(0), 1e-3);
        Assert.Equal(-2.8114, Philox.ToGumbel(uint.MaxValue), 1e-3);
        for (uint n = 0; n < 400; n++)
        {
            // Over the whole range against double, from the float that the uniform rounds to.
            uint bits = Philox.Next(n, 3, 1, (uint)RandomPurpose.SyntheticData, Seed).X >> (int)(n % 32);
            double u = Philox.ToUniform(bits), exponential = u < 1e-4
                ? u + (u * u / 2) + (u * u * u / 3)
                : -Math.Log(1 - u);
            double expected = -Math.Log(exponential);
            Assert.Equal(expected, Philox.ToGumbel(bits), 1e-6 * Math.Max(1, Math.Abs(expected)));
        }
    }

    [Fact]
    public void GumbelsHaveTheMomentsOfTheStandardGumbel()
    {
        // Mean 0.5772 (Euler's constant), variance pi^2 / 6, skewness 1.1395; standard errors at 2^20 draws are 0.0013,
        // 0.0034 and 0.01.
        (double mean, double variance, double skewness) = Moments(
            bits =>
                [Philox.ToGumbel(bits.X), Philox.ToGumbel(bits.Y), Philox.ToGumbel(bits.Z), Philox.ToGumbel(bits.W)]);
        Assert.Equal(0.5772157, mean, 0.005);
        Assert.Equal(Math.PI * Math.PI / 6, variance, 0.014);
        Assert.Equal(1.1395, skewness, 0.04);
    }

    [Fact]
    public void NormalsHaveTheMomentsOfTheStandardNormal()
    {
        double product = 0;
        (double mean, double variance, double skewness) = Moments(bits =>
        {
            (float a, float b) = Philox.ToNormals(bits.X, bits.Y);
            (float c, float d) = Philox.ToNormals(bits.Z, bits.W);
            product += (a * b) + (c * d);
            return [a, b, c, d];
        });
        Assert.Equal(0, mean, 0.004);
        Assert.Equal(1, variance, 0.006);
        Assert.Equal(0, skewness, 0.01);
        Assert.Equal(0, product / (1 << 19), 0.006);
    }

    [Fact]
    public void NormalsFollowBoxAndMuller()
    {
        (float cosine, float sine) = Philox.ToNormals(0, 0x4000_0000);
        Assert.Equal(0, cosine, 1e-5f);
        Assert.Equal(Math.Sqrt(2 * 33 * Math.Log(2)), sine, 1e-5);
        Assert.InRange(sine, 6.7, 6.77);
    }

    [Fact]
    public void UniformsFillEverySixteenthEvenly()
    {
        const int Draws = 1 << 18;
        int[] counts = new int[16];
        for (uint n = 0; n < Draws / 4; n++)
        {
            PhiloxBlock block = Philox.Next(n, 0, 0, (uint)RandomPurpose.SyntheticData, Seed);
            for (int word = 0; word < 4; word++)
            {
                counts[(int)(Philox.ToUniform(block[word]) * 16)]++;
            }
        }

        // Chi-square with 15 degrees of freedom; 44.3 is exceeded once in ten thousand seeds.
        double expected = Draws / 16.0;
        Assert.InRange(counts.Sum(count => (count - expected) * (count - expected) / expected), 0, 44.3);
    }

    [Fact]
    public void PurposesHaveDistinctNumbers()
    {
        uint[] values = [.. Enum.GetValues<RandomPurpose>().Select(purpose => (uint)purpose)];
        Assert.Equal(values.Length, values.Distinct().Count());

        // The low byte names the purpose; the rest of the word is free for a block number.
        Assert.All(values, value => Assert.InRange(value, 1u, 255u));
    }

    private static (double Mean, double Variance, double Skewness) Moments(Func<PhiloxBlock, float[]> draw)
    {
        double sum = 0, squares = 0, cubes = 0;
        const int Draws = 1 << 20;
        for (uint n = 0; n < Draws / 4; n++)
        {
            foreach (float value in draw(Philox.Next(n, 1, 2, (uint)RandomPurpose.SyntheticData, Seed)))
            {
                sum += value;
                squares += (double)value * value;
                cubes += (double)value * value * value;
            }
        }

        double mean = sum / Draws, variance = (squares / Draws) - (mean * mean);
        return (
            mean, variance, ((cubes / Draws) - (3 * mean * variance) - (mean * mean * mean)) / Math.Pow(variance, 1.5));
    }
}

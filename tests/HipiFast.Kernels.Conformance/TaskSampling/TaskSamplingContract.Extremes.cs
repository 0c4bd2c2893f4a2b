using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Conformance.Data;

namespace HipiFast.Kernels.Conformance.TaskSampling;

/// <summary>Scores of every size that floats can make: temperatures, soft Q-values and priors far from 1.</summary>
public abstract partial class TaskSamplingContract
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void AnyTemperatureAndAnyFiniteSoftQAgreesWithTheOracle(int seed)
    {
        RandomData random = new((ulong)(9000 + seed));
        for (int trial = 0; trial < 12; trial++)
        {
            Case data = Extreme(random);
            AssertTasksConform(data);
            AssertRowsConform(data);
        }
    }

    [Theory]
    [InlineData(1e6f)]
    [InlineData(-1e6f)]
    [InlineData(3e38f)]
    public void WhatAllScoresShareDoesNotChangeTheSample(float shared)
    {
        // Steps that are exact beside the shared value, in nats of a temperature that makes them ordinary.
        float step = MathF.BitIncrement(MathF.Abs(shared)) - MathF.Abs(shared);
        Case shifted = new(200, 9) { LogPartition = [], LogPrior = [], Temperature = step };
        for (int pair = 0; pair < shifted.SoftQ.Length; pair++)
        {
            shifted.SoftQ[pair] = shared - (pair % 4 * step);
        }

        Case plain = new(200, 9) { LogPartition = [], LogPrior = [], Temperature = 1 };
        for (int pair = 0; pair < plain.SoftQ.Length; pair++)
        {
            plain.SoftQ[pair] = -(pair % 4);
        }

        Assert.Equal(SampleTasks(plain), SampleTasks(shifted));
        AssertTasksConform(shifted);
        AssertRowsConform(shifted);
    }

    [Theory]
    [InlineData(1e9f)]
    [InlineData(-1e9f)]
    [InlineData(1e30f)]
    public void ThePriorMayBeShiftedByAnyConstant(float shift)
    {
        Case data = new(80, 21), shifted = new(80, 21);
        for (int i = 0; i < 21; i++)
        {
            // A shift that large leaves nothing of the prior's entries but what they have in common.
            data.LogPrior[i] = 0;
            shifted.LogPrior[i] = shift;
        }

        Samples expected = new(data), found = new(shifted);
        expected.Draw(Kernel, data);
        found.Draw(Kernel, shifted);
        AssertSameWhereDecided(data, expected.Index, found.Index);
        Assert.Equal(expected.Mode, found.Mode);
        Assert.All(
            expected.Entropy.Zip(found.Entropy), pair => Assert.Equal(pair.First, pair.Second, Tolerance.Entropy));
    }

    [Fact]
    public void EqualScoresShareAPosteriorHoweverSharp()
    {
        // At the limit of temperature 0 the first of equals would always win.
        foreach (float temperature in (float[])[1e-20f, 1e-31f, 1e-38f, float.Epsilon])
        {
            Case data = new(400, 12) { LogPartition = [], LogPrior = [], Temperature = temperature };
            for (int pair = 0; pair < data.SoftQ.Length; pair++)
            {
                data.SoftQ[pair] = pair % 12 < 5 ? -3f : -3.0000002f;
            }

            Samples samples = new(data);
            samples.Draw(Kernel, data);
            Assert.Equal([0, 1, 2, 3, 4], samples.Index.Distinct().Order());
            Assert.All(samples.Entropy, entropy => Assert.Equal(Math.Log(5), entropy, Tolerance.Entropy));
            AssertTasksConform(data);
        }
    }

    // A posterior at a random place of all that are possible; half of them with several likely tasks, which take
    // differences of Q~ of about a temperature.
    private static Case Extreme(RandomData random)
    {
        int rows = 1 + (int)(random.Uniform() * 30), candidates = 1 + (int)(random.Uniform() * random.Uniform() * 200);
        float temperature = Power(random, -45, 38.4f);
        float scale = random.Uniform() < 0.5f ? Power(random, -6, 38) : temperature * Power(random, -1, 2);
        float offset = random.Uniform() < 0.5f ? scale * Power(random, 0, 8) * (random.Uniform() < 0.5f ? -1 : 1) : 0;
        Case data = new(rows, candidates) { Temperature = temperature };
        for (int pair = 0; pair < data.SoftQ.Length; pair++)
        {
            float large = pair / candidates % 7 == 6 ? 1e30f : 1;
            data.SoftQ[pair] = Finite(offset + (scale * large * random.Normal()));
            if (pair % candidates > 3 && pair % 5 == 0)
            {
                data.SoftQ[pair] = data.SoftQ[pair - 3];
            }
        }

        data.LogPartition = random.Uniform() < 0.5f
            ? []
            : Array.ConvertAll(LogPartitionOracle.Compute(data.SoftQ, rows, candidates), value => (float)value);
        float shift = (int)(random.Uniform() * 4) switch { 0 => 1e9f, 1 => -1e9f, _ => 0 };
        data.LogPrior = random.Uniform() < 0.3f ? [] : Array.ConvertAll(data.LogPrior, value => value + shift);
        if (data.LogPrior.Length > 2 && random.Uniform() < 0.3f)
        {
            data.LogPrior[1] = -1e9f;
        }

        return data;
    }

    private static float Power(RandomData random, float low, float high) =>
        Math.Max(float.Epsilon, Finite(MathF.Pow(10, random.Uniform(low, high))));

    private static float Finite(float value) => Math.Clamp(value, -float.MaxValue, float.MaxValue);
}

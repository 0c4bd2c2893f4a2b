using HipiFast.Kernels.Random;
using HipiFast.Kernels.Tasks;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Tests.Relabeling;

/// <summary>Draws from a soft-Q matrix on its own.</summary>
public sealed class SoftQSamplerTests
{
    private const int Rows = 50, Candidates = 7;

    private static readonly float[] s_prior = [0, 0.5f, float.NegativeInfinity, -1, 0.2f, 0, 1];

    private static readonly RelabelOptions s_options = new()
    {
        RelabelFraction = 1, Seed = 5, ExactTerminalValue = false, Compute = new() { Threads = 1 },
    };

    [Theory]
    [InlineData(PartitionMode.Batch, 1f)]
    [InlineData(PartitionMode.None, 0.5f)]
    [InlineData(PartitionMode.Batch, 0f)]
    public void TheDrawsAreTheRelabelers(PartitionMode partition, float temperature)
    {
        RelabelOptions options = s_options with { Partition = partition, Temperature = temperature };
        TransitionShape shape = new(3, 2, 1);
        TaskFamily family = TaskFamilies.None(1);
        using SoftQSampler sampler = new(options);
        using Relabeler relabeler = new(family, null, options);
        float[] tasks = [.. Enumerable.Range(0, Candidates).Select(i => (float)i)];
        for (uint call = 0; call < 3; call++)
        {
            float[] softQ = Matrix(call);
            using TransitionBatch batch = RelabelData.Batch(Rows, 0, shape);
            SoftQSample sample = sampler.Sample(softQ, Rows, Candidates, s_prior);
            RelabelResult result = relabeler.RelabelBySoftQ(batch, softQ, tasks, s_prior);
            Assert.Equal(result.TaskIndex.ToArray(), sample.Index.ToArray());
            Assert.Equal(result.LogPartition.ToArray(), sample.LogPartition.ToArray());
            Assert.Equal(call + 1, sampler.Call);
        }
    }

    // Against double precision, from the definition.
    [Theory]
    [InlineData(1f)]
    [InlineData(0.25f)]
    [InlineData(0f)]
    public void ThePosteriorIsThatOfTheDefinition(float temperature)
    {
        using SoftQSampler sampler = new(s_options with { Temperature = temperature });
        float[] softQ = Matrix(0), posterior = new float[Rows * Candidates];
        SoftQSample sample = sampler.Sample(softQ, Rows, Candidates, s_prior, posterior);
        for (int row = 0; row < Rows; row++)
        {
            double[] score = [.. Enumerable.Range(0, Candidates).Select(i => Score(softQ, row, i, temperature))];
            int mode = Array.IndexOf(score, score.Max());
            double sum = score.Sum(value => Math.Exp(value - score[mode])), entropy = 0;
            for (int i = 0; i < Candidates; i++)
            {
                double expected = temperature == 0 ? (i == mode ? 1 : 0) : Math.Exp(score[i] - score[mode]) / sum;
                entropy -= expected > 0 ? expected * Math.Log(expected) : 0;
                Assert.Equal(expected, posterior[(row * Candidates) + i], 1e-5);
            }

            Assert.Equal(mode, sample.Mode[row]);
            Assert.Equal(entropy, sample.Entropy[row], 1e-4);
            Assert.NotEqual(2, sample.Index[row]);
        }
    }

    // 20,000 rows of one posterior: the draws have its shares, within five standard deviations.
    [Fact]
    public void DrawsFollowThePosterior()
    {
        const int Many = 20_000;
        using SoftQSampler sampler = new(s_options with { Partition = PartitionMode.None });
        float[] row = Matrix(0)[..Candidates], softQ = new float[Many * Candidates];
        for (int i = 0; i < Many; i++)
        {
            row.CopyTo(softQ, i * Candidates);
        }

        int[] index = sampler.Sample(softQ, Many, Candidates).Index.ToArray();
        double sum = row.Sum(value => Math.Exp(value));
        for (int i = 0; i < Candidates; i++)
        {
            double share = Math.Exp(row[i]) / sum, deviation = Math.Sqrt(share * (1 - share) * Many);
            Assert.InRange(index.Count(drawn => drawn == i), (share * Many) - (5 * deviation), (share * Many) + (5 * deviation));
        }
    }

    [Fact]
    public void ByTaskEachTaskDrawsATransition()
    {
        RelabelOptions options = s_options with { Assignment = Assignment.Task, Temperature = 0 };
        using SoftQSampler sampler = new(options);
        float[] softQ = Matrix(0);
        SoftQSample sample = sampler.Sample(softQ, Rows, Candidates);
        Assert.Equal(
            Enumerable.Range(0, Candidates).Select(
                i => Enumerable.Range(0, Rows).MaxBy(row => softQ[(row * Candidates) + i])),
            sample.Index.ToArray());
        Assert.True(sample.LogPartition.IsEmpty && sample.Mode.IsEmpty && sample.Entropy.IsEmpty);
    }

    // The partition over all rows that ever came, older ones fading, in double precision.
    [Fact]
    public void ARunningPartitionSpansTheCalls()
    {
        using SoftQSampler sampler = new(s_options with
        {
            Partition = PartitionMode.Running, PartitionDecay = 0.5f, Candidates = CandidateSource.Fixed,
        });
        double[] sum = new double[Candidates];
        double weight = 0;
        for (uint call = 0; call < 3; call++)
        {
            float[] softQ = Matrix(call);
            SoftQSample sample = sampler.Sample(softQ, Rows, Candidates);
            weight = (0.5 * weight) + Rows;
            for (int i = 0; i < Candidates; i++)
            {
                double own = Enumerable.Range(0, Rows).Sum(row => Math.Exp(softQ[(row * Candidates) + i]));
                sum[i] = (0.5 * sum[i]) + own;
                Assert.Equal(Math.Log(sum[i] / weight), sample.LogPartition[i], 1e-4);
            }
        }
    }

    [Fact]
    public void SteadyStateAllocatesNothing()
    {
        using SoftQSampler sampler = new(s_options);
        float[] softQ = Matrix(0), posterior = new float[softQ.Length];
        SteadyState.AssertAllocatesNothing(() => sampler.Sample(softQ, Rows, Candidates, s_prior, posterior));
    }

    [Fact]
    public void WhateverIsWrongIsSaid()
    {
        using SoftQSampler sampler = new(s_options), byTask = new(s_options with { Assignment = Assignment.Task });
        float[] softQ = Matrix(0);
        Refused<ArgumentException>(
            () => sampler.Sample(softQ, Rows, 6), "has 350 entries; expected 50 transitions x 6 candidate tasks = 300");
        Refused<ArgumentOutOfRangeException>(() => sampler.Sample(softQ, 0, 6), "rows");
        Refused<ArgumentException>(
            () => sampler.Sample(softQ, Rows, Candidates, [0]), "The prior has 1 entries for 7 candidate tasks");
        Refused<ArgumentException>(
            () => sampler.Sample(softQ, Rows, Candidates, posterior: new float[9]), "room for 9 entries");
        Refused<ArgumentException>(
            () => byTask.Sample(softQ, Rows, Candidates, posterior: new float[350]), "no room for one");
        softQ[8] = float.PositiveInfinity;
        Refused<InvalidDataException>(
            () => sampler.Sample(softQ, Rows, Candidates), "infinity at transition 1 and candidate task 1");
        Assert.Equal(0u, sampler.Call);

        static void Refused<TError>(Action call, string sentence)
            where TError : Exception =>
            Assert.Contains(sentence, Assert.Throws<TError>(call).Message, StringComparison.Ordinal);
    }

    private static double Score(float[] softQ, int row, int candidate, double temperature)
    {
        double mean = Enumerable.Range(0, Rows).Average(j => Math.Exp(softQ[(j * Candidates) + candidate]));
        double score = softQ[(row * Candidates) + candidate] - Math.Log(mean);

        // At temperature 0 the prior breaks exact ties only, of which there are none; it excludes all the same.
        return temperature == 0
            ? (float.IsNegativeInfinity(s_prior[candidate]) ? double.NegativeInfinity : score)
            : (score / temperature) + s_prior[candidate];
    }

    private static float[] Matrix(uint stream)
    {
        float[] softQ = new float[Rows * Candidates];
        for (int i = 0; i < softQ.Length; i++)
        {
            uint bits = Philox.Next((uint)i, 4, stream, (uint)RandomPurpose.SyntheticData, 17).X;
            softQ[i] = (6 * Philox.ToUniform(bits)) - 3;
        }

        return softQ;
    }
}

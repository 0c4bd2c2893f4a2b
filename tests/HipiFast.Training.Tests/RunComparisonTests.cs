using HipiFast.Storage;
using HipiFast.Testing;
using HipiFast.Training;

namespace HipiFast.Training.Tests;

public sealed class RunComparisonTests
{
    [Fact]
    public void AreasAndPairedDifferencesAreThoseOfTheCurves()
    {
        using TemporaryDirectory temporary = new();
        Write(temporary["a"], 1, [0.1, 0.5, 0.6, 0.7, 0.8]);
        Write(temporary["a"], 2, [0.0, 0.2, 0.4, 0.6, 0.8]);
        Write(temporary["a"], 3, [0.0, 0.0, 0.0, 0.0, 0.5]);
        Write(temporary["b"], 1, [0.0, 0.1, 0.2, 0.3, 0.4]);
        Write(temporary["b"], 2, [0.1, 0.3, 0.5, 0.7, 0.9]);

        SeedGroup a = SeedGroup.Load(temporary["a"]), b = SeedGroup.Load(temporary["b"]);

        Assert.Equal("a", a.Name);
        Assert.Equal([1UL, 2UL, 3UL], a.Curves.Keys);
        Assert.Equal((0.54 + 0.4 + 0.1) / 3, a.Area.Mean, 12);
        Assert.Equal(0.22479620400116487, a.Area.Deviation, 12);
        Assert.Equal((0.7 + 0.6 + (0.5 / 3)) / 3, a.Final.Mean, 12);

        // Seeds 1 and 2 are common: differences 0.54 - 0.2 and 0.4 - 0.5.
        PairedDifference difference = a.AreaMinus(b);
        Assert.Equal(0.12, difference.Mean, 12);
        Assert.Equal(0.22, difference.StandardError, 12);
        Assert.Equal((1, 2), (difference.Ahead, difference.Seeds));
    }

    [Theory]
    [InlineData(new[] { 1.0, 2.0, 3.0 }, 2.4841, 0)]
    [InlineData(new[] { 2.0, 3.0, 4.0 }, 2.4841, 1)]
    [InlineData(new[] { -2.0, -3.0, -4.0 }, 2.4841, -1)]
    [InlineData(new[] { 0.07, 0.08 }, 0.0635, 1)]
    [InlineData(new[] { 0.05, 0.09 }, 0.2541, 0)]
    [InlineData(new[] { 1.0, 1.5, 2.0, 2.5, 3.0 }, 0.9816, 1)]
    public void AGroupIsAheadWhereTheConfidenceIntervalSaysSo(double[] differences, double halfInterval, int sign)
    {
        // Student's t at 97.5%: 12.706, 4.3027 and 2.7764 for 1, 2 and 4 degrees of freedom.
        PairedDifference difference = PairedDifference.Of(differences);
        Assert.Equal(halfInterval, difference.HalfInterval, 3e-4);
        Assert.Equal(sign, difference.Sign);
    }

    [Fact]
    public void OtherSeedsThanThoseAskedForAreLeftOut()
    {
        using TemporaryDirectory temporary = new();
        Write(temporary["a"], 1, [0.1, 0.5]);
        Write(temporary["a"], 2, [0.3, 0.4]);
        Write(temporary["a"], 3, []);
        SeedGroup group = SeedGroup.Load(temporary["a"], MetricColumn.SuccessRate, [1UL, 2UL]);
        Assert.Equal([1UL, 2UL], group.Curves.Keys);
    }

    [Fact]
    public void OneSeedTellsNothing()
    {
        PairedDifference difference = PairedDifference.Of([5.0]);
        Assert.Equal((5.0, double.PositiveInfinity, 0), (difference.Mean, difference.HalfInterval, difference.Sign));
    }

    [Fact]
    public void WhatCannotBeComparedIsSaid()
    {
        using TemporaryDirectory temporary = new();
        Write(temporary["a"], 1, [0.1]);
        Write(temporary["b"], 2, [0.1]);
        Write(temporary["c"], 3, []);

        ArgumentException disjoint = Assert.Throws<ArgumentException>(
            () => SeedGroup.Load(temporary["a"]).AreaMinus(SeedGroup.Load(temporary["b"])));
        Assert.Contains("no seed in common", disjoint.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => SeedGroup.Load(temporary["c"]));
        Assert.Throws<DirectoryNotFoundException>(() => SeedGroup.Load(temporary["d"]));
    }

    [Fact]
    public void UnequalCostIsRefused()
    {
        using TemporaryDirectory temporary = new();
        Write(temporary["a"], 1, [0.1]);
        Write(temporary["b"], 1, [0.1], steps: 70_000);
        Write(temporary["c"], 1, [0.1]);
        Write(temporary["c"], 2, [0.1], steps: 70_000);

        ArgumentException error = Assert.Throws<ArgumentException>(
            () => SeedGroup.Load(temporary["a"]).AreaMinus(SeedGroup.Load(temporary["b"])));
        Assert.Contains("70000 steps", error.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => SeedGroup.Load(temporary["c"]));
    }

    [Fact]
    public void UnfinishedRunsAreNotTakenForFinishedOnes()
    {
        using TemporaryDirectory temporary = new();
        Write(temporary["a"], 1, [0.1, 0.2, 0.3]);
        Write(temporary["b"], 1, [0.1, 0.2]);
        Write(temporary["c"], 1, [0.1, 0.2, 0.3]);
        Write(temporary["c"], 2, [0.1, 0.2]);

        ArgumentException unequal = Assert.Throws<ArgumentException>(
            () => SeedGroup.Load(temporary["a"]).AreaMinus(SeedGroup.Load(temporary["b"])));
        Assert.Contains(
            "3 times up to 3000 steps, the other 2 times up to 2000", unequal.Message, StringComparison.Ordinal);
        InvalidDataException mixed = Assert.Throws<InvalidDataException>(() => SeedGroup.Load(temporary["c"]));
        Assert.Contains("--resume", mixed.Message, StringComparison.Ordinal);
    }

    private static void Write(string path, ulong seed, double[] success, long steps = 60_000)
    {
        RunDirectory run = RunDirectory.ForSeed(path, seed);
        Directory.CreateDirectory(run.Path);
        run.WriteConfig(new TrainingConfig { Run = new() { Seed = seed, Steps = steps } });
        MetricsLog metrics = new("env_steps", "success_rate");
        for (int i = 0; i < success.Length; i++)
        {
            metrics.Add(1000 * (i + 1), success[i]);
        }

        metrics.Save(run.Metrics);
    }
}

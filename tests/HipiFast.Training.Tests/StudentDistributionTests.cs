namespace HipiFast.Training.Tests;

public sealed class StudentDistributionTests
{
    // Critical values as tables of the t distribution give them (NIST/SEMATECH e-Handbook, 1.3.6.7.2).
    [Theory]
    [InlineData(0.90, 1, 3.078)]
    [InlineData(0.975, 1, 12.706)]
    [InlineData(0.999, 1, 318.309)]
    [InlineData(0.975, 2, 4.303)]
    [InlineData(0.999, 2, 22.327)]
    [InlineData(0.95, 3, 2.353)]
    [InlineData(0.975, 4, 2.776)]
    [InlineData(0.99, 5, 3.365)]
    [InlineData(0.975, 9, 2.262)]
    [InlineData(0.995, 10, 3.169)]
    [InlineData(0.975, 21, 2.080)]
    [InlineData(0.975, 30, 2.042)]
    [InlineData(0.975, 100, 1.984)]
    [InlineData(0.90, 100, 1.290)]
    public void QuantilesAreThoseOfTheTable(double probability, int degrees, double expected)
    {
        Assert.Equal(expected, StudentDistribution.Quantile(probability, degrees), 0.0006);
        Assert.Equal(-expected, StudentDistribution.Quantile(1 - probability, degrees), 0.0006);
    }

    // With 1, 2 and 4 degrees of freedom the distribution function has a closed form.
    [Theory]
    [InlineData(0)]
    [InlineData(1e-6)]
    [InlineData(0.3)]
    [InlineData(1)]
    [InlineData(2.5)]
    [InlineData(40)]
    [InlineData(1e6)]
    public void TailsAreThoseOfTheClosedForms(double t)
    {
        double root = Math.Sqrt(2 + (t * t)), sine = t / Math.Sqrt(4 + (t * t));
        AssertTail(Math.Atan2(1, t) / Math.PI, t, 1);
        AssertTail(1 / (root * (root + t)), t, 2);
        AssertTail(0.5 * (1 - (sine * (1 + (2 / (4 + (t * t)))))), t, 4);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(250)]
    [InlineData(1e5)]
    public void AQuantileHasItsTail(double degrees)
    {
        foreach (double tail in (double[])[1e-9, 0.001, 0.025, 0.3, 0.5])
        {
            Assert.Equal(
                1, StudentDistribution.UpperTail(-StudentDistribution.Quantile(tail, degrees), degrees) / tail, 1e-9);
        }

        Assert.Equal(0, StudentDistribution.Quantile(0.5, degrees), 1e-9);
    }

    [Fact]
    public void ManyDegreesAreTheNormalDistribution() =>
        Assert.Equal(1.959964, StudentDistribution.Quantile(0.975, 1e7), 1e-5);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(double.NaN, 1)]
    [InlineData(0.5, 0)]
    [InlineData(0.5, double.NaN)]
    public void WhatHasNoQuantileIsRefused(double probability, double degrees) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => StudentDistribution.Quantile(probability, degrees));

    private static void AssertTail(double expected, double t, double degrees)
    {
        // The closed form for 4 loses digits where the tail is small: it is 1 minus nearly 1.
        double tolerance = degrees == 4 ? 1e-15 : 1e-13 * expected;
        Assert.Equal(expected, StudentDistribution.UpperTail(t, degrees), tolerance + 1e-300);
        Assert.Equal(1 - expected, StudentDistribution.UpperTail(-t, degrees), 1e-14);
    }
}

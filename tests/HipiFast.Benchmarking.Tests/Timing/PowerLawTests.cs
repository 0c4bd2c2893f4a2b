using HipiFast.Benchmarking.Timing;

namespace HipiFast.Benchmarking.Tests.Timing;

public sealed class PowerLawTests
{
    [Fact]
    public void APowerLawIsFitted()
    {
        PowerLaw exact = PowerLaw.Fit([(1, 3), (2, 12), (4, 48), (8, 192)]);
        Assert.Equal((2, 2, 2), (Math.Round(exact.Exponent, 9), Math.Round(exact.Low, 6), Math.Round(exact.High, 6)));

        // Least squares on (0, 0), (1, 1), (2, 3): slope 1.5, standard error sqrt(1/6 / 2), t of one degree of freedom
        // 12.706.
        PowerLaw noisy = PowerLaw.Fit([(1, 1), (Math.E, Math.E), (Math.Exp(2), Math.Exp(3))]);
        Assert.Equal(1.5, noisy.Exponent, 1e-9);
        Assert.Equal(1.5 - (12.7062 * Math.Sqrt(1 / 12.0)), noisy.Low, 1e-3);
        Assert.True(double.IsNaN(PowerLaw.Fit([(1, 1), (2, 2)]).Low));
    }
}

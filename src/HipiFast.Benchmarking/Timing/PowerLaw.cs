using HipiFast.Storage;
using HipiFast.Training;

namespace HipiFast.Benchmarking.Timing;

/// <summary>y = c x^e, fitted by least squares on logarithms.</summary>
/// <param name="Exponent">e.</param>
/// <param name="Low">
/// Lower end of its 95% interval (Student's, n - 2 degrees of freedom); NaN with fewer than three points.
/// </param>
/// <param name="High">Upper end.</param>
internal readonly record struct PowerLaw(double Exponent, double Low, double High)
{
    private const double UpperTail = 0.975;

    /// <summary>Fits points.</summary>
    /// <param name="points">Two or more with different x, all above 0.</param>
    public static PowerLaw Fit(IReadOnlyCollection<(double X, double Y)> points)
    {
        (double X, double Y)[] logs = [.. points.Select(point => (Math.Log(point.X), Math.Log(point.Y)))];
        double meanX = logs.Average(point => point.X), meanY = logs.Average(point => point.Y);
        double spread = logs.Sum(point => (point.X - meanX) * (point.X - meanX));
        double exponent = logs.Sum(point => (point.X - meanX) * (point.Y - meanY)) / spread;
        if (logs.Length < 3)
        {
            return new PowerLaw(exponent, double.NaN, double.NaN);
        }

        double residual = logs.Sum(point => Math.Pow(point.Y - meanY - (exponent * (point.X - meanX)), 2));
        int freedom = logs.Length - 2;
        double half = StudentDistribution.Quantile(UpperTail, freedom) * Math.Sqrt(residual / freedom / spread);
        return new PowerLaw(exponent, exponent - half, exponent + half);
    }

    /// <inheritdoc/>
    public override string ToString() => double.IsNaN(Low)
        ? NumberText.Fixed(Exponent, 3)
        : $"{NumberText.Fixed(Exponent, 3)} [{NumberText.Fixed(Low, 3)}, {NumberText.Fixed(High, 3)}]";
}

namespace HipiFast.Training;

/// <summary>Student's t distribution: how far the mean of a few normal values may lie from what it estimates.</summary>
public static class StudentDistribution
{
    // Lanczos' series for the logarithm of the gamma function, with g = 7; exact to 15 digits.
    private static readonly double[] s_lanczos =
    [
        0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
        12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
    ];

    /// <summary>Probability of a value above <paramref name="t"/>.</summary>
    /// <param name="t">Any number.</param>
    /// <param name="degrees">Degrees of freedom, above 0 (the number of values minus 1).</param>
    /// <returns>A probability, to about 14 digits.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The degrees of freedom are not a positive number.</exception>
    public static double UpperTail(double t, double degrees)
    {
        CheckDegrees(degrees);
        double outside = IncompleteBeta(degrees / 2, 0.5, degrees / (degrees + (t * t)), t * t / (degrees + (t * t)));
        return t < 0 ? 1 - (outside / 2) : outside / 2;
    }

    /// <summary>The value that a share of all values lies below.</summary>
    /// <param name="probability">The share, in (0, 1).</param>
    /// <param name="degrees">Degrees of freedom, above 0 (the number of values minus 1).</param>
    /// <returns>The value; 12.706 for a share of 0.975 and one degree of freedom, and 1.960 for many.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The share is not between 0 and 1, or the degrees of freedom are not a positive number.
    /// </exception>
    public static double Quantile(double probability, double degrees)
    {
        CheckDegrees(degrees);
        if (!(probability > 0 && probability < 1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(probability), probability, "Expected a share between 0 and 1, both excluded.");
        }

        // Symmetric about 0: sought is the half with the small tail, which keeps all of its digits.
        if (probability > 0.5)
        {
            return -Quantile(1 - probability, degrees);
        }

        double low = 0, high = 1;
        while (UpperTail(high, degrees) > probability)
        {
            high *= 2;
        }

        for (double middle = high / 2; low < middle && middle < high; middle = low + ((high - low) / 2))
        {
            (low, high) = UpperTail(middle, degrees) > probability ? (middle, high) : (low, middle);
        }

        return -high;
    }

    private static void CheckDegrees(double degrees)
    {
        if (!(degrees > 0 && double.IsFinite(degrees)))
        {
            throw new ArgumentOutOfRangeException(
                nameof(degrees), degrees, "Expected degrees of freedom above 0.");
        }
    }

    // The regularised incomplete beta function I_x(a, b); y is 1 - x, which near 1 has digits that x has lost.
    private static double IncompleteBeta(double a, double b, double x, double y)
    {
        if (x == 0 || y == 0)
        {
            return x == 0 ? 0 : 1;
        }

        double front = Math.Exp(
            LogGamma(a + b) - LogGamma(a) - LogGamma(b) + (a * Math.Log(x)) + (b * Math.Log(y)));
        return x < (a + 1) / (a + b + 2)
            ? front * BetaFraction(a, b, x) / a
            : 1 - (front * BetaFraction(b, a, y) / b);
    }

    // The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method.
    private static double BetaFraction(double a, double b, double x)
    {
        const int MostTerms = 10_000;
        const double Smallest = 1e-300;
        double c = 1, d = 1 / NotZero(1 - ((a + b) * x / (a + 1))), value = d;
        for (int m = 1; m <= MostTerms; m++)
        {
            double even = m * (b - m) * x / ((a + (2 * m) - 1) * (a + (2 * m)));
            double odd = -(a + m) * (a + b + m) * x / ((a + (2 * m)) * (a + (2 * m) + 1));
            double before = value;
            foreach (double term in (ReadOnlySpan<double>)[even, odd])
            {
                d = 1 / NotZero(1 + (term * d));
                c = NotZero(1 + (term / c));
                value *= c * d;
            }

            if (Math.Abs(value - before) <= 1e-16 * Math.Abs(value))
            {
                break;
            }
        }

        return value;

        static double NotZero(double number) => Math.Abs(number) < Smallest ? Smallest : number;
    }

    private static double LogGamma(double x)
    {
        if (x < 0.5)
        {
            return Math.Log(Math.PI / Math.Sin(Math.PI * x)) - LogGamma(1 - x);
        }

        double shifted = x + 6.5, sum = s_lanczos[0];
        for (int i = 1; i < s_lanczos.Length; i++)
        {
            sum += s_lanczos[i] / (x - 1 + i);
        }

        return (0.5 * Math.Log(2 * Math.PI)) + ((x - 0.5) * Math.Log(shifted)) - shifted + Math.Log(sum);
    }
}

using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.TaskSampling;

/// <summary>
/// The scores of one row in double precision, each as its distance from the best: what no fp32 sum
/// <c>(Q~ - logZ) / temperature + log p</c> can hold where it is large, at any temperature and for any finite Q~.
/// </summary>
/// <remarks>
/// A distance is <c>((Q~_i - Q~_m) - (logZ_i - logZ_m)) / temperature + (log p_i - log p_m)</c>: the difference of two
/// floats is exact in double or nearly so, also where one vector is of another magnitude than the other. It is taken
/// before it is divided and before the prior is added.
/// </remarks>
/// <param name="softQ">Q~ of the row, <c>[K]</c>.</param>
/// <param name="logPartition">logZ <c>[K]</c> or null.</param>
/// <param name="logPrior">log p <c>[K]</c> or null.</param>
/// <param name="candidates">K.</param>
/// <param name="temperature">0 or more.</param>
internal readonly unsafe struct ExactScores(
    float* softQ, float* logPartition, float* logPrior, int candidates, float temperature)
{
    /// <summary>
    /// Largest magnitude of a best score that sums in fp32 are good enough for: their error then is below 5e-4 nats,
    /// far less than what sets two draws apart. Beyond it, or where a prior alone is larger, rows are scored here.
    /// </summary>
    public const float LargestPlainScore = 1024f;

    /// <summary>No less than any noise that 32 bits give.</summary>
    public const float LargestNoise = 23f;

    /// <summary>No more than any noise that 32 bits give.</summary>
    public const float SmallestNoise = -3f;

    // exp of it is nothing even beside the smallest float.
    private const double NegligibleDistance = -104;

    private readonly double _inverseTemperature = temperature == 0 ? 0 : 1.0 / temperature;

    /// <summary>
    /// The limit that the best score of a row is compared with: <see cref="LargestPlainScore"/>, or -1, which sends
    /// every row here, where a finite entry of the prior is larger than that.
    /// </summary>
    /// <param name="logPrior">log p <c>[K]</c>, or empty.</param>
    /// <returns>The limit.</returns>
    public static float PlainLimit(ReadOnlySpan<float> logPrior)
    {
        foreach (float value in logPrior)
        {
            if (float.IsFinite(value) && MathF.Abs(value) > LargestPlainScore)
            {
                return -1;
            }
        }

        return LargestPlainScore;
    }

    /// <summary>-log(-log(1 - u)): a standard Gumbel of 32 bits in double precision.</summary>
    /// <param name="bits">Uniform bits.</param>
    /// <returns>A draw.</returns>
    public static double Gumbel(uint bits)
    {
        double u = Philox.ToUniform(bits);
        return -Math.Log(u < 1e-5 ? u + (u * u / 2) : -Math.Log(1 - u));
    }

    /// <summary>The best score; the first of equals, at temperature 0 the first of the largest prior.</summary>
    /// <param name="spoiled">
    /// 0, or NaN where a score is NaN, else +inf where one is +inf: the row then has no posterior.
    /// </param>
    /// <returns>The best; its index is -1 where there is no finite score.</returns>
    public Best FindBest(out double spoiled)
    {
        Best best = new(-1, 0, 0, 0);
        spoiled = 0;
        for (int i = 0; i < candidates; i++)
        {
            double q = softQ[i], normalizer = LogPartition(i), prior = LogPrior(i);
            double sum = double.IsNegativeInfinity(q) ? q + prior : q - normalizer + prior;
            if (!(sum < double.PositiveInfinity))
            {
                spoiled += sum;
            }
            else if (sum > double.NegativeInfinity && (best.Index < 0 || Exceeds(q, normalizer, prior, best)))
            {
                best = new Best(i, q, normalizer, prior);
            }
        }

        return best;
    }

    /// <summary>How far a score lies below the best, in nats.</summary>
    /// <param name="candidate">The candidate.</param>
    /// <param name="best">The best.</param>
    /// <returns>0 or less, -inf for what the row excludes; at temperature 0 only the best itself is not.</returns>
    public double Distance(int candidate, in Best best)
    {
        if (temperature == 0)
        {
            return candidate == best.Index ? 0 : double.NegativeInfinity;
        }

        double q = softQ[candidate];
        return double.IsNegativeInfinity(q)
            ? q
            : Distance(q, LogPartition(candidate), best) + (LogPrior(candidate) - best.LogPrior);
    }

    /// <summary>The best score itself, in nats.</summary>
    /// <param name="best">The best.</param>
    /// <returns>The score; at temperature 0 without temperature and prior.</returns>
    public double Value(in Best best) =>
        temperature == 0
            ? best.SoftQ - best.LogPartition
            : ((best.SoftQ - best.LogPartition) * _inverseTemperature) + best.LogPrior;

    /// <summary>The sums that the row's posterior is made of.</summary>
    /// <param name="best">The best.</param>
    /// <param name="weighted">Sum of exp(distance) distance.</param>
    /// <returns>Sum of exp(distance), 1 or more.</returns>
    public double Sum(in Best best, out double weighted)
    {
        double sum = 0;
        weighted = 0;
        for (int i = 0; i < candidates; i++)
        {
            double distance = Distance(i, best);
            if (distance > NegligibleDistance)
            {
                double weight = Math.Exp(distance);
                sum += weight;
                weighted += weight * distance;
            }
        }

        return sum;
    }

    /// <summary>The best noisy score; the first of equals.</summary>
    /// <param name="best">The best score.</param>
    /// <param name="source">The random counters.</param>
    /// <param name="row">The row's number in its block.</param>
    /// <returns>A sample of the row's posterior.</returns>
    public int Draw(in Best best, in ScoreSource source, int row)
    {
        double largest = SmallestNoise;
        int sample = best.Index, drawn = -1;
        PhiloxBlock noise = default;
        for (int i = 0; i < candidates; i++)
        {
            double distance = Distance(i, best);
            if (!(distance + LargestNoise > largest))
            {
                continue;
            }

            if (i / PhiloxBlock.Words != drawn)
            {
                drawn = i / PhiloxBlock.Words;
                noise = Philox.Next(
                    (uint)drawn, source.FirstRow + (uint)row, source.Call, (uint)RandomPurpose.TaskSampling,
                    source.Seed);
            }

            double noisy = distance + Gumbel(noise[i]);
            if (noisy > largest)
            {
                (largest, sample) = (noisy, i);
            }
        }

        return sample;
    }

    /// <summary>The row's posterior in numbers: exponentials over their sum, which therefore add up to 1.</summary>
    /// <param name="posterior">Receives q(psi_i | j), <c>[K]</c>; the row has one.</param>
    public void WritePosterior(Span<float> posterior)
    {
        Best best = FindBest(out _);
        double scale = 1 / Sum(best, out _);
        for (int i = 0; i < posterior.Length; i++)
        {
            double distance = Distance(i, best);
            posterior[i] = distance > NegligibleDistance ? (float)(Math.Exp(distance) * scale) : 0;
        }
    }

    private bool Exceeds(double q, double normalizer, double prior, in Best best)
    {
        double distance = Distance(q, normalizer, best);
        return temperature == 0
            ? distance > 0 || (distance == 0 && prior > best.LogPrior)
            : distance + (prior - best.LogPrior) > 0;
    }

    // Without the prior; at temperature 0 undivided.
    private double Distance(double q, double normalizer, in Best best)
    {
        double difference = (q - best.SoftQ) - (normalizer - best.LogPartition);
        return temperature == 0 ? difference : difference * _inverseTemperature;
    }

    private double LogPartition(int candidate) => logPartition == null ? 0 : logPartition[candidate];

    private double LogPrior(int candidate) => logPrior == null ? 0 : logPrior[candidate];

    /// <summary>The best score of a row in its parts.</summary>
    /// <param name="Index">Candidate, -1 for none.</param>
    /// <param name="SoftQ">Q~.</param>
    /// <param name="LogPartition">logZ.</param>
    /// <param name="LogPrior">log p.</param>
    public readonly record struct Best(int Index, double SoftQ, double LogPartition, double LogPrior);
}

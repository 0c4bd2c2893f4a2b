using HipiFast.Storage;

namespace HipiFast.Training;

/// <summary>The seeds of one strategy: their learning curves and what they amount to.</summary>
public sealed class SeedGroup
{
    // How many of the last evaluations make up the final success rate.
    private const int FinalEvaluations = 3;

    private readonly string _budget;

    private SeedGroup(string name, SortedDictionary<ulong, LearningCurve> curves, string budget)
    {
        _budget = budget;
        Name = name;
        Curves = curves;
        Area = SeedStatistic.Of([.. curves.Values.Select(AreaUnder)]);
        Final = SeedStatistic.Of([.. curves.Values.Select(curve => curve.Values.TakeLast(FinalEvaluations).Average())]);
    }

    /// <summary>The run directory's name.</summary>
    public string Name { get; }

    /// <summary>The metric over environment steps, by seed.</summary>
    public IReadOnlyDictionary<ulong, LearningCurve> Curves { get; }

    /// <summary>Area under the curve: the mean of its evaluations, in the metric's units.</summary>
    public SeedStatistic Area { get; }

    /// <summary>Mean of the last three evaluations, in the metric's units.</summary>
    public SeedStatistic Final { get; }

    /// <summary>
    /// Reads the success rates (sampled actions) of a directory with one run or with one folder per seed.
    /// </summary>
    /// <param name="path">The directory.</param>
    /// <returns>The group.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    /// <exception cref="FileNotFoundException">It holds no run, or a run without metrics.</exception>
    /// <exception cref="InvalidDataException">
    /// A file in it is malformed, a run has no evaluation yet, or the runs differ in environment, steps, batch or
    /// evaluations.
    /// </exception>
    public static SeedGroup Load(string path) => Load(path, MetricColumn.SuccessRate);

    /// <summary>Reads a directory with one run or with one folder per seed.</summary>
    /// <param name="path">The directory.</param>
    /// <param name="metric">What the curves show.</param>
    /// <param name="seeds">The seeds to read; null for all that are there.</param>
    /// <returns>The group.</returns>
    /// <exception cref="DirectoryNotFoundException">As for the other overload.</exception>
    /// <exception cref="FileNotFoundException">As for the other overload.</exception>
    /// <exception cref="InvalidDataException">As for the other overload.</exception>
    public static SeedGroup Load(string path, MetricColumn metric, IReadOnlyCollection<ulong>? seeds = null)
    {
        SortedDictionary<ulong, LearningCurve> curves = [];
        string? budget = null;
        foreach (RunDirectory run in RunDirectory.Find(path))
        {
            TrainingConfig config = run.ReadConfig();
            if (seeds?.Contains(config.Run.Seed) == false)
            {
                continue;
            }

            MetricsLog metrics = run.ReadMetrics();
            if (metrics.Count == 0)
            {
                throw new InvalidDataException($"'{run.Metrics}' has no evaluation yet; expected at least one.");
            }

            LearningCurve curve = ReadCurve(run.Metrics, metrics, metric);
            string own =
                $"{config.Environment}, {config.Run.Steps} steps, {config.Run.GradientSteps} gradient steps each, "
                + $"batch {config.Learner.Batch}";
            if (own != (budget ??= own))
            {
                throw new InvalidDataException($"The runs in '{path}' differ: {budget}; {own}.");
            }

            LearningCurve first = curves.Count == 0 ? curve : curves.Values.First();
            if (!curve.Steps.SequenceEqual(first.Steps))
            {
                throw new InvalidDataException(
                    $"The runs in '{path}' cannot be taken together: {Differ(first, curve)}.");
            }

            if (!curves.TryAdd(config.Run.Seed, curve))
            {
                throw new InvalidDataException(
                    $"Two runs in '{path}' have seed {config.Run.Seed}, one of them '{run.Path}'; expected runs of "
                    + "different seeds.");
            }
        }

        return new SeedGroup(
            Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))), curves, budget!);
    }

    /// <summary>The area of this group minus that of another, seed by seed.</summary>
    /// <param name="other">The other group.</param>
    /// <returns>
    /// Mean difference, its standard error, and on how many of the seeds that both have this group is ahead.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// The groups have no seed in common, were not trained at equal cost, or were evaluated after other steps, as
    /// unfinished runs are.
    /// </exception>
    public PairedDifference AreaMinus(SeedGroup other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other._budget != _budget)
        {
            throw new ArgumentException(
                $"'{Name}' ({_budget}) and '{other.Name}' ({other._budget}) cannot be compared: expected equal cost.");
        }

        LearningCurve first = Curves.Values.First(), others = other.Curves.Values.First();
        if (!first.Steps.SequenceEqual(others.Steps))
        {
            throw new ArgumentException($"'{Name}' and '{other.Name}' cannot be compared: {Differ(first, others)}.");
        }

        double[] differences =
        [
            .. Curves.Where(entry => other.Curves.ContainsKey(entry.Key))
                .Select(entry => AreaUnder(entry.Value) - AreaUnder(other.Curves[entry.Key])),
        ];
        if (differences.Length == 0)
        {
            throw new ArgumentException(
                $"'{Name}' and '{other.Name}' have no seed in common, so they cannot be compared seed by seed.");
        }

        return PairedDifference.Of(differences);
    }

    private static LearningCurve ReadCurve(string path, MetricsLog metrics, MetricColumn metric)
    {
        double[] steps, values;
        try
        {
            steps = metrics.Column(RunLogs.NameOf(MetricColumn.EnvSteps));
            values = metrics.Column(RunLogs.NameOf(metric));
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException($"'{path}' is not the metrics of a run. {error.Message}", error);
        }

        for (int row = 0; row < steps.Length; row++)
        {
            if (!double.IsFinite(steps[row]) || (row > 0 && steps[row] <= steps[row - 1]))
            {
                throw new InvalidDataException(
                    $"Line {row + 2} of '{path}' has {RunLogs.NameOf(MetricColumn.EnvSteps)} = {steps[row]}; expected "
                    + "finite, increasing numbers.");
            }
        }

        return new LearningCurve(steps, values);
    }

    private static string Differ(LearningCurve one, LearningCurve other) =>
        $"one was evaluated {one.Steps.Count} times up to {one.Steps[^1]} steps, the other {other.Steps.Count} times "
        + $"up to {other.Steps[^1]}; expected the "
        + "same evaluations (train --resume continues an unfinished run)";

    private static double AreaUnder(LearningCurve curve) => curve.Values.Average();
}

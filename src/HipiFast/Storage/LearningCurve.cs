namespace HipiFast.Storage;

/// <summary>What one run (one seed) measured along the way.</summary>
/// <param name="Steps">Where it was measured, strictly increasing, finite; for example environment steps.</param>
/// <param name="Values">
/// What was measured there, as many as <paramref name="Steps"/>; NaN where there is no measurement.
/// </param>
/// <remarks>
/// Values beyond ±1e100, which only a run that diverged can have, count as no measurement: their squares would
/// overflow.
/// </remarks>
public sealed record LearningCurve(IReadOnlyList<double> Steps, IReadOnlyList<double> Values)
{
    private const double LargestValue = 1e100;

    /// <summary>
    /// Mean and sample standard deviation over runs, at every step that some run measured and all runs reach; a run
    /// without a measurement there is interpolated linearly between its neighbours.
    /// </summary>
    /// <param name="runs">One or more runs; those without any measurement are left out.</param>
    /// <returns>Points in order of their steps; the deviation of a single run is 0.</returns>
    public static IReadOnlyList<CurvePoint> Summarize(IReadOnlyList<LearningCurve> runs)
    {
        ArgumentNullException.ThrowIfNull(runs);
        (double Step, double Value)[][] measured = [.. runs.Select(
            static run => run.Measured()).Where(static points => points.Length > 0)];
        if (measured.Length == 0)
        {
            return [];
        }

        double first = measured.Max(static points => points[0].Step);
        double last = measured.Min(static points => points[^1].Step);
        IEnumerable<double> steps = measured.SelectMany(static points => points.Select(static point => point.Step))
            .Where(step => step >= first && step <= last).Distinct().Order();
        var summary = new List<CurvePoint>();
        int[] cursors = new int[measured.Length];
        double[] values = new double[measured.Length];
        foreach (double step in steps)
        {
            for (int run = 0; run < measured.Length; run++)
            {
                values[run] = Interpolate(measured[run], ref cursors[run], step);
            }

            double mean = values.Average();
            double squares = values.Sum(value => (value - mean) * (value - mean));
            summary.Add(new CurvePoint(step, mean, values.Length > 1 ? Math.Sqrt(squares / (values.Length - 1)) : 0));
        }

        return summary;
    }

    private static double Interpolate((double Step, double Value)[] points, ref int cursor, double step)
    {
        while (points[cursor].Step < step)
        {
            cursor++;
        }

        (double Step, double Value) right = points[cursor];
        if (right.Step == step)
        {
            return right.Value;
        }

        (double Step, double Value) left = points[cursor - 1];
        return left.Value + ((right.Value - left.Value) * ((step - left.Step) / (right.Step - left.Step)));
    }

    private (double Step, double Value)[] Measured()
    {
        if (Steps.Count != Values.Count)
        {
            throw new ArgumentException(
                $"A learning curve has {Steps.Count} steps and {Values.Count} values; expected one value per step.");
        }

        for (int i = 0; i < Steps.Count; i++)
        {
            if (!double.IsFinite(Steps[i]) || (i > 0 && Steps[i] <= Steps[i - 1]))
            {
                throw new ArgumentException(
                    $"Step {i} of a learning curve is {Steps[i]}; expected finite, strictly increasing steps.");
            }
        }

        return [.. Steps.Zip(Values).Where(static point => Math.Abs(point.Second) <= LargestValue)];
    }
}

/// <summary>One point of the summary of several runs.</summary>
/// <param name="Step">Where.</param>
/// <param name="Mean">Mean over runs.</param>
/// <param name="Deviation">Sample standard deviation over runs, 0 for a single run.</param>
public readonly record struct CurvePoint(double Step, double Mean, double Deviation);

using System.Globalization;
using HipiFast.Storage;

namespace HipiFast.Experiments;

/// <summary>Lemmas 1 and 2 of the paper (<see cref="LemmaExperiment"/>), drawn.</summary>
internal sealed class LemmaPanel()
    : Panel("lemmas", "Relabeling brings the joint distribution closer to the target (Lemmas 1 and 2)")
{
    // The relabeler's posterior is single precision.
    private const double Tolerance = 1e-4;

    private static readonly double[] s_stages = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

    public override int Rounds => 0;

    public override IReadOnlyList<ExperimentJob> Jobs(ExperimentContext context, int round) => [];

    public override PanelReport Report(ExperimentContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        IReadOnlyList<LemmaPoint>[] seeds = [.. context.Seeds.Select(seed => LemmaExperiment.Measure(s_stages, seed))];
        // Exact quantities are the same for every seed; what is drawn is not.
        IReadOnlyList<LemmaPoint> first = seeds[0];
        LemmaPoint[] all = [.. seeds.SelectMany(points => points)];
        LearningCurveSvg picture = new("Distance from the target distribution")
        {
            StepLabel = "how far the agent is trained (beta)",
            ValueLabel = "KL, nats",
        };
        picture.Add("labels of inverse RL", Curves(point => point.RelabeledKl));
        picture.Add("commanded labels", Curves(point => point.CommandedKl));
        picture.Add("commanded minus Lemma 2's bound", Curves(point => point.CommandedKl - point.Bound));
        picture.Add("drawn labels", Curves(point => point.SampledKl));
        picture.Add("partition estimated from a batch", Curves(point => point.EstimatedKl));
        bool closer = all.All(point => point.RelabeledKl <= point.CommandedKl + Tolerance);
        bool bounded = all.All(point => point.Gain >= point.Bound - Tolerance), equal = all.All(
            point => Math.Abs(point.Gain - point.Bound) <= Tolerance);
        double worst = all.Max(point => point.EstimatedKl - point.RelabeledKl), loss = all.Max(
            point => point.EstimatedKl - point.CommandedKl);
        return new PanelReport(
            Title,
            closer && bounded ? Verdict.BornOut : Verdict.NotBornOut,
            [
                "Lemma 1: the labels of inverse RL are "
                + $"{(closer ? "nowhere farther from the target than" : "somewhere farther from the target than")} "
                + "those commanded.",
                $"Lemma 2: the gain is {(bounded ? "everywhere at least" : "somewhere less than")} the expected KL "
                + "between the labels"
                + $"{(equal ? ", which it equals" : string.Empty)}.",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"With the partition estimated from a batch of the agent's own trajectories, as relabeling in "
                    + $"training does it, the labels are at most {worst:0.0000} nats farther"
                    + $"{(loss > 0 ? $", and at most {loss:0.0000} nats farther than those commanded" : "")}."),
            ],
            [picture.ToSvg()],
            new ReportTable(
                [
                    "beta", "commanded", "inverse RL", "gain", "bound", "drawn labels, mean over seeds",
                    "estimated partition, mean over seeds"
                ],
                [.. first.Select((point, stage) => (IReadOnlyList<string>)
                [
                    Number(point.Progress), Number(point.CommandedKl), Number(point.RelabeledKl), Number(point.Gain),
                    Number(point.Bound),
                    Number(seeds.Average(points => points[stage].SampledKl)),
                    Number(seeds.Average(points => points[stage].EstimatedKl)),
                ])]),
            [("problem", string.Create(
                CultureInfo.InvariantCulture,
                $"{LemmaExperiment.TrajectoryCount} trajectories of {LemmaExperiment.Length} moves, "
                + $"{LemmaExperiment.TaskCount} goals; "
                    + $"{LemmaExperiment.DrawsPerTrajectory} labels drawn per trajectory; "
                    + $"partition estimated from {LemmaExperiment.EstimationBatch} trajectories"))]);

        LearningCurve[] Curves(Func<LemmaPoint, double> value) =>
            [.. seeds.Select(
                points => new LearningCurve([.. points.Select(point => point.Progress)], [.. points.Select(value)]))];
    }

    private static string Number(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);
}

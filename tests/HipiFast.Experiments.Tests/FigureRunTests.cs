using HipiFast.Experiments;
using HipiFast.Storage;
using HipiFast.Testing;
using HipiFast.Training;

namespace HipiFast.Experiments.Tests;

public sealed class FigureRunTests
{
    [Fact]
    public void PanelsRunAtDifferentTimesComeTogetherInOneReport()
    {
        using TemporaryDirectory temporary = new();
        ExperimentContext context = new(temporary["figure"], Quick: true, [1]);
        Figure figure = new(
            "test", "A figure", "A claim.",
            [Gridworld("gridworld"), Gridworld("gridworld-discrete"), new MissingPanel()]);

        FigureRun first = new(figure, context, ["gridworld"]);
        Assert.Single(Work(first));
        string html = File.ReadAllText(first.ReportPath);
        Assert.Contains("<h2>gridworld</h2>", html);
        Assert.Contains("Not run here: gridworld-discrete; Missing.", html);

        FigureRun second = new(figure, context, ["gridworld-discrete"]);
        Assert.Equal(["gridworld", "gridworld-discrete"], Work(second).Select(report => report.Title));

        // What is chosen and cannot be run is said, and nothing else is asked of it.
        FigureRun all = new(figure, context);
        Assert.Equal("no moon here", Assert.Single(all.LeftOut).Reason);
        Assert.False(all.IsHopeless);
        Assert.Equal(
            [Verdict.NotRun], Work(all).Where(report => report.Title == "Missing").Select(report => report.Verdict));
        Assert.True(new FigureRun(figure, context, ["missing"]).IsHopeless);
    }

    [Fact]
    public void ADirectoryBelongsToOneFigureAndSetting()
    {
        using TemporaryDirectory temporary = new();
        ExperimentContext context = new(temporary["figure"], Quick: true, [1]);
        Figure figure = new("one", "A figure", "A claim.", [Gridworld("gridworld")]);
        new FigureRun(figure, context).Begin().Dispose();
        Assert.Contains(
            "holds one --quick; two --quick needs",
            Assert.Throws<ArgumentException>(() => new FigureRun(figure with { Name = "two" }, context)).Message);
        Assert.Contains(
            "one at full length needs",
            Assert.Throws<ArgumentException>(() => new FigureRun(figure, context with { Quick = false })).Message);
        Assert.Contains("no panel 'moon'", Assert.Throws<ArgumentException>(
            () => new FigureRun(figure, context, ["moon"])).Message);
        File.WriteAllText(Path.Combine(context.Directory, "figure.json"), "{}");
        Assert.Throws<InvalidDataException>(() => new FigureRun(figure, context));
    }

    [Fact]
    public void APanelOfWhichAJobFailedIsReportedAsNotRunAndTheOthersGoOn()
    {
        using TemporaryDirectory temporary = new();
        ExperimentContext context = new(temporary["figure"], Quick: true, [1]);
        Figure figure = new("test", "A figure", "A claim.", [Gridworld("gridworld"), Gridworld("gridworld-discrete")]);
        FigureRun run = new(figure, context);
        run.Begin().Dispose();
        (Panel panel, ExperimentJob job) = run.Jobs(0)[0];
        run.Fail(panel, job, new IOException("the disk is full."));
        Assert.All(run.Jobs(0), left => Assert.Equal("gridworld-discrete", left.Panel.Name));
        IReadOnlyList<PanelReport> reports = Work(run);
        Assert.Equal(Verdict.NotRun, reports[0].Verdict);
        Assert.Equal($"{job.Label} failed: the disk is full.", Assert.Single(reports[0].Findings));
        Assert.NotEqual(Verdict.NotRun, reports[1].Verdict);
    }

    private static IReadOnlyList<PanelReport> Work(FigureRun run)
    {
        using DirectoryLock held = run.Begin();
        for (int round = 0; round < run.Rounds; round++)
        {
            foreach ((_, ExperimentJob job) in run.Jobs(round))
            {
                job.Run(_ => { }, CancellationToken.None);
            }
        }

        return run.WriteReport();
    }

    private static TrainingPanel Gridworld(string environment) => new(
        environment,
        environment,
        MetricColumn.SuccessRate,
        [
            new("inverse-rl", "inverse RL", TrainingDefaults.PaperPreset, "inverse-rl"),
            new("none", "none", TrainingDefaults.PaperPreset, "none", PaperClaim.Better),
        ],
        200);

    private sealed class MissingPanel() : Panel("missing", "Missing")
    {
        public override string? Unavailable => "no moon here";

        public override int Rounds => 1;

        public override IReadOnlyList<ExperimentJob> Jobs(ExperimentContext context, int round) =>
            throw new InvalidOperationException();

        public override PanelReport Report(ExperimentContext context) => throw new InvalidOperationException();
    }
}

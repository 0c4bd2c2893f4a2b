using HipiFast.Experiments;
using HipiFast.Replay;
using HipiFast.Testing;
using HipiFast.Training;
using HipiFast.Training.Cloning;

namespace HipiFast.Experiments.Tests;

public sealed class PanelTests
{
    private static readonly Arm[] s_arms =
    [
        new("inverse-rl", "inverse RL", TrainingDefaults.PaperPreset, "inverse-rl"),
        new("none", "none", TrainingDefaults.PaperPreset, "none", PaperClaim.Better),
        new("own", "own", null, "inverse-rl"),
    ];

    [Fact]
    public void TrainingPanelRunsWhatIsLeftAndReports()
    {
        using TemporaryDirectory temporary = new();
        ExperimentContext context = new(temporary["figure"], Quick: true, [1, 2]);
        TrainingPanel panel = new("Gridworld <goals>", "gridworld", MetricColumn.SuccessRate, s_arms, 300);
        Assert.Null(panel.Unavailable);
        IReadOnlyList<ExperimentJob> jobs = panel.Jobs(context, 0);
        Assert.Equal(6, jobs.Count);

        // One that is stopped at once is left to do again; the others are not.
        using CancellationTokenSource stopped = new();
        stopped.Cancel();
        jobs[0].Run(_ => { }, stopped.Token);
        foreach (ExperimentJob job in jobs.Skip(1))
        {
            double done = 0;
            job.Run(share => done = share, CancellationToken.None);
            Assert.Equal(1, done);
        }

        ExperimentJob left = Assert.Single(panel.Jobs(context, 0));
        Assert.Equal(jobs[0].Label, left.Label);
        left.Run(_ => { }, CancellationToken.None);
        Assert.Empty(panel.Jobs(context, 0));

        PanelReport report = panel.Report(context);
        Assert.Equal(3, report.Table!.Rows.Count);
        Assert.All(report.Table.Rows, row => Assert.Equal(report.Table.Header.Count, row.Count));
        Assert.Equal(2, report.Pictures.Count);
        Assert.All(report.Pictures, picture => Assert.StartsWith("<svg", picture));
        Assert.Equal(3, report.Configuration.Count);
        Assert.Equal(2, report.Findings.Count);

        Figure figure = new("test", "A figure", "It works & is quick.", [panel]);
        FigureReport.Save(temporary["report.html"], figure, context, [report], ["Moon & stars"]);
        string html = File.ReadAllText(temporary["report.html"]);
        Assert.Contains("It works &amp; is quick.", html);
        Assert.Contains("Gridworld &lt;goals&gt;", html);
        Assert.Contains("Not run here: Moon &amp; stars.", html);
        Assert.Contains("seeds 1, 2 (the paper has 5 seeds)", html);
        Assert.DoesNotContain("<goals>", html);
        Assert.DoesNotContain("src=", html);
        Assert.DoesNotContain("href=", html);

        TrainingPanel longer = new("Gridworld", "gridworld", MetricColumn.SuccessRate, s_arms, 400);
        Assert.Contains("steps = 300", Assert.Throws<ArgumentException>(() => longer.Jobs(context, 0)).Message);
    }

    [Fact]
    public void CloningPanelTrainsCollectsAndClonesOnce()
    {
        using TemporaryDirectory temporary = new();
        ExperimentContext context = new(temporary["figure"], Quick: true, [1, 2]);
        CloningPanel panel = new(
            "grid",
            "Gridworld",
            "gridworld",
            [
                new("inverse-rl", "inverse RL", CloningLabels.InverseRl),
                new("none", "task-agnostic", CloningLabels.None, Claim: PaperClaim.Better)
                {
                    NoBetterThanRandomActions = true,
                },
            ],
            100,
            200);
        int[] counts = [1, 1, 4];
        for (int round = 0; round < panel.Rounds; round++)
        {
            IReadOnlyList<ExperimentJob> jobs = panel.Jobs(context, round);
            Assert.Equal(counts[round], jobs.Count);
            foreach (ExperimentJob job in jobs)
            {
                job.Run(_ => { }, CancellationToken.None);
            }

            Assert.Empty(panel.Jobs(context, round));
        }

        PanelReport report = panel.Report(context);
        Assert.Equal(["inverse RL", "task-agnostic", "random actions"], report.Table!.Rows.Select(row => row[0]));
        Assert.All(report.Table.Rows, row => Assert.Equal(report.Table.Header.Count, row.Count));
        Assert.Contains(report.Findings, finding => finding.Contains("random actions", StringComparison.Ordinal));
        Assert.Contains(report.Configuration, entry => entry.Name == "task-agnostic" && entry.Text.Contains(
            "\"first_task_bias\": 0", StringComparison.Ordinal));

        // Another agent's demonstrations are not taken for this one's, and clones do not outlive their demonstrations.
        string clone = Path.Combine(
            context.FolderOf(panel), "none", "seed-1", "result.json"), whole = File.ReadAllText(clone);
        File.WriteAllText(clone, whole.Replace("\"max_epochs\": 20", "\"max_epochs\": 100", StringComparison.Ordinal));
        Assert.Contains(
            "max_epochs = 100, not 20", Assert.Throws<ArgumentException>(() => panel.Jobs(context, 0)).Message);
        File.WriteAllText(clone, whole);
        string demonstrations = Path.Combine(context.FolderOf(panel), "demonstrations.safetensors");
        using (TransitionFile file = TransitionFile.Open(demonstrations))
        {
            using TransitionBatch batch = file.ReadAll();
            long[] episode = new long[batch.Count];
            file.ReadEpisodes(episode);
            TransitionFile.Save(
                demonstrations, batch, episode,
                new Dictionary<string, string>(file.Metadata) { ["trajectories"] = "7" });
        }

        Assert.Contains("other demonstrations", Assert.Throws<ArgumentException>(() => panel.Jobs(context, 0)).Message);
        File.Delete(demonstrations);
        Assert.Contains("holds clones", Assert.Throws<ArgumentException>(() => panel.Jobs(context, 0)).Message);
    }

    [Fact]
    public void EveryFigureIsFoundByNameAndItsPanelsHaveFoldersOfTheirOwn()
    {
        Assert.Equal(["fig4", "fig5", "fig6", "fig7", "fig8"], FigureCatalog.All.Select(figure => figure.Name));
        Assert.All(FigureCatalog.All, figure =>
        {
            Assert.Same(figure, FigureCatalog.Find(figure.Name));
            Assert.Equal(figure.Panels.Count, figure.Panels.Select(panel => panel.Name).Distinct().Count());
        });
        Assert.Contains("fig4, fig5", Assert.Throws<ArgumentException>(() => FigureCatalog.Find("fig1")).Message);
    }

    [Fact]
    public void DidacticPanelsBearThePaperOut()
    {
        ExperimentContext context = new("unused", Quick: true, [1]);
        Assert.All(FigureCatalog.Find("fig4").Panels, panel =>
        {
            PanelReport report = panel.Report(context);
            Assert.Equal(Verdict.BornOut, report.Verdict);
            Assert.All(report.Table!.Rows, row => Assert.Equal(report.Table.Header.Count, row.Count));
        });
    }

    [Fact]
    public void JobsRunInParallelAndTheFirstErrorStopsTheRest()
    {
        using CancellationTokenSource stop = new();
        int ran = 0;
        ParallelJobs.Start(20, _ => Interlocked.Increment(ref ran), stop).Join();
        Assert.Equal(20, ran);
        ParallelJobs failing = ParallelJobs.Start(
            50,
            index =>
            {
                if (index == 0)
                {
                    throw new InvalidOperationException("job 0");
                }

                stop.Token.WaitHandle.WaitOne();
            },
            stop);
        Assert.Equal("job 0", Assert.Throws<InvalidOperationException>(failing.Join).Message);
        Assert.False(failing.IsRunning);
    }
}

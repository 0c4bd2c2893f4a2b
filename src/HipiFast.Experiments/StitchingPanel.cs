using System.Globalization;
using System.Text;
using HipiFast.Environments;
using HipiFast.Learning;
using HipiFast.Relabeling;

namespace HipiFast.Experiments;

/// <summary>The paper's Fig. 4 (<see cref="StitchingExperiment"/>), once per seed; takes no time worth a job.</summary>
internal sealed class StitchingPanel() : Panel("gridworld", "Relabeling stitches crossing trajectories")
{
    private const int CellSize = 34;
    private const int Gap = 40;

    public override int Rounds => 0;

    public override IReadOnlyList<ExperimentJob> Jobs(ExperimentContext context, int round) => [];

    public override PanelReport Report(ExperimentContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        List<IReadOnlyList<string>> rows = [];
        bool inverseReachesAll = true, finalReachesTopOnly = true;
        IReadOnlyList<int> byFinal = [], byInverseRl = [];
        foreach (ulong seed in context.Seeds)
        {
            byFinal = Reached(RelabelStrategy.Final, seed);
            byInverseRl = Reached(RelabelStrategy.InverseRl, seed);
            inverseReachesAll &= byInverseRl.SequenceEqual(StitchingExperiment.Goals);
            finalReachesTopOnly &= byFinal.SequenceEqual(StitchingExperiment.TopGoals);
            rows.Add(
            [
                seed.ToString(CultureInfo.InvariantCulture),
                Share(byFinal, true), Share(byFinal, false), Share(byInverseRl, true), Share(byInverseRl, false),
            ]);
        }

        return new PanelReport(
            Title,
            inverseReachesAll && finalReachesTopOnly ? Verdict.BornOut : Verdict.NotBornOut,
            [
                "From A, Q-learning on data relabeled by inverse RL comes to "
                + $"{(inverseReachesAll ? "every goal" : "not every goal")}; "
                + "on data relabeled with final states to "
                + $"{(finalReachesTopOnly ? "those in the top row alone" : "other goals than those in the top row")}.",
            ],
            [Draw(byFinal, byInverseRl)],
            new ReportTable(
                ["seed", "final: top row", "final: bottom row", "inverse RL: top row", "inverse RL: bottom row"], rows),
            [
                ("dataset", "one run per goal, each trajectory stopped at every goal on its way; "
                    + "Q-learning with gamma 0.99 on the relabeled transitions"),
            ]);
    }

    private static IReadOnlyList<int> Reached(RelabelStrategy strategy, ulong seed)
    {
        IReadOnlyList<TabularTransition> labelled = StitchingExperiment.Relabel(strategy, seed);
        return StitchingExperiment.GoalsReached(labelled, StitchingExperiment.StartA);
    }

    private static string Share(IReadOnlyList<int> reached, bool top)
    {
        IReadOnlyList<int> goals = top ? StitchingExperiment.TopGoals : StitchingExperiment.BottomGoals;
        return $"{goals.Count(reached.Contains)} of {goals.Count}";
    }

    // Both grids: the trajectories, and the goals, filled where they are reached from A.
    private static string Draw(IReadOnlyList<int> byFinal, IReadOnlyList<int> byInverseRl)
    {
        const int Side = Gridworld.Side * CellSize, Width = (2 * Side) + (3 * Gap), Height = Side + (2 * Gap);
        StringBuilder svg = new();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" width=\"{Width}\" "
            + $"height=\"{Height}\" ");
        svg.Append(
            "font-family=\"system-ui, sans-serif\" font-size=\"14\" role=\"img\"><title>Goals reached from A</title>");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
        DrawGrid(svg, Gap, "final state", byFinal);
        DrawGrid(svg, (2 * Gap) + Side, "inverse RL", byInverseRl);
        return svg.Append("</svg>").ToString();
    }

    private static void DrawGrid(StringBuilder svg, int left, string name, IReadOnlyList<int> reached)
    {
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<text x=\"{left}\" y=\"{Gap - 14}\" fill=\"#1f2328\">"
            + $"{name}: {reached.Count} of {StitchingExperiment.Goals.Count} goals from A</text>");
        for (int cell = 0; cell < Gridworld.CellCount; cell++)
        {
            (int x, int y) = Corner(left, cell);
            bool goal = StitchingExperiment.Goals.Contains(cell);
            string fill = !goal ? "#f6f8fa" : reached.Contains(cell) ? "#009e73" : "#f2c6b0";
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<rect x=\"{x}\" y=\"{y}\" width=\"{CellSize}\" height=\"{CellSize}\" fill=\"{fill}\" "
                + $"stroke=\"#d0d7de\"/>");
        }

        DrawPath(svg, left, StitchingExperiment.TopGoals[^1], "#0072b2");
        DrawPath(svg, left, StitchingExperiment.BottomGoals[^1], "#cc79a7");
        DrawLetter(svg, left, StitchingExperiment.StartA, "A");
        DrawLetter(svg, left, StitchingExperiment.StartB, "B");
    }

    private static void DrawPath(StringBuilder svg, int left, int end, string color)
    {
        StitchingRun run = StitchingExperiment.Dataset.First(candidate => candidate.FinalCell == end);
        IEnumerable<string> points = run.Steps.Select(step =>
        {
            (int x, int y) = Corner(left, step.Cell);
            return string.Create(CultureInfo.InvariantCulture, $"{x + (CellSize / 2)},{y + (CellSize / 2)}");
        });
        svg.Append($"<polyline points=\"{string.Join(' ', points)}\" fill=\"none\" stroke=\"{color}\" ");
        svg.Append("stroke-width=\"3\" stroke-linejoin=\"round\" opacity=\"0.8\"/>");
    }

    private static void DrawLetter(StringBuilder svg, int left, int cell, string letter)
    {
        (int x, int y) = Corner(left, cell);
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<text x=\"{x + 4}\" y=\"{y + 15}\" font-weight=\"600\" fill=\"#1f2328\">{letter}</text>");
    }

    private static (int X, int Y) Corner(int left, int cell) =>
        (left + (cell % Gridworld.Side * CellSize), Gap + ((Gridworld.Side - 1 - (cell / Gridworld.Side)) * CellSize));
}

using System.Text;
using HipiFast.Environments;
using HipiFast.Training;

namespace HipiFast.Experiments;

/// <summary>A figure of the paper as something that can be run.</summary>
/// <param name="Name">Name on the command line, such as <c>fig5</c>.</param>
/// <param name="Title">Heading of its report.</param>
/// <param name="Claim">What the paper says that it shows.</param>
/// <param name="Panels">Its parts.</param>
public sealed record Figure(string Name, string Title, string Claim, IReadOnlyList<Panel> Panels)
{
    private const int FullSeeds = 5;

    /// <summary>
    /// The seeds of a run where none are given: 1 to 5, or as many of them as a first impression needs.
    /// </summary>
    /// <param name="quick">Whether a first impression is enough.</param>
    /// <returns>The seeds.</returns>
    public IReadOnlyList<ulong> DefaultSeeds(bool quick) =>
        [.. Enumerable.Range(1, quick ? Panels.Max(panel => panel.QuickSeeds) : FullSeeds).Select(seed => (ulong)seed)];
}

/// <summary>One part of a <see cref="Figure"/>: work to do, then something to show.</summary>
/// <param name="name">Name of its folder: lower case, no spaces.</param>
/// <param name="title">Heading.</param>
public abstract class Panel(string name, string title)
{
    /// <summary>Name of its folder below the figure's.</summary>
    public string Name { get; } = name;

    /// <summary>Heading.</summary>
    public string Title { get; } = title;

    /// <summary>Why it cannot run here, in one sentence; null when it can.</summary>
    public virtual string? Unavailable => null;

    /// <summary>Seeds that a first impression takes.</summary>
    public virtual int QuickSeeds => 2;

    /// <summary>
    /// Frames of an episode with random actions, side by side in one element; null for an environment that cannot be
    /// drawn.
    /// </summary>
    /// <param name="environment">Its name.</param>
    /// <returns>An HTML fragment of SVG elements.</returns>
    protected static string? DrawEnvironment(string environment)
    {
        const int Frames = 4, Width = 190, Height = 150, Steps = 12;
        using VectorEnvironment world = EnvironmentRegistry.Create(environment, 1);
        if (world is not IDrawnEnvironment drawn)
        {
            return null;
        }

        UniformPolicy policy = new(1);
        float[] action = new float[world.Shape.ActionDimension];
        StringBuilder frames = new();
        world.Reset(1);
        for (int frame = 0; frame < Frames; frame++)
        {
            frames.Append(drawn.DrawSvg(0, Width, Height)).Append(' ');
            for (uint step = 0; step < Steps; step++)
            {
                policy.Act(world.Observation, world.Task, 1, (uint)(frame * Steps) + step, action);
                world.Step(action, out _);
            }
        }

        return frames.ToString();
    }

    /// <summary>
    /// How many rounds of jobs there are, 0 or more; the jobs of one need the results of the rounds before.
    /// </summary>
    public abstract int Rounds { get; }

    /// <summary>
    /// The work of a round that is left to do; its jobs are independent of each other and continue what an earlier call
    /// had begun.
    /// </summary>
    /// <param name="context">Where and how.</param>
    /// <param name="round">The round, in [0, <see cref="Rounds"/>).</param>
    /// <returns>The jobs; none where everything is done.</returns>
    /// <exception cref="ArgumentException">The folder holds results of other settings.</exception>
    public abstract IReadOnlyList<ExperimentJob> Jobs(ExperimentContext context, int round);

    /// <summary>What there is to show, once all jobs are done.</summary>
    /// <param name="context">As for <see cref="Jobs"/>.</param>
    /// <returns>The panel's part of the report.</returns>
    public abstract PanelReport Report(ExperimentContext context);
}

/// <summary>How a figure is run.</summary>
/// <param name="Directory">Folder of the figure.</param>
/// <param name="Quick">A first impression in minutes, instead of the full setting.</param>
/// <param name="Seeds">One run of everything per seed; different, 1 or more.</param>
public sealed record ExperimentContext(string Directory, bool Quick, IReadOnlyList<ulong> Seeds)
{
    /// <summary>Folder of a panel.</summary>
    /// <param name="panel">The panel.</param>
    /// <returns>The path.</returns>
    public string FolderOf(Panel panel)
    {
        ArgumentNullException.ThrowIfNull(panel);
        return Path.Combine(Directory, panel.Name);
    }
}

/// <summary>A piece of work on one thread.</summary>
/// <param name="Label">What is shown while it runs.</param>
/// <param name="Run">
/// Does it: reports how much is done, in [0, 1], and leaves off, ready to be continued, when asked to stop.
/// </param>
public sealed record ExperimentJob(string Label, Action<Action<double>, CancellationToken> Run);

/// <summary>A table of a report.</summary>
/// <param name="Header">Headings of the columns.</param>
/// <param name="Rows">Cells, as many per row as there are headings.</param>
public sealed record ReportTable(IReadOnlyList<string> Header, IReadOnlyList<IReadOnlyList<string>> Rows);

/// <summary>Whether something measured agrees with the paper.</summary>
public enum Verdict
{
    /// <summary>It bears the paper out.</summary>
    BornOut,

    /// <summary>What it mainly shows bears the paper out, a smaller claim beside it does not.</summary>
    InPart,

    /// <summary>The runs do not tell.</summary>
    Undecided,

    /// <summary>It contradicts the paper.</summary>
    NotBornOut,

    /// <summary>It could not be run here.</summary>
    NotRun,
}

/// <summary>What a panel shows.</summary>
/// <param name="Title">Heading.</param>
/// <param name="Verdict">Whether the paper's claim holds here.</param>
/// <param name="Findings">What was found, one sentence each.</param>
/// <param name="Pictures">SVG documents, in order.</param>
/// <param name="Table">Numbers, or null.</param>
/// <param name="Configuration">Settings that repeat the runs, as text, by name.</param>
public sealed record PanelReport(
    string Title, Verdict Verdict, IReadOnlyList<string> Findings, IReadOnlyList<string> Pictures, ReportTable? Table,
    IReadOnlyList<(string Name, string Text)> Configuration);

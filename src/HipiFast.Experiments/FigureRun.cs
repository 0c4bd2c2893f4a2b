using System.Text.Json;
using HipiFast.Storage;

namespace HipiFast.Experiments;

/// <summary>
/// A figure that is run in a directory: what is left to do, what could not be done, and in the end the report.
/// </summary>
/// <remarks>
/// A directory belongs to one figure and setting (its file <c>figure.json</c> says which), so that panels run at
/// different times come together in one report. Jobs of a round are independent; a panel of which one has failed has no
/// further jobs, and the others go on. Safe to tell of failures from several threads.
/// </remarks>
public sealed class FigureRun
{
    private const string MarkerFile = "figure.json";
    private const int LargestMark = 1 << 16;

    private readonly Figure _figure;
    private readonly ExperimentContext _context;
    private readonly Panel[] _chosen;
    private readonly Dictionary<Panel, string> _reasons = [];
    private readonly Lock _lock = new();

    /// <summary>Looks at what is there already; writes nothing.</summary>
    /// <param name="figure">The figure.</param>
    /// <param name="context">Where and how.</param>
    /// <param name="panels">Names of the panels to run; null for all.</param>
    /// <exception cref="ArgumentException">
    /// A panel is unknown, or the directory holds another figure or results of other settings.
    /// </exception>
    /// <exception cref="InvalidDataException">A file in the directory is damaged.</exception>
    public FigureRun(Figure figure, ExperimentContext context, IReadOnlyList<string>? panels = null)
    {
        ArgumentNullException.ThrowIfNull(figure);
        ArgumentNullException.ThrowIfNull(context);
        _figure = figure;
        _context = context;
        string? unknown = panels?.FirstOrDefault(name => figure.Panels.All(panel => panel.Name != name));
        if (unknown is not null)
        {
            throw new ArgumentException(
                $"{figure.Name} has no panel '{unknown}'; expected "
                + $"{string.Join(", ", figure.Panels.Select(panel => panel.Name))}.");
        }

        RequireSameFigure();
        _chosen = [.. figure.Panels.Where(panel => panels?.Contains(panel.Name) != false)];
        foreach (Panel panel in _chosen)
        {
            if (panel.Unavailable is string reason)
            {
                _reasons.Add(panel, reason);
            }
            else if (panel.Rounds > 0)
            {
                panel.Jobs(context, 0);
            }
        }
    }

    /// <summary>Where the report goes.</summary>
    public string ReportPath => Path.Combine(_context.Directory, "report.html");

    /// <summary>Rounds of jobs, 0 or more.</summary>
    public int Rounds => _chosen.Max(panel => panel.Rounds);

    /// <summary>The panels that were chosen and have no result, with the reason in one sentence.</summary>
    public IReadOnlyList<(Panel Panel, string Reason)> LeftOut
    {
        get
        {
            lock (_lock)
            {
                return [.. _chosen.Where(_reasons.ContainsKey).Select(panel => (panel, _reasons[panel]))];
            }
        }
    }

    /// <summary>Whether no chosen panel can be run, or none is left that has not failed.</summary>
    public bool IsHopeless => LeftOut.Count == _chosen.Length;

    /// <summary>Makes the directory, takes hold of it and marks it as this figure's.</summary>
    /// <returns>What holds the directory against other processes until it is disposed.</returns>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="DirectoryInUseException">Another process holds it.</exception>
    public DirectoryLock Begin()
    {
        DirectoryLock held = DirectoryLock.Take(_context.Directory);
        try
        {
            AtomicFile.DeleteLeftovers(_context.Directory);
            AtomicFile.WriteAllText(
                MarkerPath,
                $"{{ \"figure\": \"{_figure.Name}\", \"quick\": {(_context.Quick ? "true" : "false")} }}\n");
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>What is left to do in a round.</summary>
    /// <param name="round">The round, in [0, <see cref="Rounds"/>); those before are done.</param>
    /// <returns>The jobs with their panels.</returns>
    public IReadOnlyList<(Panel Panel, ExperimentJob Job)> Jobs(int round)
    {
        HashSet<Panel> without = [.. LeftOut.Select(entry => entry.Panel)];
        return
        [
            .. from panel in _chosen
               where panel.Rounds > round && !without.Contains(panel)
               from job in panel.Jobs(_context, round)
               select (panel, job),
        ];
    }

    /// <summary>Takes note that a job has failed: its panel has no result.</summary>
    /// <param name="panel">The job's panel.</param>
    /// <param name="job">The job.</param>
    /// <param name="error">Why.</param>
    public void Fail(Panel panel, ExperimentJob job, Exception error)
    {
        ArgumentNullException.ThrowIfNull(panel);
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(error);
        lock (_lock)
        {
            _reasons.TryAdd(panel, $"{job.Label} failed: {error.Message}");
        }
    }

    /// <summary>
    /// Writes the report: the chosen panels, and those of the figure that the directory holds finished from before.
    /// </summary>
    /// <returns>What it says of each panel.</returns>
    /// <exception cref="IOException">It cannot be written.</exception>
    public IReadOnlyList<PanelReport> WriteReport()
    {
        Dictionary<Panel, string> without = LeftOut.ToDictionary(entry => entry.Panel, entry => entry.Reason);
        Panel[] shown = [.. _figure.Panels.Where(panel => _chosen.Contains(panel) || IsFinished(panel))];
        PanelReport[] reports =
        [
            .. shown.Select(panel => without.TryGetValue(panel, out string? reason)
                ? new PanelReport(panel.Title, Verdict.NotRun, [reason], [], null, [])
                : panel.Report(_context)),
        ];
        FigureReport.Save(
            ReportPath, _figure, _context, reports, [.. _figure.Panels.Except(shown).Select(panel => panel.Title)]);
        return reports;
    }

    private string MarkerPath => Path.Combine(_context.Directory, MarkerFile);

    // Of panels that were not chosen: those with results, all of them.
    private bool IsFinished(Panel panel)
    {
        try
        {
            return panel.Rounds > 0 && panel.Unavailable is null
                && Enumerable.Range(0, panel.Rounds).All(round => panel.Jobs(_context, round).Count == 0);
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private void RequireSameFigure()
    {
        if (File.Exists(_context.Directory))
        {
            throw new IOException($"Cannot write to '{_context.Directory}': it is a file; expected a directory.");
        }

        if (!File.Exists(MarkerPath))
        {
            return;
        }

        string name;
        bool quick;
        try
        {
            using JsonDocument marker = JsonDocument.Parse(
                InputFile.ReadAllText(MarkerPath, "mark of a figure (JSON)", LargestMark));
            name = marker.RootElement.GetProperty("figure").GetString() ?? string.Empty;
            quick = marker.RootElement.GetProperty("quick").GetBoolean();
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new InvalidDataException(
                $"'{MarkerPath}' does not say which figure the directory holds: {error.Message.TrimEnd('.')}.", error);
        }

        if ((name, quick) != (_figure.Name, _context.Quick))
        {
            throw new ArgumentException(
                $"'{_context.Directory}' holds {Describe(name, quick)}; {Describe(_figure.Name, _context.Quick)} needs "
                + "a directory of its own (--out).");
        }
    }

    private static string Describe(string name, bool quick) => quick ? $"{name} --quick" : $"{name} at full length";
}

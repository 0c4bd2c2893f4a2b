using System.Globalization;
using System.Text.Json;
using HipiFast.Benchmarking.Results;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Storage;
using HipiFast.Training;
using Spectre.Console;

namespace HipiFast.Cli;

/// <summary>Shows how several runs get on: a live table on a terminal, a line per evaluation when piped.</summary>
internal sealed class TrainingDisplay
{
    private const int RefreshMilliseconds = 150;
    private const int BarWidth = 18;

    private readonly ConsoleOutput _console;
    private readonly SeedState[] _seeds;
    private string? _cost;

    public TrainingDisplay(ConsoleOutput console, IReadOnlyList<TrainingConfig> configs)
    {
        _console = console;
        _seeds = [.. configs.Select(config => new SeedState(this, config))];
    }

    public ITrainingObserver ObserverOf(int index) => _seeds[index];

    /// <summary>Says that a run was opened.</summary>
    public void Begin(int index, TrainingRun run)
    {
        SeedState seed = _seeds[index];
        seed.Take(run);
        if (!_console.Interactive)
        {
            TrainingConfig config = run.Config;
            string from = run.EnvSteps > 0 ? $", from step {NumberText.Count(run.EnvSteps)}" : string.Empty;
            _console.Line(
                $"seed {config.Run.Seed}: {config.Environment}, {OptionNames.Kebab(config.Relabeling.Strategy)}, "
                + $"{NumberText.Count(config.Run.Steps)} steps, "
                + $"{config.Run.GradientSteps} gradient steps each{from}, on {run.Backend.Name}, in "
                + $"{run.Directory.Path}");
        }

        if (index == 0)
        {
            _cost = Describe(run.Config, run.Forecast);
            if (_cost is not null && !_console.Interactive)
            {
                _console.Line(_cost);
            }
        }
    }

    /// <summary>Says that a run came to its end or stopped.</summary>
    public void End(int index, TrainingRun run) => _seeds[index].Take(run);

    /// <summary>Keeps the live table fresh until the runs are over.</summary>
    public void ShowWhile(Func<bool> running)
    {
        if (!_console.Interactive)
        {
            while (running())
            {
                Thread.Sleep(RefreshMilliseconds);
            }

            return;
        }

        AnsiConsole.Live(CreateTable()).Start(context =>
        {
            while (running())
            {
                context.UpdateTarget(CreateTable());
                context.Refresh();
                Thread.Sleep(RefreshMilliseconds);
            }

            context.UpdateTarget(CreateTable());
        });
    }

    /// <summary>The table of final results, with mean and standard deviation over several seeds.</summary>
    public void WriteSummary()
    {
        MetricColumn score = ScoreColumn.Of(_seeds.SelectMany(seed => seed.SuccessRates));
        string[] header =
        [
            "seed", "env steps", "success", "success (mean action)", "return", "return (mean action)",
            score == MetricColumn.SuccessRate
                ? "area under success curve"
                : "area under return curve", "time", "updates/s",
        ];
        List<IReadOnlyList<string>> rows = [.. _seeds.Select(seed => seed.SummaryRow(score))];
        if (_seeds.Length > 1)
        {
            rows.Add(
            [
                "mean ± sd",
                string.Empty,
                Spread(seed => seed.Last(MetricColumn.SuccessRate)),
                Spread(seed => seed.Last(MetricColumn.MeanActionSuccessRate)),
                Spread(seed => seed.Last(MetricColumn.EpisodeReturn)),
                Spread(seed => seed.Last(MetricColumn.MeanActionReturn)),
                Spread(seed => seed.Area(score)),
                string.Empty,
                string.Empty,
            ]);
        }

        _console.Table(header, rows);
    }

    /// <summary>Writes the results of one run into a JSON object that is open.</summary>
    public void WriteJson(Utf8JsonWriter writer, int index)
    {
        SeedState seed = _seeds[index];
        writer.WriteString("variant", seed.Variant);
        writer.WriteNumber("env_steps", seed.EnvSteps);
        NumberText.Write(writer, "success_rate", seed.Last(MetricColumn.SuccessRate));
        NumberText.Write(writer, "mean_action_success_rate", seed.Last(MetricColumn.MeanActionSuccessRate));
        NumberText.Write(writer, "episode_return", seed.Last(MetricColumn.EpisodeReturn));
        NumberText.Write(writer, "area_under_success_curve", seed.Area(MetricColumn.SuccessRate));
        NumberText.Write(writer, "area_under_return_curve", seed.Area(MetricColumn.EpisodeReturn));
        NumberText.Write(writer, "seconds", seed.Latest.Seconds);
        NumberText.Write(writer, "updates_per_second", seed.Latest.UpdatesPerSecond);
    }

    private Table CreateTable()
    {
        Table table = new Table().Border(TableBorder.Rounded);
        foreach (
            string title in (ReadOnlySpan<string>)
            [
                "seed", "progress", "env steps", "success", "return", "env steps/s", "updates/s", "left"
            ])
        {
            table.AddColumn(title);
        }

        foreach (SeedState seed in _seeds)
        {
            seed.AddLiveRow(table);
        }

        if (_cost is not null)
        {
            table.Caption(_cost);
        }

        return table;
    }

    /// <summary>Markup of a bar with the share that is done.</summary>
    /// <param name="envSteps">Steps taken; the last round of many copies may take more than were asked for.</param>
    /// <param name="wanted">Steps asked for.</param>
    internal static string Bar(long envSteps, long wanted)
    {
        double done = Math.Clamp((double)envSteps / wanted, 0, 1);
        int filled = (int)(done * BarWidth);
        return $"[green]{new string('━', filled)}[/][grey]{new string('━', BarWidth - filled)}[/] {done * 100:0}%";
    }

    // Where inference takes most of the time, what would bound it.
    private static string? Describe(TrainingConfig config, CostForecast cost)
    {
        if (cost.SoftQValues == 0)
        {
            return null;
        }

        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"relabeling takes about {cost.RelabelShare:0%} of the time of training ({cost.SoftQValues:0.#} soft-Q "
            + $"values for each transition)");
        return cost.RelabelShare <= 0.5 ? text : config.Relabeling switch
        {
            { Groups: true } => text,
            { Assignment: Assignment.Task } => text + "; a smaller --row-pool makes it cheaper",
            _ => text + "; --group-rows 16 makes it cheaper, whatever the batch",
        };
    }

    private string Spread(Func<SeedState, double> value)
    {
        double[] values = [.. _seeds.Select(value)];
        double mean = values.Average(), deviation = Math.Sqrt(
            values.Sum(entry => (entry - mean) * (entry - mean)) / (values.Length - 1));
        return NumberText.MeanAndDeviation(mean, deviation);
    }

    /// <summary>
    /// What is known of one run. Written by the thread that trains it, read by the one that shows it.
    /// </summary>
    private sealed class SeedState(TrainingDisplay display, TrainingConfig config) : ITrainingObserver
    {
        private readonly Lock _lock = new();
        private readonly List<double[]> _metrics = [];
        private TrainingProgress _latest = new(0, config.Run.Steps, 0, 0, double.NaN, double.NaN, double.NaN);

        public TrainingProgress Latest
        {
            get
            {
                lock (_lock)
                {
                    return _latest;
                }
            }
        }

        public long EnvSteps => Latest.EnvSteps;

        /// <summary>Name of the backend that computes; null when the run was never opened.</summary>
        public string? Variant { get; private set; }

        /// <summary>Success rates of all evaluations, with sampled and with mean actions.</summary>
        public double[] SuccessRates
        {
            get
            {
                lock (_lock)
                {
                    return [.. _metrics.SelectMany(
                        row =>
                            (double[])
                            [row[(int)MetricColumn.SuccessRate], row[(int)MetricColumn.MeanActionSuccessRate]])];
                }
            }
        }

        /// <summary>Mean of a curve over the evaluations.</summary>
        public double Area(MetricColumn column)
        {
            lock (_lock)
            {
                return _metrics.Count == 0 ? double.NaN : _metrics.Average(row => row[(int)column]);
            }
        }

        public void Take(TrainingRun run)
        {
            lock (_lock)
            {
                _metrics.Clear();
                for (int row = 0; row < run.Metrics.Count; row++)
                {
                    _metrics.Add(run.Metrics.Row(row).ToArray());
                }

                _latest = _latest with { EnvSteps = run.EnvSteps, Seconds = run.Seconds };
                Variant = run.Backend.Name;
            }
        }

        public void Progress(in TrainingProgress progress)
        {
            lock (_lock)
            {
                _latest = progress;
            }
        }

        public void Evaluated(ReadOnlySpan<double> row)
        {
            lock (_lock)
            {
                _metrics.Add(row.ToArray());
            }

            if (!display._console.Interactive)
            {
                TrainingProgress latest = Latest;
                display._console.Line(
                    $"seed {config.Run.Seed}  env steps {row[(int)MetricColumn.EnvSteps]:0}/{config.Run.Steps}"
                    + $"  success {NumberText.Fixed(row[(int)MetricColumn.SuccessRate], 3)}"
                    + $"  mean action {NumberText.Fixed(row[(int)MetricColumn.MeanActionSuccessRate], 3)}"
                    + $"  return {NumberText.Fixed(row[(int)MetricColumn.EpisodeReturn], 2)}"
                    + $"  updates/s {NumberText.Count(latest.UpdatesPerSecond)}  left "
                    + $"{ConsoleOutput.Duration(latest.RemainingSeconds)}");
            }
        }

        public double Last(MetricColumn column)
        {
            lock (_lock)
            {
                return _metrics.Count == 0 ? double.NaN : _metrics[^1][(int)column];
            }
        }

        public IReadOnlyList<string> SummaryRow(MetricColumn score)
        {
            TrainingProgress latest = Latest;
            return
            [
                config.Run.Seed.ToString(CultureInfo.InvariantCulture),
                NumberText.Count(latest.EnvSteps),
                NumberText.Fixed(Last(MetricColumn.SuccessRate), 3),
                NumberText.Fixed(Last(MetricColumn.MeanActionSuccessRate), 3),
                NumberText.Fixed(Last(MetricColumn.EpisodeReturn), 1),
                NumberText.Fixed(Last(MetricColumn.MeanActionReturn), 1),
                NumberText.Fixed(Area(score), 3),
                ConsoleOutput.Duration(latest.Seconds),
                NumberText.Count(latest.UpdatesPerSecond),
            ];
        }

        public void AddLiveRow(Table table)
        {
            TrainingProgress latest = Latest;
            table.AddRow(
                config.Run.Seed.ToString(CultureInfo.InvariantCulture),
                Bar(latest.EnvSteps, config.Run.Steps),
                $"{NumberText.Count(latest.EnvSteps)} / {NumberText.Count(config.Run.Steps)}",
                $"[bold]{NumberText.Fixed(Last(MetricColumn.SuccessRate), 3)}[/]",
                NumberText.Fixed(Last(MetricColumn.EpisodeReturn), 1),
                NumberText.Count(latest.EnvStepsPerSecond),
                NumberText.Count(latest.UpdatesPerSecond),
                ConsoleOutput.Duration(latest.RemainingSeconds));
        }
    }
}

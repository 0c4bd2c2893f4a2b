using System.Globalization;
using HipiFast.Kernels.Memory;
using HipiFast.Options;
using HipiFast.Storage;

namespace HipiFast.Training;

/// <summary>
/// The logs of one run: metrics.csv, timing.csv, TensorBoard events and the learning curve, all made of the rows kept
/// here.
/// </summary>
public sealed class RunLogs : IDisposable
{
    private const string MetricsName = "run.metrics";
    private const string TimingName = "run.timing";

    private static readonly string[] s_metricColumns = ColumnNames<MetricColumn>();
    private static readonly string[] s_timingColumns = ColumnNames<TimingColumn>();

    private readonly RunDirectory _directory;
    private readonly string _title;
    private TensorBoardWriter? _events;
    private long? _resumeStep;
    private UseGuard _use;

    /// <summary>Makes empty logs; nothing is written yet.</summary>
    /// <param name="directory">Where the files go.</param>
    /// <param name="config">Names the curve.</param>
    public RunLogs(RunDirectory directory, TrainingConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _directory = directory;
        _title = Title(config);
    }

    /// <summary>The rows of <c>metrics.csv</c>, columns as in <see cref="MetricColumn"/>.</summary>
    public MetricsLog Metrics { get; } = new(s_metricColumns);

    /// <summary>The rows of <c>timing.csv</c>, columns as in <see cref="TimingColumn"/>.</summary>
    public MetricsLog Timing { get; } = new(s_timingColumns);

    /// <summary>Name of a column in the file.</summary>
    /// <param name="column">The column.</param>
    /// <returns>snake_case.</returns>
    public static string NameOf(MetricColumn column) => s_metricColumns[(int)column];

    /// <summary>Heading of the learning curve of a configuration.</summary>
    /// <param name="config">The configuration.</param>
    /// <returns>Environment and strategy.</returns>
    public static string Title(TrainingConfig config) => $"{config.Environment}, {StrategyName(config)}";

    /// <summary>
    /// Draws the success rate (sampled and mean actions) of several seeds, mean and spread; where no evaluation has had
    /// a success, as when tasks never end, the return.
    /// </summary>
    /// <param name="path">File to write.</param>
    /// <param name="title">Heading.</param>
    /// <param name="seeds">One table of metrics per seed.</param>
    public static void WriteCurve(string path, string title, IReadOnlyList<MetricsLog> seeds)
    {
        LearningCurve[] sampled = CurvesOf(
            MetricColumn.SuccessRate), mean = CurvesOf(MetricColumn.MeanActionSuccessRate);
        bool isRate = ScoreColumn.Of(
            sampled.Concat(mean).SelectMany(curve => curve.Values)) == MetricColumn.SuccessRate;
        LearningCurveSvg figure = isRate ? new(title) { ValueRange = (0, 1) } : new(title) { ValueLabel = "return" };
        figure.Add("sampled actions", isRate ? sampled : CurvesOf(MetricColumn.EpisodeReturn));
        figure.Add("mean action", isRate ? mean : CurvesOf(MetricColumn.MeanActionReturn));
        figure.Save(path);

        LearningCurve[] CurvesOf(MetricColumn column) =>
            [.. seeds.Select(
                seed => new LearningCurve(seed.Column(NameOf(MetricColumn.EnvSteps)), seed.Column(NameOf(column))))];
    }

    /// <summary>
    /// Writes files for the rows so far, when a run starts or continues: what a killed process had written beyond them
    /// goes.
    /// </summary>
    /// <param name="continues">Whether earlier event files exist.</param>
    public void Begin(bool continues)
    {
        using UseGuard.Scope use = _use.Enter(this);
        _resumeStep = null;
        if (continues)
        {
            _resumeStep = Metrics.Count == 0 ? 1 : (long)Metrics.Row(Metrics.Count - 1)[(int)MetricColumn.EnvSteps] + 1;
        }

        Write();
    }

    /// <summary>Adds a row to each log, and writes them.</summary>
    /// <param name="metrics">One entry per <see cref="MetricColumn"/>.</param>
    /// <param name="timing">One entry per <see cref="TimingColumn"/>.</param>
    public void Add(ReadOnlySpan<double> metrics, ReadOnlySpan<double> timing)
    {
        using UseGuard.Scope use = _use.Enter(this);
        Metrics.Add(metrics);
        Timing.Add(timing);

        // Only now: a run that is continued and has nothing left to do leaves no empty file.
        _events ??= new TensorBoardWriter(_directory.Path, _resumeStep);
        WriteEvents("metrics/", s_metricColumns, metrics);
        WriteEvents("timing/", s_timingColumns, timing);
        _events.Flush();
        Write();
    }

    /// <summary>Adds the rows to a checkpoint.</summary>
    /// <param name="writer">The checkpoint.</param>
    public void SaveState(SafetensorsWriter writer)
    {
        using UseGuard.Scope use = _use.Enter(this);
        Save(writer, MetricsName, Metrics);
        Save(writer, TimingName, Timing);
    }

    /// <summary>Restores the rows from a checkpoint into logs that are empty.</summary>
    /// <param name="file">The checkpoint.</param>
    /// <exception cref="InvalidDataException">The rows are missing or have other columns.</exception>
    public void LoadState(SafetensorsFile file)
    {
        using UseGuard.Scope use = _use.Enter(this);
        Load(file, MetricsName, Metrics);
        Load(file, TimingName, Timing);
    }

    /// <summary>Closes the files; the tables stay. A second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A row is being written.</exception>
    public void Dispose()
    {
        if (_use.Close(this))
        {
            _events?.Dispose();
        }
    }

    private static string StrategyName(TrainingConfig config) => OptionNames.Kebab(config.Relabeling.Strategy);

    private static string[] ColumnNames<TColumn>()
        where TColumn : struct, Enum => [.. Enum.GetNames<TColumn>().Select(OptionNames.Snake)];

    private static void Save(SafetensorsWriter writer, string name, MetricsLog log)
    {
        int columns = log.Columns.Count;
        double[] values = new double[log.Count * columns];
        for (int row = 0; row < log.Count; row++)
        {
            log.Row(row).CopyTo(values.AsSpan(row * columns));
        }

        writer.Add<double>(name, values, log.Count, columns);
    }

    private static void Load(SafetensorsFile file, string name, MetricsLog log)
    {
        int columns = log.Columns.Count;
        TensorInfo tensor = file.Require(name, TensorType.Float64, -1, columns);
        double[] values = new double[tensor.ElementCount];
        file.Read<double>(name, values);
        for (int first = 0; first < values.Length; first += columns)
        {
            double step = values[first];
            if (!double.IsInteger(step) || step < 0 || (first > 0 && step <= values[first - columns]))
            {
                throw new InvalidDataException(
                    $"{FileMessages.Tensor(name, file.Path)} is of step {step.ToString(CultureInfo.InvariantCulture)} "
                    + $"at row {first / columns}; "
                    + "expected whole numbers that rise.");
            }

            log.Add(values.AsSpan(first, columns));
        }
    }

    private void Write()
    {
        Metrics.Save(_directory.Metrics);
        Timing.Save(_directory.Timing);
        WriteCurve(_directory.Curve, _title, [Metrics]);
    }

    private void WriteEvents(string section, string[] names, ReadOnlySpan<double> row)
    {
        // The first column is the step itself.
        for (int column = 1; column < row.Length; column++)
        {
            if (double.IsFinite(row[column]))
            {
                _events!.Scalar(section + names[column], (float)row[column], (long)row[0]);
            }
        }
    }
}

using System.Diagnostics;
using HipiFast.Data;
using HipiFast.Import;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Storage;
using Spectre.Console;

namespace HipiFast.Cli.Relabel;

/// <summary>One run of <c>relabel</c>: reads, relabels block by block, writes and reports.</summary>
internal sealed class RelabelRun : IDisposable
{
    // Soft-Q values from which on it is worth a fraction of a second to tell how long they will take.
    private const double LargeCall = 3e7;

    private readonly RelabelRequest _request;
    private readonly RelabelInput _input;
    private readonly TransitionReader _reader;
    private readonly TransitionBatch _batch;
    private readonly long[] _rowOf;
    private readonly long[] _episodes;
    private readonly NativeBuffer<float> _softQ = new(0);
    private readonly Relabeler _relabeler;
    private readonly RelabeledFile _result;
    private readonly EpisodeWindow? _window;
    private readonly RelabelTally _tally = new();
    private readonly Stopwatch _relabeling = new();
    private OutsideActions _outside;
    private double _pairs;
    private int _blockRows;

    private RelabelRun(RelabelRequest request, RelabelInput input)
    {
        _request = request;
        _input = input;
        _reader = input.Transitions;
        _blockRows = (int)Math.Min(request.Batch ?? MostRows(input), _reader.Rows);
        _relabeler = input.Agent?.CreateRelabeler(input.Family, request.Options)
            ?? new Relabeler(input.Family, null, request.Options);
        try
        {
            _window = request.TakesGoals ? new EpisodeWindow(_reader, input.Shape) : null;
            _batch = new TransitionBatch(input.Shape, _blockRows);
            _rowOf = new long[_blockRows];
            _episodes = request.Trajectories ? new long[_blockRows] : [];
            _result = new RelabeledFile(request, _reader, input.Shape);
        }
        catch
        {
            _window?.Dispose();
            _batch?.Dispose();
            _relabeler.Dispose();
            throw;
        }

        _relabeler.Observer = _result.NeedsObserver ? _result : null;
    }

    // An agent that this program has not trained, in a few words.
    private string? ForeignAgent =>
        _input.Agent is null or { Format: AgentFormat.HipiFast } ? null : _input.Agent.Description;

    /// <summary>Relabels, writes the result, and says what came of it.</summary>
    /// <param name="console">Where to.</param>
    /// <param name="request">What was asked for.</param>
    /// <exception cref="ArgumentException">What was asked for does not go together.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or one does not fit another.</exception>
    /// <exception cref="IOException">A file cannot be read, or the result not written.</exception>
    /// <exception cref="NotSupportedException">The backend cannot run here.</exception>
    public static void Execute(ConsoleOutput console, RelabelRequest request)
    {
        request.Check();
        OptionalComponents.RequireBackend(
            request.Options.Compute.Backend, request.Options.Compute.Precision, request.Options.Compute.Device);
        OutputPath.RequireWritable(request.Out);
        using RelabelInput input = RelabelInput.Open(request);
        DataInput.Describe(console, input.Transitions);
        using RelabelRun run = new(request, input);
        run.Relabel(console);
        run.Warn();
        run._result.Save(withRewards: request.Family is not null, run._reader.Count);
        run.Report(console);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _result.Dispose();
        _window?.Dispose();
        _batch.Dispose();
        _softQ.Dispose();
        _relabeler.Dispose();
    }

    // Without --batch the whole file is one.
    private static int MostRows(RelabelInput input)
    {
        TransitionShape shape = input.Shape;
        int most = int.MaxValue / Math.Max(
            shape.ObservationDimension, Math.Max(shape.ActionDimension, shape.TaskDimension));
        return input.Transitions.Rows <= most
            ? most
            : throw new InvalidDataException(
                $"'{input.Transitions.Path}' has {input.Transitions.Rows} rows, more than the {most} that one batch "
                + "can hold; give --batch.");
    }

    private void Relabel(ConsoleOutput console)
    {
        long rows = _reader.Rows;
        if (_reader.Count == 0)
        {
            throw new InvalidDataException(
                $"'{_reader.Path}' has no transitions: none of its {rows} rows has a next state and is valid.");
        }

        Forecast(console);
        Progress(console, rows * _request.Copies, report =>
        {
            for (int copy = 0; copy < _request.Copies; copy++)
            {
                for (long first = 0; first < rows; first += _blockRows)
                {
                    RelabelFrom(first, (int)Math.Min(_blockRows, rows - first), copy);
                    report((copy * rows) + first);
                }
            }
        });
    }

    // Says what a large call will take before it is begun.
    private void Forecast(ConsoleOutput console)
    {
        int set = _input.Tasks is TaskTable tasks ? tasks.Tasks.Length / tasks.TaskDimension : 0;
        double calls = Math.Ceiling((double)_reader.Rows / _blockRows) * _request.Copies;
        if (_input.Agent is null || _request.Trajectories
            || _request.Options.SoftQValues(_blockRows, set) * _blockRows * calls < LargeCall)
        {
            return;
        }

        RelabelForecast forecast = _relabeler.Forecast(_blockRows, set, _input.Shape);
        string seconds = NumberText.Count(Math.Ceiling((forecast.Time * calls).TotalSeconds));
        console.Line(
            $"This takes about {seconds} s: {NumberText.Count(forecast.SoftQValues * calls)} soft-Q values, "
            + $"{NumberText.Count(forecast.MatrixBytes / 1e6)} MB for a matrix of them.");
    }

    private void RelabelFrom(long first, int rows, int copy)
    {
        // One block of the whole file serves all copies: what relabeling changes is read again.
        int count = _reader.Read(_batch, first, rows, _rowOf);
        if (count == 0)
        {
            _result.Take(_batch, default, first, rows);
            return;
        }

        // Where the policy has to answer for actions, the relabeler refuses those; returns take any.
        if (!_request.Trajectories && copy == 0 && _input.Agent is null or { HasUnitActions: true })
        {
            OutsideActions found = OutsideActions.Of(_batch);
            _outside = _outside.Add(found.Count > 0 ? found with { Row = _rowOf[found.Row] } : found, 0);
        }

        _result.Begin(_rowOf);
        _relabeling.Start();
        RelabelResult relabeled;
        try
        {
            relabeled = _request.Trajectories ? RelabelTrajectories(first, rows) : RelabelTransitions();
        }
        catch (InvalidDataException error)
        {
            // The relabeler numbers what it is given; a batch of a file begins somewhere in it.
            string where = _request.Batch is null ? string.Empty : $", counting from row {first}";
            throw new InvalidDataException($"In {_reader.Path}{where}: {error.Message}", error);
        }

        _relabeling.Stop();
        _tally.Add(relabeled.Diagnostics, count, hasCommanded: _reader.TaskDimension > 0);
        int scored = _request.IsByTask && _input.SoftQ is null ? Math.Min(_request.Options.RowPool, count) : count;
        _pairs += (double)(relabeled.Candidates.Length / _input.Shape.TaskDimension) * scored;
        _result.Take(_batch, relabeled, first, rows);
        if (_request.DumpsLogPartition)
        {
            _result.TakeLogPartition(relabeled.LogPartition);
        }
    }

    private RelabelResult RelabelTrajectories(long first, int rows)
    {
        _reader.ReadEpisodes(_episodes.AsSpan(0, rows), first);
        for (int i = 0; i < _batch.Count; i++)
        {
            _episodes[i] = _episodes[_rowOf[i] - first];
        }

        ReadOnlySpan<long> episodes = _episodes.AsSpan(0, _batch.Count);
        return _input.Tasks is null
            ? _relabeler.RelabelTrajectories(_batch, episodes)
            : _relabeler.RelabelTrajectories(_batch, episodes, _input.Tasks.Tasks, _input.Tasks.LogPrior);
    }

    private RelabelResult RelabelTransitions()
    {
        ReplayBuffer? replay = _window?.MoveTo(
            _batch, _rowOf,
            _request.Options.Strategy == RelabelStrategy.Final || _request.Options.MixesFinal
                ? 0
                : _request.Options.FutureHorizon);
        if (_input.SoftQ is SoftQTable softQ)
        {
            long length = (long)_batch.Count * softQ.Candidates;
            if (length > Array.MaxLength)
            {
                throw new InvalidDataException(
                    $"'{softQ.Path}' holds {length} soft Q-values of one batch; give --batch.");
            }

            _softQ.EnsureLength(length);
            Span<float> values = _softQ.Slice(0, (int)length);
            softQ.Read(_rowOf.AsSpan(0, _batch.Count), values);
            return _relabeler.RelabelBySoftQ(
                _batch, values, _input.Tasks is null ? default : _input.Tasks.Tasks,
                _input.Tasks is null ? default : _input.Tasks.LogPrior, replay);
        }

        return _input.Tasks is null
            ? _relabeler.Relabel(_batch, replay)
            : _relabeler.Relabel(_batch, _input.Tasks.Tasks, replay, _input.Tasks.LogPrior);
    }

    private static void Progress(ConsoleOutput console, long rows, Action<Action<long>> work)
    {
        if (!console.Interactive)
        {
            work(_ => { });
            return;
        }

        ProgressColumn[] columns =
            [
                new SpinnerColumn(), new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(),
                new RemainingTimeColumn()
            ];
        AnsiConsole.Progress().Columns(columns).Start(context =>
        {
            ProgressTask task = context.AddTask($"relabeling {NumberText.Count(rows)} transitions", maxValue: rows);
            work(done => task.Value = done);
        });
    }

    private void Warn()
    {
        if (_outside.Count > 0)
        {
            ConsoleOutput.Warning(
                $"{_outside.Describe(_reader.Count)}; the critic was given them as they are, but agents act from -1 to "
                + "1.");
        }
    }

    private void Report(ConsoleOutput console)
    {
        if (_request.HasPartitionPerBlock(_reader.Count))
        {
            console.Line(
                $"Note: with --batch {_request.Batch} the partition is {_request.DescribePartition(_reader.Count)}, so "
                + "that other blocks would give other tasks.");
        }

        foreach (string note in _input.Agent?.Notes ?? [])
        {
            console.Line($"Note: {note}");
        }

        KernelBackend backend = _relabeler.Backend;
        double seconds = _relabeling.Elapsed.TotalSeconds;
        console.Table(
            ["relabel", string.Empty],
            [
                .. ForeignAgent is string foreign ? (string[][])[["agent", foreign]] : [],
                ["backend", $"{backend.Name} ({backend.Precision.ToString().ToLowerInvariant()})"],
                ["transitions", NumberText.Count(_reader.Count)],
                .. Extra(),
                ["pairs", NumberText.Count(_pairs)],
                ["time", NumberText.Fixed(seconds, 3) + " s"],
                ["pairs/s", NumberText.Rate(_pairs / seconds).TrimEnd()],
                ["relabeled", Percent(_tally.RelabeledShare)],
                ["effective tasks", NumberText.Fixed(_tally.EffectiveTasks, 2)],
                ["commanded task is the most likely", Percent(_tally.CommandedIsMode)],
                ["wrote", _request.Out],
            ]);
        console.Document(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("out", _request.Out);
            if (ForeignAgent is string foreign)
            {
                writer.WriteString("agent", foreign);
                writer.WriteStartArray("agent_notes");
                foreach (string note in _input.Agent!.Notes)
                {
                    writer.WriteStringValue(note);
                }

                writer.WriteEndArray();
            }

            writer.WriteString("variant", backend.Name);
            writer.WriteString("precision", backend.Precision.ToString().ToLowerInvariant());
            writer.WriteString("format", _reader.Format);
            writer.WriteStartArray("conversions");
            foreach (string conversion in _reader.Conversions)
            {
                writer.WriteStringValue(conversion);
            }

            writer.WriteEndArray();
            writer.WriteNumber("transitions", _reader.Count);
            writer.WriteNumber("rows_left_out", _reader.Rows - _reader.Count);
            writer.WriteNumber("copies", _request.Copies);
            writer.WriteString("partition", _request.DescribePartition(_reader.Count));
            NumberText.Write(writer, "pairs", _pairs);
            NumberText.Write(writer, "seconds", seconds);
            NumberText.Write(writer, "pairs_per_s", _pairs / seconds);
            NumberText.Write(writer, "relabeled_share", _tally.RelabeledShare);
            NumberText.Write(writer, "posterior_entropy", _tally.PosteriorEntropy);
            NumberText.Write(writer, "effective_tasks", _tally.EffectiveTasks);
            NumberText.Write(writer, "commanded_is_mode", _tally.CommandedIsMode);
            NumberText.Write(writer, "log_partition_min", _tally.LogPartitionMin);
            NumberText.Write(writer, "log_partition_max", _tally.LogPartitionMax);
            writer.WriteEndObject();
        });
    }

    private IEnumerable<IReadOnlyList<string>> Extra()
    {
        if (_reader.Rows > _reader.Count)
        {
            yield return ["rows that are no transitions", NumberText.Count(_reader.Rows - _reader.Count)];
        }

        if (_request.Copies > 1)
        {
            yield return ["copies of each", NumberText.Count(_request.Copies)];
        }
    }

    private static string Percent(double share) =>
        double.IsNaN(share) ? "-" : NumberText.Fixed(100 * share, 1) + "%";
}

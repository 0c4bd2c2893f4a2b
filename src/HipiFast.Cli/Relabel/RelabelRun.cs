using System.Diagnostics;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Tasks;
using Spectre.Console;

namespace HipiFast.Cli.Relabel;

/// <summary>One run of <c>relabel</c>: reads, relabels batch by batch, writes and reports.</summary>
internal sealed class RelabelRun
{
    private readonly RelabelRequest _request;
    private readonly TransitionFile _file;
    private readonly NativeBuffer<float> _tasks;
    private readonly float[] _logPrior;
    private readonly TransitionBatch _batch;
    private readonly long[] _episodes;
    private readonly Relabeler _relabeler;
    private readonly RelabeledFile _result;
    private readonly RelabelTally _tally = new();
    private readonly Stopwatch _relabeling = new();
    private OutsideActions _outside;
    private double _pairs;

    private RelabelRun(
        RelabelRequest request, TransitionFile file, NativeBuffer<float> tasks, TransitionBatch batch,
        Relabeler relabeler, RelabeledFile result)
    {
        _request = request;
        _file = file;
        _tasks = tasks;
        _logPrior = request.Tasks is null
            ? []
            : TransitionFile.LoadLogPrior(request.Tasks, (int)(tasks.Length / file.Shape.TaskDimension));
        _batch = batch;
        _episodes = request.Trajectories ? new long[batch.Capacity] : [];
        _relabeler = relabeler;
        _result = result;
        _relabeler.Observer = result.NeedsObserver ? result : null;
    }

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
        using TransitionFile file = TransitionFile.Open(request.Transitions);
        using AgentNetworks? agent = request.Agent is null ? null : AgentInput.LoadFor(file, request.Agent);
        if (request.Trajectories && !file.HasEpisodes)
        {
            throw new InvalidDataException(
                $"'{request.Transitions}' has no tensor 'episode'; expected one, [B] int64, with --estimator return.");
        }

        TaskFamily family = request.Family is null
            ? TaskFamilies.None(file.Shape.TaskDimension)
            : TaskFamilyJson.Read(request.Family, file.Shape);
        using NativeBuffer<float> tasks = request.Tasks is null
            ? new NativeBuffer<float>(0)
            : TransitionFile.LoadTasks(request.Tasks, file.Shape.TaskDimension);
        using TransitionBatch batch = request.Batch is int most
            ? new TransitionBatch(file.Shape, (int)Math.Min(most, file.Count))
            : file.ReadAll();
        using Relabeler relabeler = new(family, agent, request.Options);
        using RelabeledFile result = new(
            request.Out, file.Count, file.Shape, request.DumpsSoftQ, request.DumpsPosterior, request.IsByTask);
        RelabelRun run = new(request, file, tasks, batch, relabeler, result);
        run.Relabel(console);
        run.Warn();
        result.Save(
            request.Out, withRewards: request.Family is not null, request.IndexMeaning,
            request.DescribePartition(file.Count));
        run.Report(console);
    }

    private void Relabel(ConsoleOutput console) => Progress(console, _file.Count, report =>
    {
        for (long first = 0; first < _file.Count; first += _batch.Count)
        {
            RelabelFrom(first);
            report(first + _batch.Count);
        }
    });

    private void RelabelFrom(long first)
    {
        if (_request.Batch is int most)
        {
            _file.Read(_batch, first, (int)Math.Min(most, _file.Count - first));
        }

        // Where the policy has to answer for actions, the relabeler refuses those; returns take any.
        if (!_request.Trajectories)
        {
            _outside = _outside.Add(OutsideActions.Of(_batch), first);
        }

        _relabeling.Start();
        RelabelResult relabeled;
        try
        {
            relabeled = _request.Trajectories ? RelabelTrajectories(first) : RelabelTransitions();
        }
        catch (InvalidDataException error)
        {
            // The relabeler numbers what it is given; a batch of a file begins somewhere in it.
            string where = _request.Batch is null ? string.Empty : $", counting from row {first}";
            throw new InvalidDataException($"In {_file.Path}{where}: {error.Message}", error);
        }

        _relabeling.Stop();
        int count = _batch.Count;
        _tally.Add(relabeled.Diagnostics, count);
        int scored = _request.IsByTask ? Math.Min(_request.Options.RowPool, count) : count;
        _pairs += (double)(relabeled.Candidates.Length / _file.Shape.TaskDimension) * scored;

        // Commanded candidates are numbered within their batch; in the file's numbering they are rows of the file.
        int offset = _request.Tasks is null && !_request.Trajectories ? (int)first : 0;
        _result.Take(_batch, relabeled, first, offset, _request.DumpsLogPartition);
    }

    private RelabelResult RelabelTrajectories(long first)
    {
        _file.ReadEpisodes(_episodes, first);
        return _request.Tasks is null
            ? _relabeler.RelabelTrajectories(_batch, _episodes)
            : _relabeler.RelabelTrajectories(_batch, _episodes, _tasks.Span, _logPrior);
    }

    private RelabelResult RelabelTransitions() => _request.Tasks is null
        ? _relabeler.Relabel(_batch)
        : _relabeler.Relabel(_batch, _tasks.Span, logPrior: _logPrior);

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
                $"{_outside.Describe(_file.Count)}; the critic was given them as they are, but agents act from -1 to "
                + "1.");
        }
    }

    private void Report(ConsoleOutput console)
    {
        if (_request.HasPartitionPerBlock(_file.Count))
        {
            console.Line(
                $"Note: with --batch {_request.Batch} the partition is {_request.DescribePartition(_file.Count)}, so "
                + "that other blocks would give other tasks.");
        }

        KernelBackend backend = _relabeler.Backend;
        double seconds = _relabeling.Elapsed.TotalSeconds;
        console.Table(
            ["relabel", string.Empty],
            [
                ["backend", $"{backend.Name} ({backend.Precision.ToString().ToLowerInvariant()})"],
                ["transitions", NumberText.Count(_file.Count)],
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
            writer.WriteString("variant", backend.Name);
            writer.WriteString("precision", backend.Precision.ToString().ToLowerInvariant());
            writer.WriteNumber("transitions", _file.Count);
            writer.WriteString("partition", _request.DescribePartition(_file.Count));
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

    private static string Percent(double share) =>
        double.IsNaN(share) ? "-" : NumberText.Fixed(100 * share, 1) + "%";
}

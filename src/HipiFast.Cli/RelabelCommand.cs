using System.CommandLine;
using System.Diagnostics;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Tasks;
using HipiFast.Training;
using Spectre.Console;

namespace HipiFast.Cli;

/// <summary><c>hipifast relabel</c>: relabels a file of transitions or trajectories.</summary>
internal static class RelabelCommand
{
    private const string ReturnEstimator = "return";
    private const string SoftQDump = "soft-q";
    private const string LogPartitionDump = "log-partition";
    private const string PosteriorDump = "posterior";

    private static readonly string[] s_dumps = [SoftQDump, LogPartitionDump, PosteriorDump];

    private sealed record Request
    {
        public required string Transitions { get; init; }

        public required string Out { get; init; }

        public string? Agent { get; init; }

        public string? Tasks { get; init; }

        public string? Family { get; init; }

        public bool Trajectories { get; init; }

        public int? Batch { get; init; }

        public bool HasRowPool { get; init; }

        public required IReadOnlyList<string> Dumps { get; init; }

        public required RelabelOptions Options { get; init; }
    }

    public static Command Create(Option<bool> json)
    {
        Option<string?> agent = new("--agent")
        {
            Description = "Agent whose critic judges (agent.safetensors of a run). Not needed with --estimator return.",
            HelpName = "A.safetensors",
        };
        Option<string> transitions = new("--transitions") { Description = "Transitions to relabel.", HelpName = "X.safetensors", Required = true };
        Option<string?> tasks = new("--tasks")
        {
            Description = "Candidate tasks, tensor task [K, P], and optionally log_prior [K] (unnormalised; -inf excludes a task). "
                + "Default: the tasks commanded in the batch, all equally likely.",
            HelpName = "P.safetensors",
        };
        Option<string?> estimator = new("--estimator")
        {
            Description = "Estimate of the soft Q-values; return sums rewards over whole episodes (needs the episode tensor). [critic]",
            HelpName = "critic|soft-critic|bellman|return",
        };
        Option<string?> assign = new("--assign")
        {
            Description = "Whether each transition (row) draws its task, or each task its transition. [row]",
            HelpName = "row|task",
        };
        Option<string?> rowPool = new("--row-pool")
        {
            Description = "With --assign task: random transitions, new for every 32 tasks, among which each task chooses. [64]",
            HelpName = "M",
        };
        Option<string?> family = new("--family")
        {
            Description = "Task family: rewards and terminations. Needed by bellman and return, and for reward and terminated in the result.",
            HelpName = "F.json",
        };
        Option<string?> gamma = new("--gamma") { Description = "Discount (bellman). [0.99]", HelpName = "F" };
        Option<string?> partition = new("--partition")
        {
            Description = "Normalise each task's soft Q-values over the batch, or not. [batch]",
            HelpName = "batch|none",
        };
        Option<string?> temperature = new("--temperature")
        {
            Description = "Temperature of the posterior over tasks; 0 takes the most likely. [1]",
            HelpName = "F",
        };
        Option<string?> twin = new("--twin") { Description = "How twin critics become one soft Q-value. [min]", HelpName = "min|mean|first" };
        Option<string?> fraction = new("--relabel-fraction")
        {
            Description = "Share of the transitions that receive a new task. [1]",
            HelpName = "F",
        };
        Option<string?> seed = new("--seed") { Description = "Seed of every random number. [1]", HelpName = "S" };
        Option<string?> backend = new("--backend") { Description = "Backend that computes. [auto]", HelpName = "NAME" };
        Option<string?> device = new("--device") { Description = "Device of the backend, such as cuda:0. [auto]", HelpName = "ID" };
        Option<string?> threads = new("--threads") { Description = "Threads; 0 for one per core. Results do not depend on it. [0]", HelpName = "N" };
        Option<string?> precision = new("--precision")
        {
            Description = "Arithmetic of the soft Q-values; auto is fp32 unless the backend is one of bf16. [auto]",
            HelpName = "auto|fp32|bf16",
        };
        Option<string?> dump = new("--dump")
        {
            Description = "Also write soft_q [B, K], log_partition [K] or posterior [B, K]; several separated by commas.",
            HelpName = string.Join(",", s_dumps),
        };
        Option<int?> batch = new("--batch")
        {
            Description = "Relabel this many transitions at a time. Default: the whole file as one batch.",
            HelpName = "N",
        };
        Option<string> output = new("--out")
        {
            Description = "File to write. Its task_index is -1 where nothing was relabeled, else: with --tasks a row of that file; without, the row "
                + "of the transitions whose commanded task it is (with --assign task always the row itself, as its transition is what changed); with "
                + "--estimator return and without --tasks, the number of the trajectory whose task it is, from 0 in the order of the file.",
            HelpName = "Y.safetensors",
            Required = true,
        };
        Command command = new("relabel", "Relabel a file of transitions: for each, which task it was good for.")
        {
            agent, transitions, tasks, estimator, assign, rowPool, family, gamma, partition, temperature, twin, fraction,
            seed, backend, device, threads, precision, dump, batch, output,
        };
        command.SetAction(parsed =>
        {
            string chosen = parsed.GetValue(estimator) ?? "critic";
            bool trajectories = chosen == ReturnEstimator;
            OptionLayer<RelabelOptions> layer = new();
            Take("relabel_fraction", parsed.GetValue(fraction) ?? "1");
            Take("estimator", trajectories ? null : chosen, chosen);
            Take("assign", parsed.GetValue(assign));
            Take("row_pool", parsed.GetValue(rowPool));
            Take("gamma", parsed.GetValue(gamma));
            Take("partition", parsed.GetValue(partition));
            Take("temperature", parsed.GetValue(temperature));
            Take("twin", parsed.GetValue(twin));
            Take("seed", parsed.GetValue(seed) ?? "1");
            Take("backend", parsed.GetValue(backend));
            Take("device", parsed.GetValue(device));
            Take("precision", parsed.GetValue(precision));
            Take("threads", parsed.GetValue(threads));
            return Run(new ConsoleOutput(parsed.GetValue(json)), new Request
            {
                Transitions = parsed.GetRequiredValue(transitions),
                Out = parsed.GetRequiredValue(output),
                Agent = parsed.GetValue(agent),
                Tasks = parsed.GetValue(tasks),
                Family = parsed.GetValue(family),
                Trajectories = trajectories,
                Batch = parsed.GetValue(batch),
                HasRowPool = parsed.GetValue(rowPool) is not null,
                Dumps = ParseDumps(parsed.GetValue(dump)),
                Options = layer.Apply(new RelabelOptions()),
            });

            void Take(string key, string? text, string? shown = null)
            {
                if (text is null)
                {
                    return;
                }

                try
                {
                    layer.Set(key, text);
                }
                catch (ArgumentException error) when (shown is not null)
                {
                    // The program knows one estimator more than a training run does.
                    throw new ArgumentException($"{error.Message.TrimEnd('.')}, {ReturnEstimator}.", error);
                }
            }
        });
        return command;
    }

    private static string[] ParseDumps(string? list)
    {
        string[] dumps = list?.Split(',', StringSplitOptions.TrimEntries) ?? [];
        foreach (string dump in dumps)
        {
            if (!s_dumps.Contains(dump))
            {
                throw new ArgumentException($"--dump names '{dump}'{NearestName.Suggestion(dump, s_dumps)}.");
            }
        }

        return dumps;
    }

    private static int Run(ConsoleOutput console, Request request)
    {
        CheckCombination(request);
        OptionalComponents.RequireBackend(
            request.Options.Compute.Backend, request.Options.Compute.Precision, request.Options.Compute.Device);
        OutputPath.RequireWritable(request.Out);
        using TransitionFile file = TransitionFile.Open(request.Transitions);
        using AgentNetworks? agent = request.Agent is null ? null : AgentInput.LoadFor(file, request.Agent);
        if (request.Trajectories && !file.HasEpisodes)
        {
            throw new InvalidDataException($"'{request.Transitions}' has no tensor 'episode'; expected one, [B] int64, with --estimator return.");
        }

        TaskFamily family = request.Family is null
            ? TaskFamily.Create(new NoFamily(file.Shape.TaskDimension))
            : TaskFamilyJson.Read(request.Family, file.Shape);
        using NativeBuffer<float> tasks =
            request.Tasks is null ? new NativeBuffer<float>(0) : TransitionFile.LoadTasks(request.Tasks, file.Shape.TaskDimension);
        float[] logPrior =
            request.Tasks is null ? [] : TransitionFile.LoadLogPrior(request.Tasks, (int)(tasks.Length / file.Shape.TaskDimension));
        long rows = file.Count;
        int batchRows = (int)Math.Min(request.Batch ?? rows, rows);
        using TransitionBatch batch = request.Batch is null ? file.ReadAll() : new TransitionBatch(file.Shape, batchRows);
        using Relabeler relabeler = new(family, agent, request.Options);
        bool byTask = request.Options.Assignment == Assignment.Task;
        bool softQ = request.Dumps.Contains(SoftQDump), posterior = request.Dumps.Contains(PosteriorDump);
        using RelabelOutput result = new(request.Out, rows, file.Shape, softQ, posterior, movesTransitions: byTask);
        relabeler.Observer = result.NeedsObserver ? result : null;
        long[] episodes = request.Trajectories ? new long[batchRows] : [];
        Stopwatch relabeling = new();
        double pairs = 0;
        RelabelSummary summary = new();
        Progress(console, rows, report =>
        {
            for (long first = 0; first < rows; first += batch.Count)
            {
                int count = (int)Math.Min(batchRows, rows - first);
                if (request.Batch is not null)
                {
                    file.Read(batch, first, count);
                }

                relabeling.Start();
                RelabelResult relabeled;
                try
                {
                    if (request.Trajectories)
                    {
                        file.ReadEpisodes(episodes, first);
                        relabeled = request.Tasks is null
                            ? relabeler.RelabelTrajectories(batch, episodes)
                            : relabeler.RelabelTrajectories(batch, episodes, tasks.Span, logPrior);
                    }
                    else
                    {
                        relabeled = request.Tasks is null ? relabeler.Relabel(batch) : relabeler.Relabel(batch, tasks.Span, logPrior: logPrior);
                    }
                }
                catch (InvalidDataException error)
                {
                    // The relabeler numbers what it is given; a batch of a file begins somewhere in it.
                    string where = request.Batch is null ? string.Empty : $", counting from row {first}";
                    throw new InvalidDataException($"In {file.Path}{where}: {error.Message}", error);
                }

                relabeling.Stop();
                summary.Add(relabeled.Diagnostics, count);
                int scored = byTask ? Math.Min(request.Options.RowPool, count) : count;
                pairs += (double)(relabeled.Candidates.Length / file.Shape.TaskDimension) * scored;

                // Commanded candidates are numbered within their batch; in the file's numbering they are rows of the file.
                int offset = request.Tasks is null && !request.Trajectories ? (int)first : 0;
                result.Take(batch, relabeled, first, offset, request.Dumps.Contains(LogPartitionDump));
                report(first + count);
            }
        });
        result.Save(request.Out, withRewards: request.Family is not null, IndexMeaning(request));
        Report(console, request, relabeler.Backend, rows, pairs, relabeling.Elapsed.TotalSeconds, summary);
        return CommandLineProgram.Good;
    }

    private static string IndexMeaning(Request request) => "-1: not relabeled; else " + request switch
    {
        { Tasks: not null } => "the row of the file of candidate tasks",
        { Trajectories: true } => "the number of the trajectory whose commanded task it is, from 0 in the order of the file",
        { Options.Assignment: Assignment.Task } => "the row itself, which kept its task and took another transition",
        _ => "the row of the file of transitions whose commanded task it is",
    };

    private static void CheckCombination(Request request)
    {
        if (request.Batch is < 1)
        {
            throw new ArgumentException($"--batch is {request.Batch}; expected a whole number, 1 or more.");
        }

        bool byTask = request.Options.Assignment == Assignment.Task;
        string? problem = (request.Trajectories, request.Options.Estimator) switch
        {
            (true, _) when request.Family is null => "--estimator return sums rewards and needs --family",
            (true, _) when request.Batch is not null => "--estimator return works on whole episodes and cannot be combined with --batch",
            (true, _) when byTask => "--estimator return cannot be combined with --assign task",
            (false, _) when request.Agent is null => "relabel needs --agent (only --estimator return does without)",
            (false, SoftQEstimator.Bellman) when request.Family is null => "--estimator bellman uses rewards and needs --family",
            _ when byTask && request.Tasks is not null => "--assign task keeps the commanded tasks and cannot be combined with --tasks",
            _ when !byTask && request.HasRowPool => "--row-pool needs --assign task",
            _ when byTask && request.Dumps.Count > 0 => "--assign task makes no posterior over tasks and cannot be combined with --dump",
            _ when request.Batch is not null && request.Dumps.Count > 0 && request.Tasks is null =>
                "--dump with --batch needs --tasks, as otherwise every batch has candidates of its own",
            _ when request.Dumps.Contains(LogPartitionDump) && request.Options.Partition == PartitionMode.None =>
                "--dump log-partition cannot be combined with --partition none",
            _ => null,
        };
        if (problem is not null)
        {
            throw new ArgumentException(problem + ".");
        }
    }

    private static void Progress(ConsoleOutput console, long rows, Action<Action<long>> work)
    {
        if (!console.Interactive)
        {
            work(_ => { });
            return;
        }

        ProgressColumn[] columns =
            [new SpinnerColumn(), new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()];
        AnsiConsole.Progress().Columns(columns).Start(context =>
        {
            ProgressTask task = context.AddTask($"relabeling {ConsoleOutput.Count(rows)} transitions", maxValue: rows);
            work(done => task.Value = done);
        });
    }

    private static void Report(
        ConsoleOutput console, Request request, KernelBackend backend, long rows, double pairs, double seconds, RelabelSummary summary)
    {
        console.Table(
            ["relabel", string.Empty],
            [
                ["backend", $"{backend.Name} ({backend.Precision.ToString().ToLowerInvariant()})"],
                ["transitions", ConsoleOutput.Count(rows)],
                ["pairs", ConsoleOutput.Count(pairs)],
                ["time", ConsoleOutput.Fixed(seconds, 3) + " s"],
                ["pairs/s", ConsoleOutput.Rate(pairs / seconds).TrimEnd()],
                ["relabeled", Percent(summary.RelabeledShare)],
                ["effective tasks", ConsoleOutput.Fixed(summary.EffectiveTasks, 2)],
                ["commanded task is the most likely", Percent(summary.CommandedIsMode)],
                ["wrote", request.Out],
            ]);
        console.Document(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("out", request.Out);
            writer.WriteString("variant", backend.Name);
            writer.WriteString("precision", backend.Precision.ToString().ToLowerInvariant());
            writer.WriteNumber("transitions", rows);
            ConsoleOutput.Number(writer, "pairs", pairs);
            ConsoleOutput.Number(writer, "seconds", seconds);
            ConsoleOutput.Number(writer, "pairs_per_s", pairs / seconds);
            ConsoleOutput.Number(writer, "relabeled_share", summary.RelabeledShare);
            ConsoleOutput.Number(writer, "posterior_entropy", summary.PosteriorEntropy);
            ConsoleOutput.Number(writer, "effective_tasks", summary.EffectiveTasks);
            ConsoleOutput.Number(writer, "commanded_is_mode", summary.CommandedIsMode);
            ConsoleOutput.Number(writer, "log_partition_min", summary.LogPartitionMin);
            ConsoleOutput.Number(writer, "log_partition_max", summary.LogPartitionMax);
            writer.WriteEndObject();
        });
    }

    private static string Percent(double share) => double.IsNaN(share) ? "-" : ConsoleOutput.Fixed(100 * share, 1) + "%";
}

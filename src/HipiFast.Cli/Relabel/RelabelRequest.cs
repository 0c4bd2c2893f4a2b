using HipiFast.Kernels.SoftQ;
using HipiFast.Options;
using HipiFast.Relabeling;

namespace HipiFast.Cli.Relabel;

/// <summary>What <c>relabel</c> was asked for.</summary>
internal sealed record RelabelRequest
{
    /// <summary>The estimator that sums the rewards of whole episodes, which only this command knows.</summary>
    public const string ReturnEstimator = "return";

    private const string SoftQDump = "soft-q";
    private const string LogPartitionDump = "log-partition";
    private const string PosteriorDump = "posterior";

    private readonly IReadOnlyList<string> _dumps = [];

    /// <summary>What can be dumped.</summary>
    public static IReadOnlyList<string> AllDumps { get; } = [SoftQDump, LogPartitionDump, PosteriorDump];

    /// <summary>File of the transitions.</summary>
    public required string Transitions { get; init; }

    /// <summary>File to write.</summary>
    public required string Out { get; init; }

    /// <summary>File of the agent that judges, or null.</summary>
    public string? Agent { get; init; }

    /// <summary>File of candidate tasks; null for those commanded.</summary>
    public string? Tasks { get; init; }

    /// <summary>File of the task family; null where rewards are unknown.</summary>
    public string? Family { get; init; }

    /// <summary>Whether whole trajectories are judged by their returns.</summary>
    public bool Trajectories { get; init; }

    /// <summary>Transitions relabeled at a time; null for the whole file.</summary>
    public int? Batch { get; init; }

    /// <summary>Whether a row pool was given.</summary>
    public bool HasRowPool { get; init; }

    /// <summary>What is to be written besides, names in <see cref="AllDumps"/>.</summary>
    /// <exception cref="ArgumentException">An unknown name.</exception>
    public required IReadOnlyList<string> Dumps
    {
        get => _dumps;
        init
        {
            if (value.FirstOrDefault(dump => !AllDumps.Contains(dump)) is string unknown)
            {
                throw new ArgumentException($"--dump names '{unknown}'{NearestName.Suggestion(unknown, AllDumps)}.");
            }

            _dumps = value;
        }
    }

    /// <summary>How to relabel.</summary>
    public required RelabelOptions Options { get; init; }

    /// <summary>Whether the matrix of soft Q-values is to be written.</summary>
    public bool DumpsSoftQ => Dumps.Contains(SoftQDump);

    /// <summary>Whether the log partition is to be written.</summary>
    public bool DumpsLogPartition => Dumps.Contains(LogPartitionDump);

    /// <summary>Whether the posterior is to be written.</summary>
    public bool DumpsPosterior => Dumps.Contains(PosteriorDump);

    /// <summary>Whether each task draws its transition.</summary>
    public bool IsByTask => Options.Assignment == Assignment.Task;

    /// <summary>What a task index of the result counts.</summary>
    public string IndexMeaning => "-1: not relabeled; else " + this switch
    {
        { Tasks: not null } => "the row of the file of candidate tasks",
        { Trajectories: true } =>
            "the number of the trajectory whose commanded task it is, from 0 in the order of the file",
        { Options.Assignment: Assignment.Task } => "the row itself, which kept its task and took another transition",
        _ => "the row of the file of transitions whose commanded task it is",
    };

    /// <summary>Whether logZ is of blocks of the file, which then depends on their size.</summary>
    /// <param name="transitions">Transitions in the file.</param>
    /// <returns>Whether it is.</returns>
    public bool HasPartitionPerBlock(long transitions) =>
        Batch < transitions && !IsByTask && Options.Partition == PartitionMode.Batch;

    /// <summary>Over what logZ is computed, for the file's metadata and for people.</summary>
    /// <param name="transitions">Transitions in the file.</param>
    /// <returns>Words that follow "the partition is".</returns>
    public string DescribePartition(long transitions) => this switch
    {
        _ when IsByTask || Options.Partition == PartitionMode.None => "none",
        { Trajectories: true } => "over all trajectories",
        _ when HasPartitionPerBlock(transitions) => FormattableString.Invariant(
            $"over each block of {Batch} transitions by itself"),
        _ => FormattableString.Invariant($"over all {transitions} transitions"),
    };

    /// <summary>Throws where what was asked for does not go together.</summary>
    /// <exception cref="ArgumentException">One sentence naming the options.</exception>
    public void Check()
    {
        if (Batch is < 1)
        {
            throw new ArgumentException($"--batch is {Batch}; expected a whole number, 1 or more.");
        }

        string? problem = (Trajectories, Options.Estimator) switch
        {
            (true, _) when Family is null => "--estimator return sums rewards and needs --family",
            (true, _) when Batch is not null =>
                "--estimator return works on whole episodes and cannot be combined with --batch",
            (true, _) when IsByTask => "--estimator return cannot be combined with --assign task",
            (false, _) when Agent is null => "relabel needs --agent (only --estimator return does without)",
            (false, SoftQEstimator.Bellman) when Family is null =>
                "--estimator bellman uses rewards and needs --family",
            _ when IsByTask && Tasks is not null =>
                "--assign task keeps the commanded tasks and cannot be combined with --tasks",
            _ when !IsByTask && HasRowPool => "--row-pool needs --assign task",
            _ when IsByTask && Dumps.Count > 0 =>
                "--assign task makes no posterior over tasks and cannot be combined with --dump",
            _ when Batch is not null && Dumps.Count > 0 && Tasks is null =>
                "--dump with --batch needs --tasks, as otherwise every batch has candidates of its own",
            _ when DumpsLogPartition && Options.Partition == PartitionMode.None =>
                "--dump log-partition cannot be combined with --partition none",
            _ => null,
        };
        if (problem is not null)
        {
            throw new ArgumentException(problem + ".");
        }
    }
}

using HipiFast.Import;
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

    /// <summary>Whose names the agent's tensors have; null for what is found out.</summary>
    public AgentFormat? AgentFormat { get; init; }

    /// <summary>Description of the agent's layers, a file or JSON; null for none.</summary>
    public string? AgentLayers { get; init; }

    /// <summary>File of soft Q-values that were computed elsewhere, or null.</summary>
    public string? SoftQ { get; init; }

    /// <summary>Whether an estimator was given.</summary>
    public bool HasEstimator { get; init; }

    /// <summary>File of candidate tasks; null for those commanded.</summary>
    public string? Tasks { get; init; }

    /// <summary>File of the task family; null where rewards are unknown.</summary>
    public string? Family { get; init; }

    /// <summary>Whether whole trajectories are judged by their returns.</summary>
    public bool Trajectories { get; init; }

    /// <summary>Which columns of the transitions are what; null for the usual names.</summary>
    public string? Columns { get; init; }

    /// <summary>Relabeled copies of each row, 1 or more.</summary>
    public int Copies { get; init; } = 1;

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

    /// <summary>Whether new tasks are found by inverse RL, rather than taken from states or drawn.</summary>
    public bool Infers => Options.Strategy == RelabelStrategy.InverseRl;

    /// <summary>Whether some new tasks are goals reached later in the episode.</summary>
    public bool TakesGoals => !Trajectories
        && (Options.Strategy is RelabelStrategy.Final or RelabelStrategy.Future || Options.MixesGoals);

    /// <summary>Why the transitions must have tasks, in words that follow "and"; null where nothing needs
    /// them.</summary>
    public string? NeedsCommandedTasks => Options switch
    {
        { Assignment: Assignment.Task } => "--assign task keeps the commanded ones",
        { Strategy: RelabelStrategy.Random } => "--strategy random exchanges them",
        { Strategy: RelabelStrategy.None } => "--strategy none keeps them",
        { RelabelFraction: < 1 } => "with --relabel-fraction below 1 some rows would keep theirs",
        { Strategy: RelabelStrategy.InverseRl, Candidates: not CandidateSource.Reached } when Tasks is null =>
            "they are the candidates: give --tasks, or --candidates reached with --family",
        _ => null,
    };

    /// <summary>What a task index of the result counts.</summary>
    public string IndexMeaning => "-1: not relabeled; else " + this switch
    {
        { Options.Strategy: not RelabelStrategy.InverseRl } => "never anything: the new task is no candidate",
        { Tasks: not null } => "the row of the file of candidate tasks",
        { Trajectories: true } =>
            "the number of the trajectory whose commanded task it is, from 0 in the order of the file",
        { Options.Assignment: Assignment.Task } => "the row itself, which kept its task and took another transition",
        { Options.Candidates: CandidateSource.Reached } =>
            "the row of the file of transitions whose reached state it is",
        { Options.Candidates: CandidateSource.Both } =>
            "the row of the file of transitions whose commanded task it is, or the number of its rows more than the "
            + "row whose reached state it is",
        _ => "the row of the file of transitions whose commanded task it is",
    };

    /// <summary>Whether logZ is of blocks of the file, which then depends on their size.</summary>
    /// <param name="transitions">Transitions in the file.</param>
    /// <returns>Whether it is.</returns>
    public bool HasPartitionPerBlock(long transitions) =>
        Batch < transitions && !IsByTask && Infers && Options.Partition == PartitionMode.Batch;

    /// <summary>Over what logZ is computed, for the file's metadata and for people.</summary>
    /// <param name="transitions">Transitions in the file.</param>
    /// <returns>Words that follow "the partition is".</returns>
    public string DescribePartition(long transitions) => this switch
    {
        _ when IsByTask || !Infers || Options.Partition == PartitionMode.None => "none",
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

        if (Copies < 1)
        {
            throw new ArgumentException($"--copies is {Copies}; expected a whole number, 1 or more.");
        }

        bool reaches = Options.Candidates is CandidateSource.Reached or CandidateSource.Both;
        string? problem = (Trajectories, Options.Estimator) switch
        {
            (true, _) when Family is null => "--estimator return sums rewards and needs --family",
            (true, _) when Batch is not null =>
                "--estimator return works on whole episodes and cannot be combined with --batch",
            (true, _) when IsByTask => "--estimator return cannot be combined with --assign task",
            (true, _) when Options.MixesGoals => "--estimator return cannot be combined with --goal-mix",
            (true, _) when Options.Strategy == RelabelStrategy.Future =>
                "--estimator return cannot be combined with --strategy future",
            _ when SoftQ is not null && !Infers => "--soft-q is for --strategy inverse-rl",
            _ when SoftQ is not null && Agent is not null => "--soft-q and --agent cannot be combined",
            _ when SoftQ is not null && HasEstimator =>
                "--soft-q holds what an estimator would give and cannot be combined with --estimator",
            _ when SoftQ is not null && Batch is not null && Tasks is null =>
                "--soft-q with --batch needs --tasks, as otherwise every batch has candidates of its own",
            (false, _) when Agent is null && SoftQ is null && Infers =>
                "relabel needs --agent or --soft-q (only --estimator return, and strategies other than inverse-rl, do "
                + "without)",
            _ when TakesGoals && Family is null => "goals reached later need --family, which says what a state achieves",
            _ when reaches && Family is null => "--candidates reached needs --family, which says what a state achieves",
            _ when reaches && Tasks is not null => "--candidates and --tasks cannot be combined",
            _ when Options.Candidates == CandidateSource.Fixed => "--candidates fixed are those of --tasks: give that",
            _ when !Infers && Tasks is not null => "--tasks are candidates of --strategy inverse-rl",
            _ when !Infers && Dumps.Count > 0 =>
                "--dump shows what inverse RL computes and cannot be combined with another --strategy",
            (false, SoftQEstimator.Bellman) when Family is null =>
                "--estimator bellman uses rewards and needs --family",
            _ when Agent is null && (AgentFormat is not null || AgentLayers is not null) =>
                $"--agent-{(AgentFormat is null ? "layers" : "format")} is about an agent and needs --agent",
            _ when IsByTask && Tasks is not null =>
                "--assign task keeps the commanded tasks and cannot be combined with --tasks",
            _ when !IsByTask && HasRowPool => "--row-pool needs --assign task",
            _ when SoftQ is not null && HasRowPool =>
                "--soft-q lets each task choose among all transitions and cannot be combined with --row-pool",
            _ when IsByTask && Dumps.Count > 0 =>
                "--assign task makes no posterior over tasks and cannot be combined with --dump",
            _ when Copies > 1 && IsByTask => "--assign task cannot be combined with --copies",
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

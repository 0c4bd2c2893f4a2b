using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Options;

namespace HipiFast.Relabeling;

/// <summary>
/// How a <see cref="Relabeler"/> works. The defaults are the paper's (Appendix C.1), but for the exact terminal value,
/// the twin critics, and <see cref="FutureHorizon"/>.
/// </summary>
public sealed record RelabelOptions
{
    private const string Group = "Relabeling";

    /// <summary>Where new tasks come from.</summary>
    [Option(Group, "How past experience gets new tasks.", Key = "relabel")]
    public RelabelStrategy Strategy { get; init; } = RelabelStrategy.InverseRl;

    /// <summary>
    /// How Q~ is estimated for transitions. Whole trajectories
    /// (<see cref="Relabeler.RelabelTrajectories(Replay.TransitionBatch, ReadOnlySpan{long})"/>) use their returns
    /// instead.
    /// </summary>
    [Option(Group, "Estimate of the soft Q-values that inverse RL compares.")]
    public SoftQEstimator Estimator { get; init; } = SoftQEstimator.Critic;

    /// <summary>By row (the paper) or by task.</summary>
    [Option(Group, "Whether each transition (row) draws its task, or each task draws its transition.", Key = "assign")]
    public Assignment Assignment { get; init; } = Assignment.Row;

    /// <summary>Probability with which a slot receives a new task, in [0, 1]; slots are independent.</summary>
    [Option(Group, "Share of each batch that receives a new task.", Minimum = 0, Maximum = 1)]
    public float RelabelFraction { get; init; } = 0.5f;

    /// <summary>
    /// Where candidate tasks come from when transitions pick their tasks; by task, the commanded tasks of the relabeled
    /// slots are the candidates.
    /// </summary>
    [Option(
        Group,
        "Candidate tasks: those commanded in the batch, reached in it, both, or the environment's fixed set.")]
    public CandidateSource Candidates { get; init; } = CandidateSource.Commanded;

    /// <summary>
    /// By row: how many of the rows that inverse RL serves are relabeled jointly, with the candidates of their own rows
    /// and a partition over themselves; other rows are not evaluated. So a call costs at most 2 G soft-Q values a row,
    /// whatever its batch. Fixed candidates, and those given with a call, are of all the rows served at once. 0
    /// evaluates every row under the candidates of all rows, with a partition over all of them (the paper).
    /// </summary>
    [Option(
        Group, "Inferred rows that share candidates and a partition of their own; 0 for the whole batch at once.",
        Minimum = 0, Maximum = 1 << 20)]
    public int GroupRows { get; init; }

    /// <summary>
    /// With <see cref="GroupRows"/>: most candidates of a group, a random subset without replacement of those that its
    /// rows give; 0 for all of them.
    /// </summary>
    [Option(
        Group, "Most candidates of such a group, drawn at random from its own; 0 for all.",
        Minimum = 0, Maximum = 1 << 20)]
    public int GroupCandidates { get; init; }

    /// <summary>
    /// With <see cref="GroupRows"/> and a replay buffer: how many draws of a transition an inferred task serves, the
    /// first included; 1 infers at every draw. A batch that draws a transition twice infers, or is served by its label,
    /// at both.
    /// </summary>
    [Option(
        Group, "Draws of a transition that an inferred task serves before another is inferred.",
        Minimum = 1, Maximum = 1 << 20)]
    public int LabelDraws { get; init; } = 1;

    /// <summary>
    /// Which state <see cref="CandidateSource.Reached"/> and <see cref="CandidateSource.Both"/> look at.
    /// </summary>
    [Option]
    public ReachedState ReachedState { get; init; } = ReachedState.Next;

    /// <summary>
    /// Probability with which a relabeled slot is served by <see cref="GoalMixStrategy"/> instead of inverse RL or
    /// random, in [0, 1].
    /// </summary>
    [Option(
        Group, "Share of relabeled slots that get a reached goal (goal-mix-strategy) instead of inverse RL.",
        Minimum = 0, Maximum = 1)]
    public float GoalMix { get; init; }

    /// <summary><see cref="RelabelStrategy.Final"/> or <see cref="RelabelStrategy.Future"/>.</summary>
    [Option(Group, "Strategy of those slots.", Choices = "future|final")]
    public RelabelStrategy GoalMixStrategy { get; init; } = RelabelStrategy.Future;

    /// <summary>Whether Q~ is normalised over the batch.</summary>
    [Option(
        Group,
        "Normalise each task's soft Q-values over the batch, over this and earlier batches (fixed candidates), "
        + "or not.")]
    public PartitionMode Partition { get; init; } = PartitionMode.Batch;

    /// <summary>
    /// <see cref="PartitionMode.Running"/>: weight of the batches so far in each call, in [0, 1); at 0.9 about ten
    /// batches count.
    /// </summary>
    [Option(
        Group, "Weight of the earlier batches, below 1 (partition running).",
        Minimum = 0, Maximum = LargestPartitionDecay)]
    public float PartitionDecay { get; init; } = 0.9f;

    /// <summary>Temperature of the posterior, in nats, 0 or more; 0 takes the most likely task (MAP).</summary>
    [Option(Group, "Temperature of the posterior over tasks; 0 takes the most likely.", Minimum = 0)]
    public float Temperature { get; init; } = 1f;

    /// <summary>How twin critics combine.</summary>
    [Option(Group, "How twin critics become one soft Q-value.")]
    public TwinCombination Twin { get; init; } = TwinCombination.Min;

    /// <summary>
    /// Whether the reward replaces the critic where a transition terminates the candidate task (the exact value there).
    /// </summary>
    [Option(Group, "Use the exact value where the candidate task is already reached.")]
    public bool ExactTerminalValue { get; init; } = true;

    /// <summary>
    /// How many steps ahead a future goal may lie, 1 or more (the paper uses 4); 0 for the rest of the episode.
    /// </summary>
    [Option(
        Group, "Steps ahead among which `future` picks its goal; 0 for the rest of the episode.", Minimum = 0)]
    public int FutureHorizon { get; init; }

    /// <summary>
    /// By task: M, how many random transitions each group of up to 32 relabeled slots chooses among, 1 or more; every
    /// group draws M anew.
    /// </summary>
    [Option(
        Group, "Transitions, new for every 32 tasks, among which each task chooses (assign task).",
        Minimum = 1, TypedMaximum = 1 << 20)]
    public int RowPool { get; init; } = 64;

    /// <summary>
    /// alpha of <see cref="SoftQEstimator.SoftCritic"/> and <see cref="SoftQEstimator.Bellman"/>, 0 or more; null takes
    /// the agent's.
    /// </summary>
    [Option(
        Group, "Entropy temperature in the soft Q-values (soft-critic, bellman).",
        Key = "relabel_alpha", Minimum = 0, DefaultMeans = "the agent's")]
    public float? Alpha { get; init; }

    /// <summary>gamma of <see cref="SoftQEstimator.Bellman"/>, in [0, 1].</summary>
    [SharedOption(typeof(SacOptions), nameof(SacOptions.Gamma))]
    public float Gamma { get; init; } = 0.99f;

    /// <summary>
    /// By row: largest part of Q~ kept in memory, bytes, 1 or more. With a partition, a larger matrix is computed
    /// twice, in blocks of rows (of one row at the least, of multiples of 64 where more than that fit). By task it is
    /// not read: M x 32 entries are kept (<see cref="RowPool"/>).
    /// </summary>
    [Option(Minimum = 1)]
    public long MemoryBudget { get; init; } = 1L << 30;

    /// <summary>Philox key of everything that is drawn.</summary>
    [Option]
    public ulong Seed { get; init; }

    /// <summary>
    /// What computes. Where a session is passed, it decides, and only the number of threads is read.
    /// </summary>
    [OptionPart(Listed = false)]
    public ComputeOptions Compute { get; init; } = new();

    private const double LargestPartitionDecay = 0.999999;

    /// <summary>Whether some relabeled slots are served by <see cref="GoalMixStrategy"/>.</summary>
    internal bool MixesGoals => GoalMix > 0 && Strategy is RelabelStrategy.InverseRl or RelabelStrategy.Random;

    /// <summary>Whether some of them get the last state of their episode.</summary>
    internal bool MixesFinal => MixesGoals && GoalMixStrategy == RelabelStrategy.Final;

    /// <summary>
    /// Whether the partition, where it is kept across batches, is of tasks that stay the same: transitions choose among
    /// fixed candidates.
    /// </summary>
    internal bool PartitionFits =>
        Partition != PartitionMode.Running || (Candidates == CandidateSource.Fixed && Assignment == Assignment.Row);

    /// <summary>Whether rows are relabeled in groups.</summary>
    internal bool Groups => GroupRows > 0 && Strategy == RelabelStrategy.InverseRl
        && Assignment == Assignment.Row;

    /// <summary>Whether what applies to groups alone is asked for where there are groups.</summary>
    internal bool GroupsFit => GroupRows > 0 || (GroupCandidates == 0 && LabelDraws == 1);

    /// <summary>Whether inverse RL is by task.</summary>
    internal bool AssignsByTask => Assignment == Assignment.Task && Strategy == RelabelStrategy.InverseRl;

    /// <summary>Soft-Q values that a call computes for each of its rows, on average.</summary>
    /// <param name="rows">B.</param>
    /// <param name="tasks">K of a set of candidates, fixed or given with the call; 0 where the batch has them.</param>
    /// <returns>The number; a pair of critics is one value.</returns>
    internal double SoftQValues(double rows, int tasks)
    {
        double served = RelabelFraction * (MixesGoals ? 1 - GoalMix : 1);
        if (Strategy != RelabelStrategy.InverseRl || served == 0)
        {
            return 0;
        }

        int sources = Candidates == CandidateSource.Both ? 2 : 1;
        if (AssignsByTask)
        {
            return served * RowPool;
        }

        bool isSet = tasks > 0;
        if (!Groups)
        {
            return isSet ? tasks : sources * rows;
        }

        // Labels that serve L draws leave one draw in L to infer.
        double inferred = served / LabelDraws;
        if (isSet)
        {
            return inferred * tasks;
        }

        double candidates = sources * Math.Clamp(inferred * rows, 1, GroupRows);
        return inferred * (GroupCandidates == 0 ? candidates : Math.Min(candidates, GroupCandidates));
    }

    /// <summary>Throws when an option is out of range, or asks for what needs another.</summary>
    /// <exception cref="ArgumentException">
    /// One sentence naming the option, what was found and what is expected.
    /// </exception>
    public void Validate()
    {
        OptionCheck.Ranges(this, Sentence);
        if (!PartitionFits)
        {
            throw new ArgumentException(Sentence(
                nameof(Partition),
                Partition.ToString(),
                "Batch or None unless transitions choose among fixed candidates"));
        }

        if (!GroupsFit)
        {
            throw new ArgumentException(
                $"The relabeling option {(LabelDraws > 1 ? nameof(LabelDraws) : nameof(GroupCandidates))} is of rows "
                + $"relabeled in groups, and {nameof(GroupRows)} is 0; expected {nameof(GroupRows)} to be 1 or more.");
        }

        static string Sentence(string name, string value, string expected) =>
            $"The relabeling option {name} is {value}; expected {expected}.";
    }
}

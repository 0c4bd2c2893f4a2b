using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Relabeling;

/// <summary>Where a relabeled transition's new task comes from.</summary>
public enum RelabelStrategy
{
    /// <summary>The posterior over tasks of MaxEnt inverse RL (the paper's Alg. 1).</summary>
    InverseRl,

    /// <summary>The task that the last state of the transition's episode achieves (HER). Goal families only; needs the replay buffer.</summary>
    Final,

    /// <summary>The task that a later state of the transition's episode achieves. Goal families only; needs the replay buffer.</summary>
    Future,

    /// <summary>A task from the task distribution when there is one, else the commanded task of another transition of the batch.</summary>
    Random,

    /// <summary>No relabeling.</summary>
    None,
}

/// <summary>Which way the joint distribution of transitions and tasks is sampled.</summary>
public enum Assignment
{
    /// <summary>Each transition picks its task (the paper): softmax along the rows of Q~ - logZ.</summary>
    Row,

    /// <summary>Each task picks its transition: softmax down the columns of Q~. Tasks keep their prior; the normaliser cancels.</summary>
    Task,
}

/// <summary>Where candidate tasks come from.</summary>
public enum CandidateSource
{
    /// <summary>The commanded tasks of the batch, one per transition (the paper's choice); K = B.</summary>
    Commanded,

    /// <summary>The tasks that the batch's states achieve (<see cref="ReachedState"/>); K = B. Goal families only.</summary>
    Reached,

    /// <summary>Commanded tasks, then reached ones; K = 2 B. Goal families only.</summary>
    Both,

    /// <summary>The set given to <see cref="Relabeler.SetFixedCandidates"/>.</summary>
    Fixed,
}

/// <summary>Which state of a transition counts as reached.</summary>
public enum ReachedState
{
    /// <summary>s', after the step.</summary>
    Next,

    /// <summary>s, before the step.</summary>
    Current,
}

/// <summary>Whether a task's column of Q~ is normalised over the batch.</summary>
public enum PartitionMode
{
    /// <summary><c>logZ_i = logsumexp_j Q~[j, i] - log B</c> is subtracted (the paper).</summary>
    Batch,

    /// <summary>
    /// The same over this and the earlier batches, which fade by <see cref="RelabelOptions.PartitionDecay"/> a call. For transitions that choose
    /// among a fixed set of tasks: others differ from batch to batch.
    /// </summary>
    Running,

    /// <summary>Nothing is subtracted: the paper's ablation (Fig. 8).</summary>
    None,
}

/// <summary>
/// How a <see cref="Relabeler"/> works. The defaults are the paper's (Appendix C.1), but for the exact terminal value, the twin critics, and
/// <see cref="FutureHorizon"/>.
/// </summary>
public sealed record RelabelOptions
{
    /// <summary>Where new tasks come from.</summary>
    public RelabelStrategy Strategy { get; init; } = RelabelStrategy.InverseRl;

    /// <summary>
    /// How Q~ is estimated for transitions. Whole trajectories
    /// (<see cref="Relabeler.RelabelTrajectories(Replay.TransitionBatch, ReadOnlySpan{long})"/>) use their returns instead.
    /// </summary>
    public SoftQEstimator Estimator { get; init; } = SoftQEstimator.Critic;

    /// <summary>How twin critics combine.</summary>
    public TwinCombination Twin { get; init; } = TwinCombination.Min;

    /// <summary>By row (the paper) or by task.</summary>
    public Assignment Assignment { get; init; } = Assignment.Row;

    /// <summary>
    /// Where candidate tasks come from when transitions pick their tasks; by task, the commanded tasks of the relabeled slots are the candidates.
    /// </summary>
    public CandidateSource Candidates { get; init; } = CandidateSource.Commanded;

    /// <summary>Which state <see cref="CandidateSource.Reached"/> and <see cref="CandidateSource.Both"/> look at.</summary>
    public ReachedState ReachedState { get; init; } = ReachedState.Next;

    /// <summary>Whether Q~ is normalised over the batch.</summary>
    public PartitionMode Partition { get; init; } = PartitionMode.Batch;

    /// <summary>
    /// <see cref="PartitionMode.Running"/>: weight of the batches so far in each call, in [0, 1); at 0.9 about ten batches count.
    /// </summary>
    public float PartitionDecay { get; init; } = 0.9f;

    /// <summary>Probability with which a slot receives a new task, in [0, 1]; slots are independent.</summary>
    public float RelabelFraction { get; init; } = 0.5f;

    /// <summary>
    /// Probability with which a relabeled slot is served by <see cref="GoalMixStrategy"/> instead of inverse RL or random, in [0, 1].
    /// </summary>
    public float GoalMix { get; init; }

    /// <summary><see cref="RelabelStrategy.Final"/> or <see cref="RelabelStrategy.Future"/>.</summary>
    public RelabelStrategy GoalMixStrategy { get; init; } = RelabelStrategy.Future;

    /// <summary>Temperature of the posterior, in nats, 0 or more; 0 takes the most likely task (MAP).</summary>
    public float Temperature { get; init; } = 1f;

    /// <summary>Whether the reward replaces the critic where a transition terminates the candidate task (the exact value there).</summary>
    public bool ExactTerminalValue { get; init; } = true;

    /// <summary>How many steps ahead a future goal may lie, 1 or more (the paper uses 4); 0 for the rest of the episode.</summary>
    public int FutureHorizon { get; init; }

    /// <summary>
    /// By task: M, how many random transitions each group of up to 32 relabeled slots chooses among, 1 or more; every group draws M anew.
    /// </summary>
    public int RowPool { get; init; } = 64;

    /// <summary>
    /// alpha of <see cref="SoftQEstimator.SoftCritic"/> and <see cref="SoftQEstimator.Bellman"/>, 0 or more; null takes the agent's.
    /// </summary>
    public float? Alpha { get; init; }

    /// <summary>gamma of <see cref="SoftQEstimator.Bellman"/>, in [0, 1].</summary>
    public float Gamma { get; init; } = 0.99f;

    /// <summary>
    /// By row: largest part of Q~ kept in memory, bytes, 1 or more. With a partition, a larger matrix is computed twice, in blocks of rows (of one
    /// row at the least, of multiples of 64 where more than that fit). By task it is not read: M x 32 entries are kept (<see cref="RowPool"/>).
    /// </summary>
    public long MemoryBudget { get; init; } = 1L << 30;

    /// <summary>Philox key of everything that is drawn.</summary>
    public ulong Seed { get; init; }

    /// <summary>Backend by name; <c>auto</c> takes the fastest. Not read when a session is passed.</summary>
    public string Backend { get; init; } = KernelRegistry.Auto;

    /// <summary>
    /// Device by its name in <c>hipifast info</c>, such as <c>cuda:0</c>; <c>auto</c> takes the backend's first. Not read when a session is passed.
    /// </summary>
    public string Device { get; init; } = DeviceInfo.Auto;

    /// <summary>
    /// Arithmetic in which Q~ may be computed: fp32 unless <see cref="Backend"/> names a backend of bf16, fp32 only, or bf16 only. Everything after
    /// Q~ is fp32. Not read when a session is passed.
    /// </summary>
    public PrecisionMode Precision { get; init; } = PrecisionMode.Auto;

    /// <summary>Most threads, 0 for one per core. Results do not depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>Whether some relabeled slots are served by <see cref="GoalMixStrategy"/>.</summary>
    internal bool MixesGoals => GoalMix > 0 && Strategy is RelabelStrategy.InverseRl or RelabelStrategy.Random;

    /// <summary>Throws when an option is out of range.</summary>
    /// <exception cref="ArgumentException">One sentence naming the option, what was found and what is expected.</exception>
    public void Validate()
    {
        CheckDefined(Strategy);
        CheckDefined(Estimator);
        CheckDefined(Twin);
        CheckDefined(Assignment);
        CheckDefined(Candidates);
        CheckDefined(ReachedState);
        CheckDefined(Partition);
        Check(PartitionDecay is >= 0 and < 1, nameof(PartitionDecay), PartitionDecay, "a number in [0, 1)");
        CheckDefined(Precision);
        Check(RelabelFraction is >= 0 and <= 1, nameof(RelabelFraction), RelabelFraction, "a probability in [0, 1]");
        Check(GoalMix is >= 0 and <= 1, nameof(GoalMix), GoalMix, "a probability in [0, 1]");
        Check(
            Partition != PartitionMode.Running || (Candidates == CandidateSource.Fixed && Assignment == Assignment.Row),
            nameof(Partition),
            Partition,
            "Batch or None unless transitions choose among fixed candidates");
        Check(GoalMixStrategy is RelabelStrategy.Final or RelabelStrategy.Future, nameof(GoalMixStrategy), GoalMixStrategy, "Final or Future");
        Check(Temperature is >= 0 and < float.PositiveInfinity, nameof(Temperature), Temperature, "a finite number of at least 0");
        Check(FutureHorizon >= 0, nameof(FutureHorizon), FutureHorizon, "0 or more");
        Check(RowPool >= 1, nameof(RowPool), RowPool, "1 or more");
        Check(Alpha is null or (>= 0 and < float.PositiveInfinity), nameof(Alpha), Alpha, "a finite number of at least 0");
        Check(Gamma is >= 0 and <= 1, nameof(Gamma), Gamma, "a number in [0, 1]");
        Check(MemoryBudget >= 1, nameof(MemoryBudget), MemoryBudget, "1 or more");
        Check(Threads >= 0, nameof(Threads), Threads, "0 or more");
    }

    private static void CheckDefined<T>(T value)
        where T : struct, Enum => Check(Enum.IsDefined(value), typeof(T).Name, value, "a defined value");

    private static void Check<T>(bool valid, string name, T value, string expected)
    {
        if (!valid)
        {
            throw new ArgumentException(FormattableString.Invariant($"The relabeling option {name} is {value}; expected {expected}."));
        }
    }
}

using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>How Q~[j, i] is estimated for transition j under candidate task i.</summary>
public enum SoftQEstimator
{
    /// <summary><c>Q(s_j, a_j, psi_i)</c>: the paper's Eq. 8 with SAC's critic.</summary>
    Critic,

    /// <summary>
    /// <c>Q(s_j, a_j, psi_i) - alpha log pi(a_j | s_j, psi_i)</c>: the paper's Appendix B (Eq. 13), the current step's
    /// entropy counted.
    /// </summary>
    SoftCritic,

    /// <summary>
    /// <c>r_psi_i(s_j, a_j) - alpha log pi(a_j | s_j, psi_i) + gamma (1 - d_psi_i(s_j, a_j)) Q(s'_j, a', psi_i)</c>
    /// with one sampled <c>a' ~ pi(. | s'_j, psi_i)</c>: the authors' released code (which fixes alpha = 1 and one
    /// critic).
    /// </summary>
    Bellman,
}

/// <summary>How twin critics become one value.</summary>
public enum TwinCombination
{
    /// <summary>
    /// The smaller one; NaN where either is NaN or infinite, so that a broken critic does not hide behind the other.
    /// </summary>
    Min,

    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>The first critic alone; the second is not evaluated.</summary>
    First,
}

/// <summary>
/// Range of a scaled-sigmoid critic, <c>Q = Low + (High - Low) sigmoid(z)</c>; the default value leaves the critic's
/// output z as it is.
/// </summary>
/// <param name="Low">Lower bound.</param>
/// <param name="High">Upper bound; equal to <paramref name="Low"/> for no squashing.</param>
public readonly record struct CriticRange(float Low, float High)
{
    /// <summary>Whether outputs are squashed.</summary>
    public bool IsBounded => High > Low;
}

/// <summary>
/// One soft-Q matrix to compute: B transitions (rows) by K candidate tasks (columns). All matrices row-major without
/// padding.
/// </summary>
/// <remarks>
/// Network inputs are concatenated as state, action, task (critic) and state, task (actor). The actor's outputs are A
/// means, then A log standard deviations, clamped to [-20, 2]. The log-probability of an action is that of a
/// tanh-squashed Gaussian, with the action clamped to ±(1 - 1e-6) before atanh.
/// </remarks>
public readonly ref struct SoftQProblem
{
    /// <summary>s, <c>[B, S]</c>.</summary>
    public required ReadOnlySpan<float> Observation { get; init; }

    /// <summary>a, <c>[B, A]</c>, entries in [-1, 1].</summary>
    public required ReadOnlySpan<float> Action { get; init; }

    /// <summary>
    /// s', <c>[B, S]</c>; read by <see cref="SoftQEstimator.Bellman"/> and by task families, so needed whenever
    /// <see cref="Family"/> is evaluated (<see cref="UsesFamily"/>). May be empty otherwise.
    /// </summary>
    public ReadOnlySpan<float> NextObservation { get; init; }

    /// <summary>psi, the candidate tasks <c>[K, P]</c>.</summary>
    public required ReadOnlySpan<float> Task { get; init; }

    /// <summary>B.</summary>
    public required int Rows { get; init; }

    /// <summary>K.</summary>
    public required int Candidates { get; init; }

    /// <summary>S.</summary>
    public required int ObservationDimension { get; init; }

    /// <summary>A.</summary>
    public required int ActionDimension { get; init; }

    /// <summary>P.</summary>
    public required int TaskDimension { get; init; }

    /// <summary>Which estimate.</summary>
    public required SoftQEstimator Estimator { get; init; }

    /// <summary>First (online) critic: S + A + P inputs, one output.</summary>
    public required MlpParameters Critic1 { get; init; }

    /// <summary>Second critic of the same shape, or null when there is one.</summary>
    public MlpParameters? Critic2 { get; init; }

    /// <summary>
    /// Actor: S + P inputs, 2 A outputs. Needed by <see cref="SoftQEstimator.SoftCritic"/> and
    /// <see cref="SoftQEstimator.Bellman"/>.
    /// </summary>
    public MlpParameters? Actor { get; init; }

    /// <summary>
    /// Whether networks are not read and may be null: for a kernel that has a critic of its own
    /// (<see cref="ISoftQKernel.ReadsNetworks"/>).
    /// </summary>
    public bool OmitsNetworks { get; init; }

    /// <summary>How twin critics combine.</summary>
    public TwinCombination Twin { get; init; }

    /// <summary>Squashing of the critic's output.</summary>
    public CriticRange CriticRange { get; init; }

    /// <summary>
    /// alpha, the entropy temperature, finite and 0 or more; at 0 the log-probability is not evaluated.
    /// </summary>
    public float Alpha { get; init; }

    /// <summary>gamma, the discount, in [0, 1].</summary>
    public float Gamma { get; init; }

    /// <summary>
    /// Rewards and terminations: needed by <see cref="SoftQEstimator.Bellman"/>, and by the others when
    /// <see cref="ExactTerminalValue"/>.
    /// </summary>
    public TaskFamily? Family { get; init; }

    /// <summary>
    /// For <see cref="SoftQEstimator.Critic"/> and <see cref="SoftQEstimator.SoftCritic"/>: where the family says that
    /// the transition terminates task i, its reward (the exact value) replaces the critic's. Ignored without a family.
    /// </summary>
    public bool ExactTerminalValue { get; init; }

    /// <summary>Philox key of the Bellman estimator's actions.</summary>
    public ulong Seed { get; init; }

    /// <summary>Number of this call: the third word of the noise counter.</summary>
    public uint Call { get; init; }

    /// <summary>
    /// Number of the first row within the whole batch, so that a batch computed in blocks draws the same noise.
    /// </summary>
    public uint FirstRow { get; init; }

    /// <summary>Whether rewards and terminations are evaluated.</summary>
    public bool UsesFamily => Estimator == SoftQEstimator.Bellman || (ExactTerminalValue && Family is not null);

    /// <summary>Whether the second critic is evaluated.</summary>
    public bool UsesCritic2 => Critic2 is not null && Twin != TwinCombination.First;

    /// <summary>Whether log pi(a_j | s_j, psi_i) is evaluated.</summary>
    public bool UsesLogProbability => Estimator != SoftQEstimator.Critic && Alpha != 0f;

    /// <summary>Whether the actor is evaluated.</summary>
    public bool UsesActor => Estimator == SoftQEstimator.Bellman || UsesLogProbability;

    /// <summary>Throws unless the problem is complete and its shapes agree: what every backend checks first.</summary>
    /// <param name="resultLength">Entries of the result, expected to be B * K.</param>
    /// <exception cref="ArgumentException">
    /// One sentence naming what disagrees, what was found and what was expected.
    /// </exception>
    public void Validate(int resultLength)
    {
        Validate();
        CheckLength(resultLength, Rows, Candidates, "the soft-Q result");
    }

    /// <summary>The same where the result is not one span.</summary>
    /// <exception cref="ArgumentException">As for the other overload.</exception>
    public void Validate()
    {
        ValidateKind();
        CheckLength(Observation.Length, Rows, ObservationDimension, "observations");
        CheckLength(Action.Length, Rows, ActionDimension, "actions");
        CheckLength(Task.Length, Candidates, TaskDimension, "candidate tasks");
        if (UsesFamily || !NextObservation.IsEmpty)
        {
            CheckLength(NextObservation.Length, Rows, ObservationDimension, "next observations");
        }
    }

    /// <summary>The same without the matrices, for a batch that is on a device already.</summary>
    /// <exception cref="ArgumentException">As for the other overload.</exception>
    public void ValidateKind()
    {
        CheckPositive(Rows, "transitions (rows)");
        CheckPositive(Candidates, "candidate tasks");
        CheckPositive(ObservationDimension, "observation entries");
        CheckPositive(ActionDimension, "action entries");
        CheckPositive(TaskDimension, "task entries");

        // Comparisons, because Enum.IsDefined allocates anew after a garbage collection.
        if (Estimator is < SoftQEstimator.Critic or > SoftQEstimator.Bellman)
        {
            throw new ArgumentException($"Unknown soft-Q estimator {(int)Estimator}.");
        }

        if (Twin is < TwinCombination.Min or > TwinCombination.First)
        {
            throw new ArgumentException($"Unknown twin combination {(int)Twin}.");
        }

        if (!OmitsNetworks)
        {
            CheckNetworks();
        }

        if (Estimator != SoftQEstimator.Critic && (!(Alpha >= 0f) || !float.IsFinite(Alpha)))
        {
            throw new ArgumentException(
                $"The entropy temperature alpha is {Alpha}; expected a finite number, 0 or more.");
        }

        if (Estimator == SoftQEstimator.Bellman)
        {
            if (Family is null)
            {
                throw new ArgumentException(
                    "The Bellman estimator needs a task family for rewards and terminations; found none.");
            }

            if (!(Gamma >= 0f && Gamma <= 1f))
            {
                throw new ArgumentException($"The discount gamma is {Gamma}; expected a number in [0, 1].");
            }
        }

        if (UsesFamily && Family!.TaskDimension != TaskDimension)
        {
            throw new ArgumentException(
                $"The candidate tasks have {TaskDimension} entries; the task family expects {Family.TaskDimension}.");
        }

        if (UsesFamily)
        {
            Family!.CheckObservationDimension(ObservationDimension);
        }

        if (!float.IsFinite(CriticRange.Low) || !float.IsFinite(CriticRange.High) || CriticRange.High < CriticRange.Low)
        {
            throw new ArgumentException(
                $"The critic's range is {CriticRange.Low} to {CriticRange.High}; expected finite bounds in rising "
                + "order.");
        }
    }

    /// <summary>Some of the rows, with the noise that they have in the whole.</summary>
    /// <param name="first">First row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <returns>The smaller problem, on the same memory.</returns>
    internal SoftQProblem Slice(int first, int rows)
    {
        int state = ObservationDimension;
        return this with
        {
            Observation = Observation.Slice(first * state, rows * state),
            Action = Action.Slice(first * ActionDimension, rows * ActionDimension),
            NextObservation = NextObservation.IsEmpty ? default : NextObservation.Slice(first * state, rows * state),
            Rows = rows,
            FirstRow = unchecked(FirstRow + (uint)first),
        };
    }

    private static void CheckPositive(int count, string what)
    {
        if (count < 1)
        {
            throw new ArgumentException($"The number of {what} is {count}; expected 1 or more.");
        }
    }

    private static void CheckLength(int length, int rows, int columns, string what)
    {
        if (length != (long)rows * columns)
        {
            throw new ArgumentException(
                $"Expected {rows} x {columns} = {(long)rows * columns} floats for {what}; found {length}.");
        }
    }

    private void CheckNetworks()
    {
        CheckNetwork(Critic1, (long)ObservationDimension + ActionDimension + TaskDimension, 1, "first critic");
        if (Critic2 is not null)
        {
            CheckNetwork(Critic2, Critic1.Shape.Inputs, 1, "second critic");
            if (Critic2.Shape != Critic1.Shape)
            {
                throw new ArgumentException(
                    $"The critics differ in shape: {Critic1.Shape.Hidden} and {Critic2.Shape.Hidden} hidden units.");
            }
        }

        if (Estimator != SoftQEstimator.Critic)
        {
            CheckNetwork(Actor, (long)ObservationDimension + TaskDimension, 2L * ActionDimension, "actor");
        }
    }

    private static void CheckNetwork(MlpParameters? network, long inputs, long outputs, string what)
    {
        if (network is null)
        {
            throw new ArgumentException($"The {what} is missing.");
        }

        if (network.IsDisposed)
        {
            throw new ObjectDisposedException(nameof(MlpParameters), $"The {what} has been disposed.");
        }

        if (network.Shape.Inputs != inputs || network.Shape.Outputs != outputs)
        {
            throw new ArgumentException(
                $"The {what} has {network.Shape.Inputs} inputs and {network.Shape.Outputs} outputs; expected {inputs} "
                + $"and {outputs}.");
        }
    }
}

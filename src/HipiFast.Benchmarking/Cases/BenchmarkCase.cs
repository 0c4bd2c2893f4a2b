using HipiFast.Kernels.SoftQ;
using HipiFast.Options;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Cases;

/// <summary>One thing to measure.</summary>
/// <param name="Kernel">One of the names below.</param>
/// <param name="Shape">S, A, P.</param>
/// <param name="Batch">B, transitions.</param>
/// <param name="Candidates">K, tasks; 0 where there are none.</param>
/// <param name="Hidden">H; 0 where there is no network.</param>
/// <param name="Estimator">Which soft-Q estimator; read by the soft-Q matrix and whole relabel calls only.</param>
/// <param name="Threads">Threads that this case is about, 0 for those of the run.</param>
/// <param name="MemoryBudget">Bytes of Q~ that a whole relabel call may keep, 0 for the library's default.</param>
/// <param name="Layers">Hidden layers of the networks of <see cref="SoftQLayers"/>, all H wide.</param>
/// <param name="HasNorm">Whether each of these is normalised before it is rectified.</param>
internal sealed record BenchmarkCase(
    string Kernel,
    TransitionShape Shape,
    int Batch,
    int Candidates = 0,
    int Hidden = 0,
    SoftQEstimator Estimator = SoftQEstimator.Critic,
    int Threads = 0,
    long MemoryBudget = 0,
    int Layers = 0,
    bool HasNorm = false)
{
    /// <summary>The soft-Q matrix alone.</summary>
    public const string SoftQ = "soft-q";

    /// <summary>The soft-Q matrix of networks of any layers.</summary>
    public const string SoftQLayers = "soft-q-layers";

    /// <summary>
    /// The soft-Q matrix's tiles alone, for one critic: shares of the first layer added and rectified, second layer,
    /// last layer.
    /// </summary>
    public const string SoftQTile = "soft-q-tile";

    /// <summary>A whole call through the public API: matrix, partition, sampling, rewards, diagnostics.</summary>
    public const string Relabel = "relabel";

    /// <summary>
    /// A whole call by a soft-Q matrix that was computed elsewhere: partition, sampling, rewards, diagnostics.
    /// </summary>
    public const string RelabelBySoftQ = "relabel-by-soft-q";

    /// <summary>The log partition of a given soft-Q matrix.</summary>
    public const string LogPartition = "log-partition";

    /// <summary>A task for each row of a given soft-Q matrix.</summary>
    public const string TaskSampling = "task-sampling";

    /// <summary>A batch from a replay buffer.</summary>
    public const string ReplaySample = "replay-sample";

    /// <summary>One gradient step of SAC.</summary>
    public const string SacStep = "sac-step";

    /// <summary>The shape of the PyTorch peers in bench/peers.</summary>
    public static readonly TransitionShape PeerShape = new(17, 6, 3);

    /// <summary>All kernels that can be measured.</summary>
    public static IReadOnlyList<string> Kernels { get; } =
        [SoftQTile, SoftQ, SoftQLayers, Relabel, RelabelBySoftQ, LogPartition, TaskSampling, ReplaySample, SacStep];

    /// <summary>
    /// SAC steps of the size of the pendulum, of a small control task and of a locomotion task; the smallest on one
    /// thread.
    /// </summary>
    public static IReadOnlyList<BenchmarkCase> SacSteps { get; } =
    [
        new(SacStep, new TransitionShape(2, 1, 1), 100, Hidden: 64, Threads: 1),
        new(SacStep, new TransitionShape(8, 2, 2), 32, Hidden: 64),
        new(SacStep, new TransitionShape(17, 6, 3), 256, Hidden: 256),
    ];

    /// <summary>
    /// The identifier by which results are matched: kernel, estimator, shape and sizes. It stays as it is.
    /// </summary>
    public string Name
    {
        get
        {
            string sizes = Candidates > 0 ? $"{Batch}x{Candidates}" : $"{Batch}";
            string network = Hidden > 0
                ? $"/h{Hidden}{(Layers > 0 ? $"x{Layers}" : string.Empty)}{(HasNorm ? "-norm" : string.Empty)}"
                : string.Empty, estimator = Kernel is SoftQ or SoftQLayers or Relabel
                ? $"/{EstimatorName}"
                : string.Empty;
            bool isMatrix = Kernel is LogPartition or TaskSampling or SoftQTile;
            string shape = isMatrix
                ? string.Empty
                : $"/s{Shape.ObservationDimension}a{Shape.ActionDimension}p{Shape.TaskDimension}";
            string budget = MemoryBudget > 0 ? $"/budget{MemoryBudget}" : string.Empty;
            return $"{Kernel}{estimator}/{sizes}{network}{shape}{budget}";
        }
    }

    /// <summary>Whether the case is about (transition, task) pairs that networks judge.</summary>
    public bool HasPairs => Kernel is SoftQTile or SoftQ or SoftQLayers or Relabel;

    /// <summary>
    /// Operations of a call, 2 per multiply-add, 0 where networks are not what takes the time. Of pairs the floor of
    /// the work: 2 H^2 of each hidden layer but the first for each pass through a critic or the actor, with twin
    /// critics but for tiles. Of a SAC step those of all layers and passes.
    /// </summary>
    public double Flops => Kernel == SacStep ? SacStepFlops
        : !HasPairs ? 0
        : (double)Batch * Candidates * Hidden * Hidden * Math.Max(1, Layers - 1) * (Kernel, Estimator) switch
        {
            (SoftQTile, _) => 2.0,
            (_, SoftQEstimator.Critic) => 4.0,
            (_, SoftQEstimator.SoftCritic) => 6.0,
            _ => 8.0,
        };

    /// <summary>
    /// Bytes of the soft-Q matrix that a call streams through; 0 where that is not what takes the time.
    /// </summary>
    public double StreamedBytes => Kernel is LogPartition or TaskSampling or RelabelBySoftQ
        ? (double)Batch * Candidates * sizeof(float)
        : 0;

    /// <summary>Name of the estimator.</summary>
    public string EstimatorName => OptionNames.Kebab(Estimator);

    // The actor runs forward twice (s, s') and backward once; each critic forward as target, under the batch's actions
    // and under the policy's, and backward once; one more backward pass per row takes the gradient of the smaller
    // critic to the action. First layers need no gradient of their inputs but that one.
    private double SacStepFlops
    {
        get
        {
            double actor = Shape.ActorInputs, critic = Shape.CriticInputs, action = Shape.ActionDimension,
                hidden = Hidden;
            double first = (2 + 1) * actor + (6 + 2) * critic + action;
            double second = ((2 + 2) + (6 + 4) + 1) * hidden;
            double last = ((2 + 2) * 2 * action) + (6 + 4) + 1;
            return 2.0 * Batch * hidden * (first + second + last);
        }
    }
}

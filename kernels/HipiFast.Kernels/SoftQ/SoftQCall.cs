using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// A <see cref="SoftQProblem"/> with its spans pinned and its networks packed: what the workers of one call share,
/// read-only.
/// </summary>
internal unsafe struct SoftQCall
{
    public SoftQPlan Plan;
    public SoftQMicroKernel Kernel;

    /// <summary>The critics; the first <see cref="CriticCount"/> of them are evaluated.</summary>
    public SoftQNetwork[] Critics;

    public int CriticCount;

    /// <summary>Null when neither log-probabilities nor actions are needed.</summary>
    public SoftQNetwork? Actor;

    /// <summary>Null when rewards and terminations are not needed.</summary>
    public TaskFamily? Family;

    public float* Observation;
    public float* Action;
    public float* NextObservation;
    public float* Task;

    /// <summary>What critics read in the task's place: the tasks, or what an encoder makes of them.</summary>
    public float* CriticTask;

    /// <summary>The same for the actor.</summary>
    public float* ActorTask;

    /// <summary>
    /// Numbers of the transitions' discrete actions, of which critics have an output each; null where critics read
    /// actions.
    /// </summary>
    public int* ActionNumber;

    /// <summary>An action is tanh(x) scale + bias; null for 1 and 0, both or none.</summary>
    public float* ActionScale;

    public float* ActionBias;
    public float* Result;
    public int Rows;
    public int Candidates;
    public int ObservationDimension;
    public int ActionDimension;
    public int TaskDimension;
    public int CriticTaskDimension;
    public int ActorTaskDimension;
    public LogStdRule LogStd;
    public SoftQEstimator Estimator;
    public TwinCombination Twin;
    public CriticRange Range;

    /// <summary>0 when the log-probability is not evaluated.</summary>
    public float Alpha;

    public float Gamma;
    public ulong Seed;
    public uint Call;
    public uint FirstRow;

    public readonly bool UsesLogProbability => Alpha != 0f;

    public readonly bool IsDiscrete => ActionNumber != null;

    /// <summary>Entries of an action that critics read.</summary>
    public readonly int CriticActionDimension => IsDiscrete ? 0 : ActionDimension;

    public readonly bool IsBellman => Estimator == SoftQEstimator.Bellman;
}

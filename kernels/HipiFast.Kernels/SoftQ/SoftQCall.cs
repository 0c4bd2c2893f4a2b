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
    public SoftQNetwork Critic1;

    /// <summary>Null when one critic is evaluated.</summary>
    public SoftQNetwork? Critic2;

    /// <summary>Null when neither log-probabilities nor actions are needed.</summary>
    public SoftQNetwork? Actor;

    /// <summary>Null when rewards and terminations are not needed.</summary>
    public TaskFamily? Family;

    public float* Observation;
    public float* Action;
    public float* NextObservation;
    public float* Task;
    public float* Result;
    public int Rows;
    public int Candidates;
    public int ObservationDimension;
    public int ActionDimension;
    public int TaskDimension;
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

    public readonly bool IsBellman => Estimator == SoftQEstimator.Bellman;
}

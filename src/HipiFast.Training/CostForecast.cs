using HipiFast.Kernels.Replay;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Training;

/// <summary>What relabeling will cost a run, counted from its configuration before it begins.</summary>
/// <remarks>
/// Passes through a network of width H are counted at H^2 multiply-adds (of a soft-Q value the first layer is shared
/// by the rows and the candidates). A SAC update of c critics makes 4 + 6 c passes a transition: the next action and
/// the target critics (1 + c), the critics' losses with their gradients (3 c), the actor's loss with its gradients
/// through the actor and the critics (3 + 2 c). They are taken to run at nearly the speed of relabel calls; measured on
/// two Zen 3 cores from batch 32, H = 64 to batch 256, H = 256, the factor is 0.93 to 1.36 (docs/learning.md).
/// </remarks>
/// <param name="SoftQValues">
/// Soft-Q values for each transition that a gradient step takes, on average; a pair of critics is one value.
/// </param>
/// <param name="RelabelShare">Share of relabeling in the time of relabeling and gradient steps, in [0, 1].</param>
public readonly record struct CostForecast(double SoftQValues, double RelabelShare)
{
    // Time of a multiply-add of an update by that of one of a relabel call.
    private const double UpdateWeight = 1.1;

    /// <summary>Counts for a configuration.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="shape">Widths of the environment's vectors.</param>
    /// <param name="fixedTasks">K of the environment's fixed set; 0 without one.</param>
    /// <returns>The forecast.</returns>
    public static CostForecast Of(TrainingConfig config, TransitionShape shape, int fixedTasks)
    {
        ArgumentNullException.ThrowIfNull(config);
        RelabelOptions options = config.Relabeling;
        double values = options.SoftQValues(
            (double)config.Learner.Batch * config.Pool,
            options.Candidates == CandidateSource.Fixed ? fixedTasks : 0), hidden =
            config.Learner.Hidden;
        int critics = config.Learner.Critics, evaluated = options.Twin == TwinCombination.First ? 1 : critics;
        double passes = options.Estimator switch
        {
            SoftQEstimator.Critic => evaluated,
            SoftQEstimator.SoftCritic => evaluated + 1,
            _ => evaluated + 2,
        };
        double input = shape.ObservationDimension + shape.ActionDimension + shape.TaskDimension;
        double relabel = values * passes * hidden * hidden;
        double update = UpdateWeight * (4 + (6 * critics)) * hidden * (hidden + input);
        return new CostForecast(values, relabel / (relabel + update));
    }
}

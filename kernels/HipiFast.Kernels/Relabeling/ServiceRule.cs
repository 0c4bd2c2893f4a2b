using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.Relabeling;

/// <summary>
/// Which row is served how: a function of the seed, the call and the row, the same one in every pipeline and wherever
/// goals and random tasks are prepared.
/// </summary>
/// <param name="Seed">Philox key.</param>
/// <param name="Call">Number of the call.</param>
/// <param name="RelabelFraction">Probability with which a row receives a new task.</param>
/// <param name="GoalMix">Probability with which a row that does is served by a goal.</param>
/// <param name="Main">What serves the others of those rows.</param>
internal readonly record struct ServiceRule(
    ulong Seed, uint Call, float RelabelFraction, float GoalMix, RowService Main = RowService.Infer)
{
    /// <summary>The service of a row.</summary>
    /// <param name="row">Number of the row in its batch.</param>
    /// <returns>The service.</returns>
    public RowService Of(int row)
    {
        PhiloxBlock block = Draw(row, Call, Seed);
        RowService service = Choose(Philox.ToUniform(block.X), Philox.ToUniform(block.Y), RelabelFraction, GoalMix);
        return service == RowService.Infer ? Main : service;
    }

    /// <summary>The random words of a row: word 0 for whether it is relabeled, word 1 for the goal mix.</summary>
    /// <param name="row">Number of the row in its batch.</param>
    /// <param name="call">Number of the call.</param>
    /// <param name="seed">Philox key.</param>
    /// <returns>The words.</returns>
    public static PhiloxBlock Draw(int row, uint call, ulong seed) =>
        Philox.Next((uint)row, 0, call, (uint)RandomPurpose.Mixing, seed);

    /// <summary>The service where inverse RL is the main one; compiled for devices, too.</summary>
    /// <param name="relabel">Uniform number of word 0.</param>
    /// <param name="mix">Uniform number of word 1.</param>
    /// <param name="relabelFraction">Probability of a new task.</param>
    /// <param name="goalMix">Probability that it is a goal.</param>
    /// <returns>The service.</returns>
    public static RowService Choose(float relabel, float mix, float relabelFraction, float goalMix)
    {
        if (relabel < relabelFraction)
        {
            return mix < goalMix ? RowService.Goal : RowService.Infer;
        }

        return RowService.Keep;
    }
}

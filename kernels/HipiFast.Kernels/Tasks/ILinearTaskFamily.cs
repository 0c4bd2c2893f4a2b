namespace HipiFast.Kernels.Tasks;

/// <summary>
/// A task family whose rewards are linear in features of the step, <c>r_psi(s, a) = sum_i psi_i f_i(s, a)</c>, one
/// feature per task entry, so that the rewards of many steps under a task are one product of the features' sums with
/// it.
/// </summary>
public unsafe interface ILinearTaskFamily : ITaskFamily
{
    /// <summary>Adds the features of every transition up, in order and in double precision.</summary>
    /// <param name="transitions">R transitions.</param>
    /// <param name="constants">The family's constants.</param>
    /// <param name="sum"><c>[P]</c>: added to.</param>
    void AddFeatures(in TransitionPointers transitions, PointerVector constants, double* sum);
}

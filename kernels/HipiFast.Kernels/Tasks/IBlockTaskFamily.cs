namespace HipiFast.Kernels.Tasks;

/// <summary>
/// Optional fast path of a task family on the CPU: a whole block of pairs at once, typically one vector lane per task.
/// </summary>
public unsafe interface IBlockTaskFamily : ITaskFamily
{
    /// <summary>
    /// Reward and termination of every transition under every task, bit for bit those of the plain methods.
    /// </summary>
    /// <param name="transitions">R transitions.</param>
    /// <param name="tasks">K tasks, <c>[K, P]</c>.</param>
    /// <param name="taskCount">K.</param>
    /// <param name="constants">The family's constants.</param>
    /// <param name="reward">Result <c>[R, K]</c>.</param>
    /// <param name="terminated">Result <c>[R, K]</c>: 1 or 0.</param>
    /// <param name="stride">Floats between rows of both results, K or more.</param>
    /// <returns>False to leave this block to the plain methods; nothing has been written then.</returns>
    bool TryEvaluatePairs(
        in TransitionPointers transitions, float* tasks, int taskCount, PointerVector constants, float* reward,
        float* terminated, int stride);
}

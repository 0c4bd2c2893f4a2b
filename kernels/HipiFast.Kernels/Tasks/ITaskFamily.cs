namespace HipiFast.Kernels.Tasks;

/// <summary>A read-only vector that the CPU and a GPU kernel compiler can both specialise.</summary>
public interface IVector
{
    /// <summary>Number of entries.</summary>
    int Length { get; }

    /// <summary>One entry.</summary>
    /// <param name="index">In [0, <see cref="Length"/>).</param>
    float this[int index] { get; }
}

/// <summary>One transition under one task: what a reward may look at.</summary>
/// <typeparam name="TVector">Vector type of the device.</typeparam>
/// <param name="Observation">s, before the step.</param>
/// <param name="Action">a.</param>
/// <param name="NextObservation">s', after the step.</param>
/// <param name="Task">psi.</param>
/// <param name="Constants">The numbers given to <see cref="TaskFamily.Create"/> beside the struct; may be empty.</param>
public readonly record struct TaskPair<TVector>(TVector Observation, TVector Action, TVector NextObservation, TVector Task, TVector Constants)
    where TVector : struct, IVector;

/// <summary>
/// A task family: reward, termination and the map from states to tasks, written once as a struct and run on every backend.
/// </summary>
/// <remarks>
/// Implementations are structs of plain numbers (<c>unmanaged</c>), so that a value can be handed to any device as it is; whatever does not fit into
/// a few fields (indices, a table of goals) goes through the constants of <see cref="TaskFamily.Create"/>. No field may be a bool or a char, which
/// have no fixed layout on a device (an int serves). The three generic methods must stay inside what a GPU kernel compiler takes: arithmetic,
/// <see cref="MathF"/>, loops and local variables; no allocation, no exceptions, no virtual calls. A family that can evaluate many tasks at once on
/// the CPU may also implement <see cref="IBlockTaskFamily"/>.
/// </remarks>
public interface ITaskFamily
{
    /// <summary>P, the entries of a task vector.</summary>
    int TaskDimension { get; }

    /// <summary>Whether <see cref="AchievedTask"/> means something: true for goal families, where a state tells which task it achieves.</summary>
    bool HasAchievedTask { get; }

    /// <summary>The reward r_psi(s, a), finite.</summary>
    /// <typeparam name="TVector">Vector type of the device.</typeparam>
    /// <param name="pair">Transition and task.</param>
    /// <returns>Reward of the step under the task.</returns>
    float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector;

    /// <summary>Whether the task ends with this transition, so that nothing is bootstrapped from s' (d_psi(s, a) = 1).</summary>
    /// <typeparam name="TVector">Vector type of the device.</typeparam>
    /// <param name="pair">Transition and task.</param>
    /// <returns>True when the transition is terminal under the task.</returns>
    bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector;

    /// <summary>One entry of the task that a state achieves. Called only when <see cref="HasAchievedTask"/>.</summary>
    /// <typeparam name="TVector">Vector type of the device.</typeparam>
    /// <param name="observation">The state reached.</param>
    /// <param name="commanded">The task commanded when it was reached (a family may keep parts of it, such as a margin).</param>
    /// <param name="constants">The family's constants.</param>
    /// <param name="entry">Which entry, in [0, <see cref="TaskDimension"/>).</param>
    /// <returns>The entry's value.</returns>
    float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector;
}

/// <summary>Optional fast path of a task family on the CPU: a whole block of pairs at once, typically one vector lane per task.</summary>
public unsafe interface IBlockTaskFamily : ITaskFamily
{
    /// <summary>Reward and termination of every transition under every task, bit for bit those of the plain methods.</summary>
    /// <param name="transitions">R transitions.</param>
    /// <param name="tasks">K tasks, <c>[K, P]</c>.</param>
    /// <param name="taskCount">K.</param>
    /// <param name="constants">The family's constants.</param>
    /// <param name="reward">Result <c>[R, K]</c>.</param>
    /// <param name="terminated">Result <c>[R, K]</c>: 1 or 0.</param>
    /// <param name="stride">Floats between rows of both results, K or more.</param>
    /// <returns>False to leave this block to the plain methods; nothing has been written then.</returns>
    bool TryEvaluatePairs(
        in TransitionPointers transitions, float* tasks, int taskCount, PointerVector constants, float* reward, float* terminated, int stride);
}

/// <summary>
/// A task family whose rewards are linear in features of the step, <c>r_psi(s, a) = sum_i psi_i f_i(s, a)</c>, one feature per task entry, so that
/// the rewards of many steps under a task are one product of the features' sums with it.
/// </summary>
public unsafe interface ILinearTaskFamily : ITaskFamily
{
    /// <summary>Adds the features of every transition up, in order and in double precision.</summary>
    /// <param name="transitions">R transitions.</param>
    /// <param name="constants">The family's constants.</param>
    /// <param name="sum"><c>[P]</c>: added to.</param>
    void AddFeatures(in TransitionPointers transitions, PointerVector constants, double* sum);
}

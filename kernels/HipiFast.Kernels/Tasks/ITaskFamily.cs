namespace HipiFast.Kernels.Tasks;

/// <summary>
/// A task family: reward, termination and the map from states to tasks, written once as a struct and run on every
/// backend.
/// </summary>
/// <remarks>
/// Implementations are structs of plain numbers (<c>unmanaged</c>), so that a value can be handed to any device as it
/// is; whatever does not fit into a few fields (indices, a table of goals) goes through the constants of
/// <see cref="TaskFamily.Create"/>. No field may be a bool or a char, which have no fixed layout on a device (an int
/// serves). The three generic methods must stay inside what a GPU kernel compiler takes: arithmetic,
/// <see cref="MathF"/>, loops and local variables; no allocation, no exceptions, no virtual calls. A family that can
/// evaluate many tasks at once on the CPU may also implement <see cref="IBlockTaskFamily"/>.
/// </remarks>
public interface ITaskFamily
{
    /// <summary>P, the entries of a task vector.</summary>
    int TaskDimension { get; }

    /// <summary>
    /// Whether <see cref="AchievedTask"/> means something: true for goal families, where a state tells which task it
    /// achieves.
    /// </summary>
    bool HasAchievedTask { get; }

    /// <summary>
    /// How many entries of a state the methods may read, so that a state of fewer is refused before anything reads
    /// beyond it. A family that reads chosen entries says one more than the largest index.
    /// </summary>
    /// <param name="constants">The family's constants.</param>
    /// <returns>The fewest entries that a state must have; 0, the default, is not checked.</returns>
    int RequiredObservationDimension(ReadOnlySpan<float> constants) => 0;

    /// <summary>The reward r_psi(s, a), finite.</summary>
    /// <typeparam name="TVector">Vector type of the device.</typeparam>
    /// <param name="pair">Transition and task.</param>
    /// <returns>Reward of the step under the task.</returns>
    float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector;

    /// <summary>
    /// Whether the task ends with this transition, so that nothing is bootstrapped from s' (d_psi(s, a) = 1).
    /// </summary>
    /// <typeparam name="TVector">Vector type of the device.</typeparam>
    /// <param name="pair">Transition and task.</param>
    /// <returns>True when the transition is terminal under the task.</returns>
    bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector;

    /// <summary>One entry of the task that a state achieves. Called only when <see cref="HasAchievedTask"/>.</summary>
    /// <typeparam name="TVector">Vector type of the device.</typeparam>
    /// <param name="observation">The state reached.</param>
    /// <param name="commanded">
    /// The task commanded when it was reached (a family may keep parts of it, such as a margin).
    /// </param>
    /// <param name="constants">The family's constants.</param>
    /// <param name="entry">Which entry, in [0, <see cref="TaskDimension"/>).</param>
    /// <returns>The entry's value.</returns>
    float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector;
}

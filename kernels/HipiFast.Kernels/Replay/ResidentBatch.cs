using System.Numerics;

namespace HipiFast.Kernels.Replay;

/// <summary>
/// A batch that a relabel call takes where it lies in device memory. Its tasks, rewards and terminations are written in
/// place, and only when nothing went wrong.
/// </summary>
/// <param name="Batch">
/// The batch, in the memory of the session's own device: one that a <see cref="TransitionRing"/> of that session has
/// drawn, or views of somebody else's memory. The replay numbers are not read. A captured sequence is good for the same
/// addresses only, so batches should keep theirs.
/// </param>
/// <param name="Candidates">Which tasks are chosen among.</param>
internal readonly record struct ResidentBatch(ResidentTransitions Batch, ResidentCandidates Candidates)
{
    /// <summary>K of a batch of B rows; 0 when the candidates are given.</summary>
    /// <param name="rows">B.</param>
    /// <returns>B for each of the sources.</returns>
    public int CountCandidates(int rows) => checked(rows * BitOperations.PopCount((uint)Candidates));
}

using System.Numerics;

namespace HipiFast.Kernels.Devices;

/// <summary>Where the candidate tasks of a relabel call on a batch in device memory come from. Several lie one after the other, in this
/// order.</summary>
[Flags]
public enum ResidentCandidates
{
    /// <summary>They come with the call: <see cref="SoftQ.SoftQProblem.Task"/>, <c>[K, P]</c>.</summary>
    Given = 0,

    /// <summary>The batch's commanded tasks, B of them.</summary>
    Commanded = 1,

    /// <summary>The tasks that the batch's next states achieve, B of them.</summary>
    ReachedNext = 2,

    /// <summary>The tasks that the batch's states achieve, B of them.</summary>
    ReachedCurrent = 4,
}

/// <summary>
/// A batch that a relabel call takes where it lies in device memory. Its tasks, rewards and terminations are written in place, and only when nothing
/// went wrong.
/// </summary>
/// <param name="Batch">
/// The batch, in memory of the session's own runtime (<see cref="Backends.ComputeSession.Runtime"/>): one that a <see cref="DeviceReplay"/> has
/// drawn, or views of somebody else's memory (<see cref="DeviceRuntime.Share"/>). The replay numbers are not read. Work that fills it must be queued
/// on the runtime's main stream, or be done. A captured sequence is good for the same addresses only, so batches should keep theirs.
/// </param>
/// <param name="Candidates">Which tasks are chosen among.</param>
public readonly record struct ResidentBatch(DeviceBatch Batch, ResidentCandidates Candidates)
{
    /// <summary>K of a batch of B rows; 0 when the candidates are given.</summary>
    /// <param name="rows">B.</param>
    /// <returns>B for each of the sources.</returns>
    public int CountCandidates(int rows) => checked(rows * BitOperations.PopCount((uint)Candidates));
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Replay;

namespace HipiFast.Kernels.Devices.Relabeling;

/// <summary>
/// Where the parts of a relabel call lie in one block of memory, in bytes, in the order in which they travel: what goes
/// up, what stays, what comes down. A batch that is on the device already leaves only its numbers, given candidates and
/// goals to go up, and its results stay but for the task indices.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct RelabelLayout
{
    /// <summary>Parts begin at multiples of this: what devices like to load and copy from.</summary>
    private const long Alignment = 256;

    public readonly int TaskDimension;
    public readonly long Call;
    public readonly long Observation;
    public readonly long Action;
    public readonly long NextObservation;
    public readonly long Commanded;
    public readonly long Candidates;
    public readonly long LogPrior;
    public readonly long Goals;
    public readonly long NewTask;
    public readonly long Reward;
    public readonly long Terminated;
    public readonly long TaskIndex;
    public readonly long LogPartition;
    public readonly long Summary;

    /// <summary>Bytes from the beginning on that go up.</summary>
    public readonly long UploadBytes;

    /// <summary>First byte of what comes down; everything from there on does.</summary>
    public readonly long Download;

    public readonly long Bytes;

    public RelabelLayout(in RelabelProblem problem)
    {
        ResidentBatch? resident = problem.Resident;
        long rows = problem.SoftQ.Rows, candidates = problem.SoftQ.Candidates, staged = resident is null
            ? rows
            : 0, end = 0;
        TaskDimension = problem.SoftQ.TaskDimension;
        bool isGiven = resident is null or { Candidates: ResidentCandidates.Given };
        Call = Take(ref end, Unsafe.SizeOf<CallNumbers>());
        Observation = Take(ref end, staged * problem.SoftQ.ObservationDimension * sizeof(float));
        Action = Take(ref end, staged * problem.SoftQ.ActionDimension * sizeof(float));
        NextObservation = Take(ref end, staged * problem.SoftQ.ObservationDimension * sizeof(float));
        Commanded = Take(ref end, staged * TaskDimension * sizeof(float));
        Candidates = isGiven ? Take(ref end, candidates * TaskDimension * sizeof(float)) : 0;
        LogPrior = Take(ref end, problem.LogPrior.IsEmpty ? 0 : candidates * sizeof(float));
        Goals = Take(ref end, problem.Goals.IsEmpty ? 0 : rows * TaskDimension * sizeof(float));
        UploadBytes = end;
        if (!isGiven)
        {
            Candidates = Take(ref end, candidates * TaskDimension * sizeof(float));
        }

        NewTask = Take(ref end, rows * TaskDimension * sizeof(float));
        Reward = Take(ref end, rows * sizeof(float));
        Terminated = Take(ref end, rows * sizeof(int));
        TaskIndex = Take(ref end, rows * sizeof(int));
        LogPartition = Take(ref end, problem.HasPartition ? candidates * sizeof(float) : 0);
        Summary = Take(ref end, Unsafe.SizeOf<DeviceSummary>());
        Bytes = end;
        Download = resident is null ? NewTask : TaskIndex;
    }

    private static long Take(ref long end, long bytes)
    {
        long start = end;
        end += (bytes + Alignment - 1) / Alignment * Alignment;
        return start;
    }
}

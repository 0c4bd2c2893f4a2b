using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Replay;

namespace HipiFast.Kernels.Devices.Replay;

/// <summary>
/// A batch of transitions in device memory: one that a <see cref="DeviceReplay"/> has drawn, or views of somebody
/// else's memory (<see cref="DeviceRuntime.Share"/>). Work that fills it must be queued on the runtime's main stream,
/// or be done.
/// </summary>
/// <param name="Observation">s, floats <c>[B, S]</c>.</param>
/// <param name="Action">a, floats <c>[B, A]</c>.</param>
/// <param name="NextObservation">s', floats <c>[B, S]</c>.</param>
/// <param name="Task">The commanded tasks, floats <c>[B, P]</c>.</param>
/// <param name="Reward">r under the commanded tasks, floats <c>[B]</c>.</param>
/// <param name="Terminated">1 where the commanded task ended, else 0, 32-bit integers <c>[B]</c>.</param>
/// <param name="ReplayIndex">Absolute numbers of the transitions, 64-bit integers <c>[B]</c>.</param>
public sealed record DeviceBatch(
    DeviceView Observation, DeviceView Action, DeviceView NextObservation, DeviceView Task, DeviceView Reward,
    DeviceView Terminated,
    DeviceView ReplayIndex) : ResidentTransitions
{
    /// <summary>Further columns, which no kernel reads, in the order in which they follow the termination.</summary>
    public IReadOnlyList<DeviceView> Others { get; init; } = [];

    /// <inheritdoc/>
    public override int Rows => checked((int)Reward.Length);

    /// <inheritdoc/>
    public override void Validate(int rows, int observationDimension, int actionDimension, int taskDimension)
    {
        Check(Observation, (long)rows * observationDimension, "observations");
        Check(Action, (long)rows * actionDimension, "actions");
        Check(NextObservation, (long)rows * observationDimension, "next observations");
        Check(Task, (long)rows * taskDimension, "tasks");
        Check(Reward, rows, "rewards");
        Check(Terminated, rows, "terminations");
    }

    /// <summary>The columns by their place: those of <see cref="KernelColumn"/>, then the others.</summary>
    /// <param name="index">Place.</param>
    /// <param name="view">The column.</param>
    /// <returns>Whether there is one.</returns>
    internal bool TryGetColumn(int index, out DeviceView view)
    {
        const int Known = (int)KernelColumn.Terminated + 1;
        view = (KernelColumn)index switch
        {
            KernelColumn.Observation => Observation,
            KernelColumn.Action => Action,
            KernelColumn.NextObservation => NextObservation,
            KernelColumn.Task => Task,
            KernelColumn.Reward => Reward,
            KernelColumn.Terminated => Terminated,
            _ => index - Known < Others.Count ? Others[index - Known] : default,
        };
        return index < Known + Others.Count;
    }

    private static void Check(DeviceView view, long expected, string what)
    {
        if (view.Length != expected)
        {
            throw new ArgumentException($"Expected {expected} entries for {what} on the device; found {view.Length}.");
        }
    }
}

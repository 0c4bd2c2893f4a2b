using HipiFast.Kernels.Random;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Tasks;
using HipiFast.Replay;
using HipiFast.Tasks;

namespace HipiFast.Relabeling;

/// <summary>
/// The new tasks that need no inference: goals that were reached later (final and future), and random tasks.
/// </summary>
/// <param name="family">The map from states to tasks.</param>
/// <param name="options">Which goals.</param>
/// <param name="tasks">Where random tasks come from; null for the batch's own.</param>
internal sealed unsafe class GoalTasks(TaskFamily family, RelabelOptions options, ITaskDistribution? tasks)
{
    private int TaskDimension => family.TaskDimension;

    /// <summary>Writes the tasks of the units that a goal or a random task serves.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="units">Its units.</param>
    /// <param name="services">How they are served.</param>
    /// <param name="replay">
    /// Where the batch was sampled from; may be null where no transition is served by a goal.
    /// </param>
    /// <param name="call">Number of the call.</param>
    /// <param name="newTask">Receives them, <c>[units, P]</c>; other units' tasks stay.</param>
    /// <exception cref="ArgumentException">What a goal or a random task takes is missing.</exception>
    public void Write(
        TransitionBatch batch, Units units, SlotServices services, ReplayBuffer? replay, uint call, Span<float> newTask)
    {
        for (int unit = 0; unit < units.Count; unit++)
        {
            Span<float> task = newTask.Slice(unit * TaskDimension, TaskDimension);
            if (services[unit] == RowService.Random)
            {
                DrawRandom(units, unit, call, task);
            }
            else if (services[unit] == RowService.Goal && units.AreTrajectories)
            {
                int state = batch.Shape.ObservationDimension;
                Achieve(
                    (float*)batch.Pointers.NextObservation + ((long)units.LastRow(unit) * state),
                    units.CommandedOf(unit), state, task);
            }
            else if (services[unit] == RowService.Goal)
            {
                WriteGoal(unit, batch.ReplayIndex[unit], units.CommandedOf(unit), replay, call, task);
            }
        }
    }

    /// <summary>
    /// The same for transitions of which only their numbers are known here; their commanded tasks are those of the
    /// buffer.
    /// </summary>
    /// <param name="replayIndex">Their numbers in the replay buffer.</param>
    /// <param name="services">As for the other overload.</param>
    /// <param name="replay">As for the other overload.</param>
    /// <param name="call">As for the other overload.</param>
    /// <param name="newTask">As for the other overload.</param>
    /// <exception cref="ArgumentException">As for the other overload.</exception>
    public void Write(
        ReadOnlySpan<long> replayIndex, SlotServices services, ReplayBuffer? replay, uint call, Span<float> newTask)
    {
        for (int row = 0; row < replayIndex.Length; row++)
        {
            if (services[row] == RowService.Goal)
            {
                WriteGoal(row, replayIndex[row], null, replay, call, newTask.Slice(row * TaskDimension, TaskDimension));
            }
        }
    }

    // The goal of a transition of the replay buffer. Null stands for the task that the buffer says was commanded.
    private void WriteGoal(int row, long index, float* commanded, ReplayBuffer? replay, uint call, Span<float> task)
    {
        if (replay is null)
        {
            throw new ArgumentException(
                "Final and future tasks are read from the rest of the episode in the replay buffer; none was given.",
                nameof(replay));
        }

        if (!replay.IsLive(index))
        {
            throw new ArgumentException(
                $"Transition {row} of the batch has the replay number {index}, which the replay buffer does not hold.",
                "batch");
        }

        float* reached = replay.NextObservationPointer(GoalIndex(replay, index, row, call));
        Achieve(reached, commanded is null ? replay.TaskPointer(index)
            : commanded, replay.Shape.ObservationDimension, task);
    }

    private void Achieve(float* state, float* commanded, int observationDimension, Span<float> task)
    {
        fixed (float* target = task)
        {
            family.AchievedTasks(state, commanded, 1, observationDimension, target);
        }
    }

    // The transition whose next state becomes the goal. It is between the transition itself and the end of its episode,
    // so of the same episode and live (ReplayBuffer.EpisodeEnd).
    private long GoalIndex(ReplayBuffer replay, long index, int slot, uint call)
    {
        long end = replay.EpisodeEnd(index);
        RelabelStrategy strategy =
            options.Strategy is RelabelStrategy.Final or RelabelStrategy.Future
                ? options.Strategy
                : options.GoalMixStrategy;
        if (strategy == RelabelStrategy.Final)
        {
            return end;
        }

        long states = ((end - index) / replay.EnvironmentCount) + 1;
        if (options.FutureHorizon > 0)
        {
            states = Math.Min(states, options.FutureHorizon);
        }

        uint ahead = UniformIndex.Draw((uint)states, (uint)slot, call, RandomPurpose.FutureState, options.Seed);
        return index + (ahead * (long)replay.EnvironmentCount);
    }

    private void DrawRandom(Units units, int unit, uint call, Span<float> task)
    {
        if (tasks is not null)
        {
            tasks.Sample(task, options.Seed, (uint)unit, call, RandomPurpose.RandomTask);
            return;
        }

        if (units.Count == 1)
        {
            throw new ArgumentException(
                "Random relabeling without a task distribution takes another transition's task, and there is only one.",
                "batch");
        }

        int other = (int)UniformIndex.Draw(
            (uint)units.Count - 1, (uint)unit, call, RandomPurpose.RandomTask, options.Seed);
        other += other >= unit ? 1 : 0;
        units.Commanded.Slice(other * TaskDimension, TaskDimension).CopyTo(task);
    }
}

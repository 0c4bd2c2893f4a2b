using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;
using HipiFast.Replay;

namespace HipiFast.Relabeling;

// Units (transitions or trajectories), and the tasks that need no inference: final, future and random.
public sealed unsafe partial class Relabeler
{
    private readonly NativeBuffer<int> _unitStart = new(0);
    private readonly HashSet<long> _episodes = [];

    // What receives one task: a row of the batch, or a run of rows that make a trajectory.
    private readonly struct Units(int count, int* start)
    {
        public int Count { get; } = count;

        public bool AreTrajectories => start is not null;

        public int FirstRow(int unit) => start is null ? unit : start[unit];

        public int LastRow(int unit) => start is null ? unit : start[unit + 1] - 1;
    }

    private Units FindTrajectories(TransitionBatch batch, ReadOnlySpan<long> episode)
    {
        if (episode.Length != batch.Count)
        {
            throw new ArgumentException($"There are {episode.Length} episode numbers for {batch.Count} transitions.", nameof(episode));
        }

        if (Options.Strategy == RelabelStrategy.Future || Options.MixesGoals
            || (Options.Strategy == RelabelStrategy.InverseRl && Options.Assignment == Assignment.Task))
        {
            throw new ArgumentException("Whole trajectories are relabeled by inverse RL by row, final, random or none, without a goal mix.");
        }

        _unitStart.EnsureLength(batch.Count + 1L);
        _episodes.Clear();
        int count = 0;
        for (int row = 0; row < episode.Length; row++)
        {
            if (row > 0 && episode[row] == episode[row - 1])
            {
                continue;
            }

            if (!_episodes.Add(episode[row]))
            {
                throw new ArgumentException(
                    $"Row {row} belongs to episode {episode[row]}, which had ended before; the rows of an episode must be side by side.",
                    nameof(episode));
            }

            _unitStart[count++] = row;
        }

        _unitStart[count] = batch.Count;
        return new Units(count, _unitStart.Pointer);
    }

    // Writes the new task of every unit served by a goal or a random task to its first row of _newTask.
    private void SetGoalsAndRandomTasks(TransitionBatch batch, Units units, ReplayBuffer? replay)
    {
        for (int unit = 0; unit < units.Count; unit++)
        {
            if (_service[unit] == Service.Goal)
            {
                SetGoal(batch, units, unit, replay);
            }
            else if (_service[unit] == Service.Random)
            {
                SetRandomTask(batch, units, unit);
            }
        }
    }

    private void SetGoal(TransitionBatch batch, Units units, int unit, ReplayBuffer? replay)
    {
        int row = units.FirstRow(unit);
        float* commanded = batch.TaskPointer + ((long)row * TaskDimension);
        if (units.AreTrajectories)
        {
            int state = batch.Shape.ObservationDimension;
            SetGoal(row, (float*)batch.Pointers.NextObservation + ((long)units.LastRow(unit) * state), commanded, state);
        }
        else
        {
            SetGoal(row, batch.ReplayIndex[row], commanded, replay);
        }
    }

    // The goal of a transition of the replay buffer. Null stands for the task that the buffer says was commanded.
    private void SetGoal(int row, long index, float* commanded, ReplayBuffer? replay)
    {
        if (replay is null)
        {
            throw new ArgumentException(
                "Final and future tasks are read from the rest of the episode in the replay buffer; none was given.", nameof(replay));
        }

        if (!replay.IsLive(index))
        {
            throw new ArgumentException(
                $"Transition {row} of the batch has the replay number {index}, which the replay buffer does not hold.", "batch");
        }

        float* reached = replay.NextObservationPointer(GoalIndex(replay, index, row));
        SetGoal(row, reached, commanded is null ? replay.TaskPointer(index) : commanded, replay.Shape.ObservationDimension);
    }

    private void SetGoal(int row, float* reached, float* commanded, int observationDimension) =>
        _family.AchievedTasks(reached, commanded, 1, observationDimension, _newTask.Pointer + ((long)row * TaskDimension));

    // The transition whose next state becomes the goal. It is between the transition itself and the end of its episode, so of the same episode
    // and live (ReplayBuffer.EpisodeEnd).
    private long GoalIndex(ReplayBuffer replay, long index, int slot)
    {
        long end = replay.EpisodeEnd(index);
        RelabelStrategy strategy = Options.Strategy is RelabelStrategy.Final or RelabelStrategy.Future ? Options.Strategy : Options.GoalMixStrategy;
        if (strategy == RelabelStrategy.Final)
        {
            return end;
        }

        long states = ((end - index) / replay.EnvironmentCount) + 1;
        if (Options.FutureHorizon > 0)
        {
            states = Math.Min(states, Options.FutureHorizon);
        }

        return index + ((long)UniformIndex.Draw((uint)states, (uint)slot, Call, RandomPurpose.FutureState, Options.Seed) * replay.EnvironmentCount);
    }

    private void SetRandomTask(TransitionBatch batch, Units units, int unit)
    {
        Span<float> task = _newTask.Slice((long)units.FirstRow(unit) * TaskDimension, TaskDimension);
        if (_tasks is not null)
        {
            _tasks.Sample(task, Options.Seed, (uint)unit, Call, RandomPurpose.RandomTask);
            return;
        }

        if (units.Count == 1)
        {
            throw new ArgumentException(
                "Random relabeling without a task distribution takes another transition's task, and there is only one.", nameof(batch));
        }

        int other = (int)UniformIndex.Draw((uint)units.Count - 1, (uint)unit, Call, RandomPurpose.RandomTask, Options.Seed);
        other += other >= unit ? 1 : 0;
        batch.Task.Slice(units.FirstRow(other) * TaskDimension, TaskDimension).CopyTo(task);
    }
}

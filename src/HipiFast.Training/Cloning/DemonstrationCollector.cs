using HipiFast.Data;
using HipiFast.Environments;
using HipiFast.Replay;
using HipiFast.Training;

namespace HipiFast.Training.Cloning;

/// <summary>Trajectories with the tasks that were commanded, the rows of one side by side.</summary>
/// <param name="Transitions">All rows.</param>
/// <param name="Episode">Number of the trajectory of each row, counting from 0.</param>
public sealed record Demonstrations(TransitionBatch Transitions, long[] Episode) : IDisposable
{
    /// <summary>Reads demonstrations of a file of any format.</summary>
    /// <param name="path">A file of transitions that says which trajectory each row belongs to.</param>
    /// <param name="columns">Which columns are what; null for the usual names.</param>
    /// <param name="taskDimension">
    /// P for a file without tasks, whose rows then read as tasks of zeros; 0 where the file must have tasks.
    /// </param>
    /// <returns>The demonstrations; dispose them.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">
    /// It is damaged, or does not say which trajectory each row belongs to, or has no tasks where it must.
    /// </exception>
    public static Demonstrations Read(string path, ColumnMap? columns = null, int taskDimension = 0)
    {
        using TransitionReader file = TransitionReader.Open(path, columns);
        return Read(file, taskDimension);
    }

    /// <summary>Reads demonstrations of an open file.</summary>
    /// <param name="file">The file; not disposed.</param>
    /// <param name="taskDimension">As for the other overload.</param>
    /// <returns>The demonstrations; dispose them.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">As for the other overload.</exception>
    public static Demonstrations Read(TransitionReader file, int taskDimension = 0)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (!file.HasEpisodes)
        {
            throw new InvalidDataException(
                $"'{file.Path}' does not say which trajectory each transition belongs to; expected a column 'episode' "
                + "[B].");
        }

        if (file.TaskDimension == 0 && taskDimension == 0)
        {
            throw new InvalidDataException(
                $"'{file.Path}' has no tasks (no column 'task'); expected those that were commanded.");
        }

        TransitionShape shape = file.Shape(taskDimension);
        int widest = Math.Max(shape.ObservationDimension, Math.Max(shape.ActionDimension, shape.TaskDimension));
        if (file.Rows > int.MaxValue / widest)
        {
            throw new InvalidDataException(
                $"'{file.Path}' has {file.Rows} rows, more than the {int.MaxValue / widest} that can be cloned at once.");
        }

        TransitionBatch batch = new(shape, (int)file.Rows);
        try
        {
            long[] rowOf = new long[file.Rows], episode = new long[file.Rows];
            int count = file.Read(batch, 0, (int)file.Rows, rowOf);
            file.ReadEpisodes(episode);
            return count > 0
                ? new Demonstrations(batch, [.. rowOf.Take(count).Select(row => episode[row])])
                : throw new InvalidDataException($"'{file.Path}' has no transitions with a next state.");
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Transitions.Dispose();
}

/// <summary>Plays a policy and keeps what it did.</summary>
public static class DemonstrationCollector
{
    /// <summary>
    /// Plays whole episodes, one per environment copy at a time, each under a task of the environment's distribution.
    /// </summary>
    /// <param name="environment">The environment; its copies play side by side.</param>
    /// <param name="policy">What acts.</param>
    /// <param name="trajectories">Episodes wanted, 1 or more.</param>
    /// <param name="seed">Key of everything that the environment draws.</param>
    /// <returns>The episodes; dispose them.</returns>
    public static Demonstrations Collect(VectorEnvironment environment, IPolicy policy, int trajectories, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentOutOfRangeException.ThrowIfLessThan(trajectories, 1);
        List<Recording> finished = [];
        for (uint round = 0; finished.Count < trajectories; round++)
        {
            finished.AddRange(PlayRound(environment, policy, Evaluator.DeriveSeed(seed, round)));
        }

        finished.RemoveRange(trajectories, finished.Count - trajectories);
        int count = finished.Sum(recording => recording.Count);
        TransitionBatch batch = new(environment.Shape, count) { Count = count };
        long[] episode = new long[batch.Count];
        int row = 0;
        for (int i = 0; i < finished.Count; i++)
        {
            finished[i].CopyTo(batch, row);
            episode.AsSpan(row, finished[i].Count).Fill(i);
            row += finished[i].Count;
        }

        batch.ReplayIndex.Fill(-1);
        return new Demonstrations(batch, episode);
    }

    private static Recording[] PlayRound(VectorEnvironment environment, IPolicy policy, ulong seed)
    {
        int copies = environment.Count, running = copies;
        TransitionShape shape = environment.Shape;
        Recording[] recordings = [.. Enumerable.Range(0, copies).Select(_ => new Recording())];
        float[] action = new float[copies * shape.ActionDimension],
            observation = new float[copies * shape.ObservationDimension];
        float[] task = new float[copies * shape.TaskDimension];
        environment.Reset(seed);
        for (uint step = 0; running > 0; step++)
        {
            environment.Observation.CopyTo(observation);
            environment.Task.CopyTo(task);
            policy.Act(observation, task, copies, step, action);
            environment.Step(action, out StepResult result);
            for (int copy = 0; copy < copies; copy++)
            {
                if (environment.IsResting(copy))
                {
                    continue;
                }

                recordings[copy].Add(
                    Row(observation, copy, shape.ObservationDimension), Row(action, copy, shape.ActionDimension),
                    Row(result.NextObservation, copy, shape.ObservationDimension), Row(task, copy, shape.TaskDimension),
                    result.Reward[copy],
                    result.Terminated[copy]);
                if (result.Terminated[copy] != 0 || result.Truncated[copy] != 0)
                {
                    environment.Rest(copy);
                    running--;
                }
            }
        }

        return recordings;

        static ReadOnlySpan<float> Row(ReadOnlySpan<float> matrix, int row, int width) =>
            matrix.Slice(row * width, width);
    }

    private sealed class Recording
    {
        private readonly List<float> _observation = [], _action = [], _nextObservation = [], _task = [], _reward = [];
        private readonly List<byte> _terminated = [];

        public int Count => _reward.Count;

        public void Add(
            ReadOnlySpan<float> observation, ReadOnlySpan<float> action, ReadOnlySpan<float> nextObservation,
            ReadOnlySpan<float> task, float reward,
            byte terminated)
        {
            _observation.AddRange(observation);
            _action.AddRange(action);
            _nextObservation.AddRange(nextObservation);
            _task.AddRange(task);
            _reward.Add(reward);
            _terminated.Add(terminated);
        }

        public void CopyTo(TransitionBatch batch, int row)
        {
            TransitionShape shape = batch.Shape;
            _observation.CopyTo(batch.Observation[(row * shape.ObservationDimension)..]);
            _action.CopyTo(batch.Action[(row * shape.ActionDimension)..]);
            _nextObservation.CopyTo(batch.NextObservation[(row * shape.ObservationDimension)..]);
            _task.CopyTo(batch.Task[(row * shape.TaskDimension)..]);
            _reward.CopyTo(batch.Reward[row..]);
            _terminated.CopyTo(batch.Terminated[row..]);
        }
    }
}

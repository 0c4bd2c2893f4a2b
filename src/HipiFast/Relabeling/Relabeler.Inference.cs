using System.Numerics.Tensors;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Replay;

namespace HipiFast.Relabeling;

// Inverse RL. B rows (transitions or trajectories), K candidate tasks, P entries of a task.
public sealed unsafe partial class Relabeler
{
    // Rows per soft-Q call: a kernel keeps its first layer for all rows of a call, and this bounds it while leaving plenty to share out to threads.
    private const int KernelRows = 16384;

    // By task: slots that choose among the same random transitions. Few enough that many slots see many transitions, and two vectors of columns.
    private const int RowPoolSlots = 32;

    private const string UnitName = "transition or trajectory";

    // Rows that the log partition sums at a time.
    private const int PartitionRows = 64;

    private readonly NativeBuffer<float> _candidates = new(0);
    private readonly NativeBuffer<float> _softQ = new(0);
    private readonly NativeBuffer<float> _posterior = new(0);
    private readonly NativeBuffer<float> _runningMax = new(0);
    private readonly NativeBuffer<float> _runningSum = new(0);
    private readonly NativeBuffer<float> _logPartition = new(0);
    private readonly NativeBuffer<int> _mode = new(0);
    private readonly NativeBuffer<int> _sample = new(0);
    private readonly NativeBuffer<float> _entropy = new(0);
    private readonly NativeBuffer<float> _logNormalizer = new(0);
    private readonly NativeBuffer<int> _slot = new(0);
    private readonly NativeBuffer<int> _poolRow = new(0);
    private readonly RunningPartition _runningPartition;
    private readonly TaskTable _table = new();
    private readonly ReturnSum _returns = new();
    private TransitionBatch? _pool;
    private TransitionBatch? _staged;

    // What inference leaves for the result. The means are NaN where they do not apply.
    private readonly record struct Inference(int Candidates, bool HasPartition, double MeanEntropy, double CommandedIsMode, double KlFromCommanded)
    {
        public static Inference Nothing => new(0, false, double.NaN, double.NaN, double.NaN);
    }

    // By row: each unit picks its task. Writes _taskIndex and the first row of _newTask of every unit to be inferred.
    private Inference InferTasks(TransitionBatch batch, Units units, ReadOnlySpan<float> given, ReadOnlySpan<float> givenLogPrior)
    {
        if (!units.AreTrajectories)
        {
            RequireAgent();
        }

        int candidates = GatherCandidates(batch, units, given);
        ReadOnlySpan<float> logPrior = LogPrior(given, givenLogPrior, candidates);
        bool partition = Options.Partition != PartitionMode.None;
        bool posterior = Observer is { WantsPosterior: true };
        int blockRows = BlockRows(units.Count, candidates, posterior);
        _softQ.EnsureLength((long)blockRows * candidates);
        _posterior.EnsureLength(posterior ? (long)blockRows * candidates : 0);
        _mode.EnsureLength(blockRows);
        _sample.EnsureLength(blockRows);
        _entropy.EnsureLength(blockRows);
        _logNormalizer.EnsureLength(blockRows);
        _table.Build(_candidates.Pointer, candidates, TaskDimension);
        if (partition)
        {
            AccumulatePartition(batch, units, candidates, blockRows);
        }

        // One block is still in memory from the partition; several are computed again, with the same noise because it is counted by row.
        bool inMemory = partition && blockRows == units.Count;
        Means means = default;
        for (int first = 0; first < units.Count; first += blockRows)
        {
            int rows = Math.Min(blockRows, units.Count - first);
            Span<float> softQ = _softQ.Slice(0, rows * candidates);
            if (!inMemory)
            {
                ComputeSoftQ(batch, units, first, rows, candidates, softQ);
                CheckSoftQ(softQ, first, candidates, units.AreTrajectories);
            }

            TaskPosterior scores = new()
            {
                SoftQ = softQ,
                Rows = rows,
                Candidates = candidates,
                LogPartition = _logPartition.Slice(0, partition ? candidates : 0),
                LogPrior = logPrior,
                Temperature = Options.Temperature,
                Seed = Options.Seed,
                Call = Call,
                FirstRow = (uint)first,
            };
            SampleBlock(batch, units, scores, ref means);
            if (Observer is not null)
            {
                ShowBlock(scores, posterior);
            }
        }

        int count = units.Count;
        return new Inference(
            candidates, partition, means.Entropy / count, (double)means.ModeCount / count,
                means.KlCount == 0 ? double.NaN : means.Kl / means.KlCount);
    }

    private int BlockRows(int rows, int candidates, bool posterior)
    {
        long perRow = (posterior ? 2L : 1L) * candidates * sizeof(float);
        long fitting = Math.Min(Options.MemoryBudget / perRow, int.MaxValue / candidates);
        if (fitting < rows && fitting > PartitionRows)
        {
            // Blocks then end where the sums of the undivided batch end, too.
            fitting -= fitting % PartitionRows;
        }

        return (int)Math.Clamp(fitting, 1, rows);
    }

    private void AccumulatePartition(TransitionBatch batch, Units units, int candidates, int blockRows)
    {
        _runningMax.EnsureLength(candidates);
        _runningSum.EnsureLength(candidates);
        _logPartition.EnsureLength(candidates);
        Span<float> max = _runningMax.Slice(0, candidates), sum = _runningSum.Slice(0, candidates);
        if (KeepsPartition)
        {
            _runningPartition.Begin(max, sum);
        }
        else
        {
            max.Fill(float.NegativeInfinity);
            sum.Clear();
        }

        for (int first = 0; first < units.Count; first += blockRows)
        {
            int rows = Math.Min(blockRows, units.Count - first);
            Span<float> softQ = _softQ.Slice(0, rows * candidates);
            ComputeSoftQ(batch, units, first, rows, candidates, softQ);
            CheckSoftQ(softQ, first, candidates, units.AreTrajectories);
            _session.LogPartition.Accumulate(softQ, rows, candidates, max, sum);
        }

        Span<float> logPartition = _logPartition.Slice(0, candidates);
        if (KeepsPartition)
        {
            _runningPartition.Finish(_session.LogPartition, max, sum, units.Count, logPartition);
        }
        else
        {
            _session.LogPartition.Finish(max, sum, units.Count, logPartition);
        }
    }

    private void SampleBlock(TransitionBatch batch, Units units, in TaskPosterior scores, ref Means means)
    {
        TaskSamples samples = new()
        {
            Index = _sample.Slice(0, scores.Rows),
            Mode = _mode.Slice(0, scores.Rows),
            Entropy = _entropy.Slice(0, scores.Rows),
            LogNormalizer = _logNormalizer.Slice(0, scores.Rows),
        };
        _session.TaskSampling.SampleTasks(scores, samples);
        CheckSampled(samples.Index, (int)scores.FirstRow, UnitName);
        int dimension = TaskDimension;
        for (int row = 0; row < scores.Rows; row++)
        {
            int unit = (int)scores.FirstRow + row;
            float* commanded = batch.TaskPointer + ((long)units.FirstRow(unit) * dimension);
            means.Entropy += samples.Entropy[row];
            means.ModeCount += TaskTable.AreEqual(commanded, Candidate(samples.Mode[row]), dimension) ? 1 : 0;
            int equal = scores.IsMaximumAPosteriori ? -1 : _table.Find(commanded);
            if (equal >= 0)
            {
                means.Kl += Surprise(scores, row, equal, samples.LogNormalizer[row]);
                means.KlCount++;
            }

            if (_service[unit] == Service.Infer)
            {
                _taskIndex[unit] = samples.Index[row];
                new ReadOnlySpan<float>(Candidate(samples.Index[row]), dimension)
                    .CopyTo(_newTask.Slice((long)units.FirstRow(unit) * dimension, dimension));
            }
        }
    }

    // -log of the posterior of a task, over all candidates that equal it.
    private double Surprise(in TaskPosterior scores, int row, int candidate, float logNormalizer)
    {
        double probability = 0;
        for (int i = candidate; i >= 0; i = _table.NextEqual(i))
        {
            double score = scores.SoftQ[(row * scores.Candidates) + i];
            score = (score - (scores.LogPartition.IsEmpty ? 0 : scores.LogPartition[i])) / scores.Temperature;
            probability += Math.Exp(score + (scores.LogPrior.IsEmpty ? 0 : scores.LogPrior[i]) - logNormalizer);
        }

        return Math.Max(0, -Math.Log(probability));
    }

    private void ShowBlock(in TaskPosterior scores, bool withPosterior)
    {
        int candidates = scores.Candidates;
        Span<float> posterior = _posterior.Slice(0, withPosterior ? scores.Rows * candidates : 0);
        for (int row = 0; row < scores.Rows && withPosterior; row++)
        {
            Span<float> target = posterior.Slice(row * candidates, candidates);
            if (scores.IsMaximumAPosteriori)
            {
                target.Clear();
                target[_mode[row]] = 1;
                continue;
            }

            scores.SoftQ.Slice(row * candidates, candidates).CopyTo(target);
            if (!scores.LogPartition.IsEmpty)
            {
                TensorPrimitives.Subtract(target, scores.LogPartition, target);
            }

            TensorPrimitives.Divide(target, scores.Temperature, target);
            if (!scores.LogPrior.IsEmpty)
            {
                TensorPrimitives.Add(target, scores.LogPrior, target);
            }

            TensorPrimitives.Subtract(target, _logNormalizer[row], target);
            TensorPrimitives.Exp(target, target);
        }

        Observer!.OnBlock(new RelabelBlock
        {
            FirstRow = (int)scores.FirstRow,
            Rows = scores.Rows,
            Candidates = candidates,
            SoftQ = scores.SoftQ,
            LogPartition = scores.LogPartition,
            Posterior = posterior,
        });
    }

    // By task: the commanded task of each slot to be inferred picks its transition among M random ones, fresh for every group of slots.
    // Stages the whole batch with them.
    private Inference InferTransitions(TransitionBatch batch, ReplayBuffer? replay)
    {
        RequireAgent();
        int slots = 0, dimension = TaskDimension;
        _slot.EnsureLength(batch.Count);
        _sample.EnsureLength(batch.Count);
        _candidates.EnsureLength((long)batch.Count * dimension);
        for (int row = 0; row < batch.Count; row++)
        {
            if (_service[row] == Service.Infer)
            {
                batch.Task.Slice(row * dimension, dimension).CopyTo(_candidates.Slice((long)slots * dimension, dimension));
                _slot[slots++] = row;
            }
        }

        EnsureCapacity(ref _staged, batch.Shape, batch.Count);
        _staged!.Count = batch.Count;
        batch.Observation.CopyTo(_staged.Observation);
        batch.Action.CopyTo(_staged.Action);
        batch.NextObservation.CopyTo(_staged.NextObservation);
        batch.ReplayIndex.CopyTo(_staged.ReplayIndex);

        // The group's part of Q~ is one span, so a pool of more than 2^26 transitions makes groups smaller.
        int poolRows = replay is null ? Math.Min(Options.RowPool, batch.Count) : Options.RowPool;
        int groupSlots = Math.Min(RowPoolSlots, int.MaxValue / poolRows);
        _softQ.EnsureLength((long)poolRows * Math.Min(groupSlots, slots));
        ulong numbered = 0;
        for (int first = 0; first < slots; first += groupSlots, numbered += (uint)poolRows)
        {
            InferGroup(FillPool(batch, replay, numbered), first, Math.Min(groupSlots, slots - first), (uint)numbered);
        }

        return Inference.Nothing with { Candidates = slots };
    }

    // Slots [first, first + count) choose among one pool, whose transitions are numbered from firstNumber so that no group repeats another's noise.
    private void InferGroup(TransitionBatch pool, int first, int count, uint firstNumber)
    {
        Span<float> softQ = _softQ.Slice(0, pool.Count * count);
        ComputeSoftQ(pool, new Units(pool.Count, null), 0, pool.Count, count, softQ, first, firstNumber);
        CheckSoftQ(softQ, 0, count, false, first);
        TaskPosterior scores = new()
        {
            SoftQ = softQ,
            Rows = pool.Count,
            Candidates = count,
            Temperature = Options.Temperature,
            Seed = Options.Seed,
            Call = Call,
            FirstRow = firstNumber,
        };
        Span<int> picked = _sample.Slice(first, count);
        _session.TaskSampling.SampleRows(scores, picked);
        CheckSampled(picked, first, "task");
        for (int i = 0; i < count; i++)
        {
            int slot = _slot[first + i];
            CopyTransition(pool, picked[i], _staged!, slot);
            _taskIndex[slot] = first + i;
        }
    }

    // The transitions among which a group of tasks chooses: random ones of the replay buffer, or of the batch, or all of a batch that is no larger
    // than the pool.
    private TransitionBatch FillPool(TransitionBatch batch, ReplayBuffer? replay, ulong firstNumber)
    {
        int count = Options.RowPool;
        if (replay is null && count >= batch.Count)
        {
            return batch;
        }

        EnsureCapacity(ref _pool, batch.Shape, count);
        if (replay is not null)
        {
            replay.Sample(_pool!, count, Options.Seed, Call, RandomPurpose.RowPool, firstNumber);
            CheckFinite(_pool!, "pooled replay ");
            return _pool!;
        }

        _pool!.Count = count;
        _poolRow.EnsureLength(count);
        Span<int> rows = _poolRow.Slice(0, count);
        UniformIndex.Fill(rows, (uint)batch.Count, Options.Seed, Call, RandomPurpose.RowPool, firstNumber);
        for (int i = 0; i < count; i++)
        {
            CopyTransition(batch, rows[i], _pool, i);
        }

        return _pool;
    }

    private static void EnsureCapacity(ref TransitionBatch? batch, TransitionShape shape, int capacity)
    {
        if (batch is null || batch.Capacity < capacity || batch.Shape != shape)
        {
            batch?.Dispose();
            batch = new TransitionBatch(shape, capacity);
        }
    }

    // What belongs to a transition whatever its task.
    private static void CopyTransition(TransitionBatch source, int sourceRow, TransitionBatch target, int row)
    {
        int state = source.Shape.ObservationDimension, action = source.Shape.ActionDimension;
        source.Observation.Slice(sourceRow * state, state).CopyTo(target.Observation.Slice(row * state, state));
        source.Action.Slice(sourceRow * action, action).CopyTo(target.Action.Slice(row * action, action));
        source.NextObservation.Slice(sourceRow * state, state).CopyTo(target.NextObservation.Slice(row * state, state));
        target.ReplayIndex[row] = source.ReplayIndex[sourceRow];
    }

    // Writes the candidate set of this call, the one that is scored and that indices point into.
    private int GatherCandidates(TransitionBatch batch, Units units, ReadOnlySpan<float> given)
    {
        if (!given.IsEmpty || Options.Candidates == CandidateSource.Fixed)
        {
            return StoreCandidates(given);
        }

        int sources = Options.Candidates == CandidateSource.Both ? 2 : 1;
        int count = checked(sources * units.Count);
        _candidates.EnsureLength((long)count * TaskDimension);
        for (int unit = 0; unit < units.Count; unit++)
        {
            float* commanded = batch.TaskPointer + ((long)units.FirstRow(unit) * TaskDimension);
            if (Options.Candidates != CandidateSource.Reached)
            {
                new ReadOnlySpan<float>(commanded, TaskDimension).CopyTo(new Span<float>(Candidate(unit), TaskDimension));
            }

            if (Options.Candidates != CandidateSource.Commanded)
            {
                nint states = Options.ReachedState == ReachedState.Next ? batch.Pointers.NextObservation : batch.Pointers.Observation;
                float* reached = (float*)states + ((long)units.LastRow(unit) * batch.Shape.ObservationDimension);
                _family.AchievedTasks(reached, commanded, 1, batch.Shape.ObservationDimension, Candidate(unit + ((sources - 1) * units.Count)));
            }
        }

        return count;
    }

    // The candidates given with the call, or else the fixed ones.
    private int StoreCandidates(ReadOnlySpan<float> given)
    {
        if (given.IsEmpty && _fixedCount == 0)
        {
            throw new ArgumentException("There are no candidate tasks: fixed candidates were asked for and none were set.");
        }

        ReadOnlySpan<float> tasks = given.IsEmpty ? _fixedTasks.Slice(0, _fixedCount * TaskDimension) : given;
        Store(_candidates, tasks);
        return tasks.Length / TaskDimension;
    }

    private float* Candidate(int index) => _candidates.Pointer + ((long)index * TaskDimension);

    // Q~ of units [first, first + rows) under candidates from firstCandidate on. The noise of unit u is counted as firstNumber + u.
    private void ComputeSoftQ(
        TransitionBatch batch, Units units, int first, int rows, int candidates, Span<float> softQ, int firstCandidate = 0, uint firstNumber = 0)
    {
        if (units.AreTrajectories)
        {
            _returns.Compute(_family, batch, units, first, rows, _candidates.Pointer, candidates, softQ, Options.Compute.Threads);
            return;
        }

        for (int start = 0; start < rows; start += KernelRows)
        {
            int count = Math.Min(KernelRows, rows - start);
            SoftQProblem problem = Problem(batch, first + start, count, candidates, firstCandidate, firstNumber);
            _session.SoftQ.Compute(problem, softQ.Slice(start * candidates, count * candidates));
        }
    }

    // Q~ of rows [first, first + count) as a problem. The noise of row j is counted as firstNumber + j.
    private SoftQProblem Problem(TransitionBatch batch, int first, int count, int candidates, int firstCandidate = 0, uint firstNumber = 0)
    {
        int state = batch.Shape.ObservationDimension, action = batch.Shape.ActionDimension;
        return Problem(
            batch.Shape,
            batch.Observation.Slice(first * state, count * state),
            batch.Action.Slice(first * action, count * action),
            batch.NextObservation.Slice(first * state, count * state),
            _candidates.Slice((long)firstCandidate * TaskDimension, candidates * TaskDimension),
            count,
            candidates,
            unchecked(firstNumber + (uint)first));
    }

    // The same of matrices that may be empty because they are on a device.
    private SoftQProblem Problem(
        TransitionShape shape, ReadOnlySpan<float> observation, ReadOnlySpan<float> action, ReadOnlySpan<float> nextObservation,
        ReadOnlySpan<float> task, int rows, int candidates, uint firstRow)
    {
        Learning.AgentNetworks agent = RequireAgent();
        return new SoftQProblem
        {
            Observation = observation,
            Action = action,
            NextObservation = nextObservation,
            Task = task,
            Rows = rows,
            Candidates = candidates,
            ObservationDimension = shape.ObservationDimension,
            ActionDimension = shape.ActionDimension,
            TaskDimension = TaskDimension,
            Estimator = Options.Estimator,
            Critic1 = agent.Critic1,
            Critic2 = agent.Critic2,
            Actor = agent.Actor,
            Twin = Options.Twin,
            CriticRange = agent.CriticRange,
            Alpha = Options.Alpha ?? agent.Alpha,
            Gamma = Options.Gamma,
            Family = _family,
            ExactTerminalValue = Options.ExactTerminalValue,
            Seed = Options.Seed,
            Call = Call,
            FirstRow = firstRow,
        };
    }

    private ReadOnlySpan<float> LogPrior(ReadOnlySpan<float> given, ReadOnlySpan<float> givenLogPrior, int candidates) =>
        given.IsEmpty && Options.Candidates == CandidateSource.Fixed && _hasFixedPrior ? _fixedLogPrior.Slice(0, candidates) : givenLogPrior;

    private void DisposeInference()
    {
        _candidates.Dispose();
        _softQ.Dispose();
        _posterior.Dispose();
        _runningMax.Dispose();
        _runningSum.Dispose();
        _logPartition.Dispose();
        _mode.Dispose();
        _sample.Dispose();
        _entropy.Dispose();
        _logNormalizer.Dispose();
        _slot.Dispose();
        _poolRow.Dispose();
        _runningPartition.Dispose();
        _replayIndex.Dispose();
        _table.Dispose();
        _returns.Dispose();
        _pool?.Dispose();
        _staged?.Dispose();
    }

    private struct Means
    {
        public double Entropy;
        public double Kl;
        public int KlCount;
        public int ModeCount;
    }
}

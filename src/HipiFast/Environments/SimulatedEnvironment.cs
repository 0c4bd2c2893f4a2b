using System.Numerics;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Tasks;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Tasks;

namespace HipiFast.Environments;

/// <summary>
/// What simulated environments have in common: episodes, tasks, rewards, the time limit and checkpoints. A subclass
/// supplies the dynamics over a structure-of-arrays state: one column of N numbers per state variable; or, with no
/// columns, over a state of its own, which it then saves and loads itself (<see cref="SaveDynamics"/>).
/// </summary>
/// <remarks>
/// One step: clip the actions, move all copies, write s', judge (s, a, s') under the commanded task, truncate at the
/// time limit, and start the next episode of the copies that ended. Nothing is allocated after construction. Counters
/// of the random numbers: (block, copy, step) for the dynamics, (block, copy, episode) for initial states, (copy,
/// block, episode) for commanded tasks. One thread at a time: a second is refused with an
/// <see cref="InvalidOperationException"/>. What is shown of states, tasks and steps outlives the environment.
/// </remarks>
public abstract unsafe class SimulatedEnvironment : VectorEnvironment
{
    private readonly NativeBuffer<float> _state;
    private readonly ManagedBuffer<float> _observation;
    private readonly ManagedBuffer<float> _nextObservation;
    private readonly NativeBuffer<float> _action;
    private readonly ManagedBuffer<float> _task;
    private readonly ManagedBuffer<float> _reward;
    private readonly ManagedBuffer<byte> _terminated;
    private readonly ManagedBuffer<byte> _truncated;
    private readonly NativeBuffer<int> _episodeStep;
    private readonly NativeBuffer<int> _episode;
    private readonly bool[] _resting;
    private readonly float[] _fixedTasks;
    private readonly int _stateColumns;
    private ulong _seed;
    private ulong _step;
    private int _restingCount;
    private bool _started;
    private UseGuard _use;

    /// <summary>Allocates all copies.</summary>
    /// <param name="name">Name on the command line.</param>
    /// <param name="count">N, copies, 1 or more.</param>
    /// <param name="observationDimension">S.</param>
    /// <param name="actionDimension">A.</param>
    /// <param name="stateColumns">
    /// Number of state variables of the dynamics; 0 when the subclass keeps them itself.
    /// </param>
    /// <param name="episodeLimit">Steps after which an episode is truncated, 1 or more.</param>
    /// <param name="family">Reward, termination and state-to-task map.</param>
    /// <param name="taskDistribution">Where commanded tasks come from; its tasks have the family's dimension.</param>
    /// <param name="fixedTasks">The tasks <c>[K, P]</c> of a discrete family, else empty.</param>
    /// <exception cref="ArgumentException">
    /// A size is out of range, the distribution's tasks do not fit the family, or the family reads state entries that
    /// there are not.
    /// </exception>
    protected SimulatedEnvironment(
        string name,
        int count,
        int observationDimension,
        int actionDimension,
        int stateColumns,
        int episodeLimit,
        TaskFamily family,
        ITaskDistribution taskDistribution,
        ReadOnlySpan<float> fixedTasks = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(stateColumns);
        ArgumentOutOfRangeException.ThrowIfLessThan(episodeLimit, 1);
        ArgumentNullException.ThrowIfNull(family);
        ArgumentNullException.ThrowIfNull(taskDistribution);
        if (taskDistribution.TaskDimension != family.TaskDimension || fixedTasks.Length % family.TaskDimension != 0)
        {
            throw new ArgumentException(
                $"The tasks of {name} have {family.TaskDimension} entries; its distribution draws tasks of "
                + $"{taskDistribution.TaskDimension} " +
                $"and its fixed tasks hold {fixedTasks.Length} numbers.");
        }

        family.CheckObservationDimension(observationDimension);
        Name = name;
        Count = count;
        EpisodeLimit = episodeLimit;
        Family = family;
        TaskDistribution = taskDistribution;
        Shape = new TransitionShape(observationDimension, actionDimension, family.TaskDimension);
        Shape.Validate();
        _resting = new bool[count];
        _fixedTasks = fixedTasks.ToArray();
        _stateColumns = stateColumns;
        _state = new NativeBuffer<float>((long)stateColumns * count);
        _observation = new ManagedBuffer<float>(checked(observationDimension * count));
        _nextObservation = new ManagedBuffer<float>(checked(observationDimension * count));
        _action = new NativeBuffer<float>((long)actionDimension * count);
        _task = new ManagedBuffer<float>(checked(family.TaskDimension * count));
        _reward = new ManagedBuffer<float>(count);
        _terminated = new ManagedBuffer<byte>(count);
        _truncated = new ManagedBuffer<byte>(count);
        _episodeStep = new NativeBuffer<int>(count);
        _episode = new NativeBuffer<int>(count);
    }

    /// <inheritdoc/>
    public sealed override string Name { get; }

    /// <inheritdoc/>
    public sealed override TransitionShape Shape { get; }

    /// <inheritdoc/>
    public sealed override int Count { get; }

    /// <inheritdoc/>
    public sealed override int EpisodeLimit { get; }

    /// <inheritdoc/>
    public sealed override TaskFamily Family { get; }

    /// <inheritdoc/>
    public sealed override ITaskDistribution TaskDistribution { get; }

    /// <inheritdoc/>
    public sealed override ReadOnlySpan<float> FixedTasks => _fixedTasks;

    /// <inheritdoc/>
    public sealed override ReadOnlySpan<float> Observation
    {
        get
        {
            _use.ThrowIfDisposed(this);
            return _observation.Span;
        }
    }

    /// <inheritdoc/>
    public sealed override ReadOnlySpan<float> Task
    {
        get
        {
            _use.ThrowIfDisposed(this);
            return _task.Span;
        }
    }

    /// <inheritdoc/>
    public sealed override void Reset(ulong seed)
    {
        using UseGuard.Scope use = _use.Enter(this);
        _seed = seed;
        _step = 0;
        _started = true;
        _episode.Span.Clear();
        _truncated.Span.Clear();
        _terminated.Span.Clear();
        WakeAll();
        for (int copy = 0; copy < Count; copy++)
        {
            BeginEpisode(copy);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException">There is no such copy.</exception>
    public sealed override void Rest(int copy)
    {
        using UseGuard.Scope use = _use.Enter(this);
        ArgumentOutOfRangeException.ThrowIfNegative(copy);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(copy, Count);
        _restingCount += _resting[copy] ? 0 : 1;
        _resting[copy] = true;
    }

    /// <inheritdoc/>
    public sealed override bool IsResting(int copy)
    {
        _use.ThrowIfDisposed(this);
        return _resting[copy];
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">
    /// <see cref="Reset"/> or <see cref="LoadState"/> has not been called.
    /// </exception>
    /// <exception cref="ArgumentException">The action's length is not N times A, or an entry is NaN.</exception>
    public sealed override void Step(ReadOnlySpan<float> action, out StepResult result)
    {
        using UseGuard.Scope use = _use.Enter(this);
        if (!_started)
        {
            throw new InvalidOperationException($"The environment {Name} was stepped before Reset.");
        }

        TakeActions(action);
        Advance(new EnvironmentRandom(_seed, RandomPurpose.EnvironmentDynamics, _step));
        _step++;
        int width = Shape.ObservationDimension;
        for (int copy = 0; copy < Count; copy++)
        {
            Span<float> next = _nextObservation.Slice((long)copy * width, width);
            if (_resting[copy])
            {
                _observation.Slice((long)copy * width, width).CopyTo(next);
                continue;
            }

            _episodeStep[copy]++;
            Observe(copy, next);
        }

        TransitionPointers transitions = new(
            (nint)_observation.Pointer, (nint)_action.Pointer, (nint)_nextObservation.Pointer, Count, width,
            Shape.ActionDimension);
        Family.EvaluateRows(transitions, _task.Pointer, _reward.Pointer, _terminated.Pointer);
        _nextObservation.Span.CopyTo(_observation.Span);
        for (int copy = 0; copy < Count; copy++)
        {
            if (_resting[copy])
            {
                _reward[copy] = 0f;
                _terminated[copy] = _truncated[copy] = 0;
                continue;
            }

            bool terminated = _terminated[copy] != 0;
            bool truncated = !terminated && IsAtTimeLimit(copy);
            _truncated[copy] = truncated ? (byte)1 : (byte)0;
            if (terminated || truncated)
            {
                _episode[copy]++;
                BeginEpisode(copy);
            }
        }

        result = new StepResult
        {
            NextObservation = _nextObservation.Span,
            Reward = _reward.Span,
            Terminated = _terminated.Span,
            Truncated = _truncated.Span,
        };
    }

    /// <summary>
    /// Adds the state of every copy to a checkpoint: the dynamics' state, observations, tasks, and the positions in
    /// episodes and random numbers.
    /// </summary>
    /// <param name="writer">Where to.</param>
    /// <param name="prefix">First part of the tensors' names.</param>
    public sealed override void SaveState(SafetensorsWriter writer, string prefix)
    {
        ArgumentNullException.ThrowIfNull(writer);
        using UseGuard.Scope use = _use.Enter(this);
        if (_restingCount > 0)
        {
            throw new InvalidOperationException(
                $"A checkpoint of {Name} was asked for while copies rest ({_restingCount} of {Count}); reset it "
                + "first.");
        }

        if (_stateColumns > 0)
        {
            writer.Add<float>(prefix + "state", _state.Span, _stateColumns, Count);
        }

        SaveDynamics(writer, prefix);
        writer.Add<float>(prefix + "observation", _observation.Span, Count, Shape.ObservationDimension);
        writer.Add<float>(prefix + "task", _task.Span, Count, Shape.TaskDimension);
        writer.Add<int>(prefix + "episode_step", _episodeStep.Span, Count);
        writer.Add<int>(prefix + "episode", _episode.Span, Count);
        writer.Add<ulong>(prefix + "random", [_seed, _step], 2);
    }

    /// <summary>
    /// Restores what <see cref="SaveState"/> wrote; stepping then goes on bit for bit as it would have.
    /// </summary>
    /// <param name="file">Where from.</param>
    /// <param name="prefix">First part of the tensors' names.</param>
    /// <exception cref="InvalidDataException">
    /// A tensor is missing, of another type or shape (as when the number of copies differs), or holds a number that is
    /// not finite. The environment is then as it was.
    /// </exception>
    public sealed override void LoadState(SafetensorsFile file, string prefix)
    {
        ArgumentNullException.ThrowIfNull(file);
        using UseGuard.Scope use = _use.Enter(this);

        // Everything is checked before the first number is taken over, so that a bad file leaves the environment as it
        // was.
        if (_stateColumns > 0)
        {
            file.Require(prefix + "state", TensorType.Float32, _stateColumns, Count);
        }

        file.Require(prefix + "observation", TensorType.Float32, Count, Shape.ObservationDimension);
        file.Require(prefix + "task", TensorType.Float32, Count, Shape.TaskDimension);
        file.Require(prefix + "episode_step", TensorType.Int32, Count);
        file.Require(prefix + "episode", TensorType.Int32, Count);
        file.Require(prefix + "random", TensorType.UInt64, 2);
        float[] state = _stateColumns > 0 ? ReadFinite<float>(file, prefix + "state", _state.Span.Length) : [];
        float[] observation = ReadFinite<float>(file, prefix + "observation", _observation.Span.Length);
        float[] task = ReadFinite<float>(file, prefix + "task", _task.Span.Length);
        LoadDynamics(file, prefix);
        state.CopyTo(_state.Span);
        observation.CopyTo(_observation.Span);
        task.CopyTo(_task.Span);
        file.Read(prefix + "episode_step", _episodeStep.Span);
        file.Read(prefix + "episode", _episode.Span);
        Span<ulong> random = stackalloc ulong[2];
        file.Read(prefix + "random", random);
        (_seed, _step) = (random[0], random[1]);
        WakeAll();
        _started = true;
    }

    /// <summary>Gives the memory back; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A call is under way.</exception>
    public override void Dispose()
    {
        if (!_use.Close(this))
        {
            return;
        }

        DisposeDynamics();
        _state.Dispose();
        _observation.Dispose();
        _nextObservation.Dispose();
        _action.Dispose();
        _task.Dispose();
        _reward.Dispose();
        _terminated.Dispose();
        _truncated.Dispose();
        _episodeStep.Dispose();
        _episode.Dispose();
        base.Dispose();
    }

    /// <summary>Gives back what the dynamics keep outside the state's columns; called once, when none steps.</summary>
    protected virtual void DisposeDynamics()
    {
    }

    /// <summary>Throws when the environment has been disposed of.</summary>
    /// <exception cref="ObjectDisposedException">It has.</exception>
    protected void ThrowIfDisposed() => _use.ThrowIfDisposed(this);

    /// <summary>Begins a call that uses the dynamics' memory; see <see cref="UseGuard.Enter"/>.</summary>
    internal UseGuard.Scope Enter() => _use.Enter(this);

    /// <summary>The actions of the step under way, <c>[N, A]</c>, clipped to [-1, 1].</summary>
    protected ReadOnlySpan<float> Actions => _action.Span;

    /// <summary>One state variable of all copies.</summary>
    /// <param name="column">Which, in [0, state columns).</param>
    /// <returns>N numbers, writable.</returns>
    protected Span<float> StateColumn(int column) => _state.Slice((long)column * Count, Count);

    /// <summary>Whether a copy's episode has used up its steps.</summary>
    /// <param name="copy">Which copy.</param>
    /// <returns>True in the last state of a truncated episode.</returns>
    protected bool IsAtTimeLimit(int copy) => _episodeStep[copy] >= EpisodeLimit;

    /// <summary>Adds to a checkpoint what the dynamics keep outside the state's columns.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="prefix">First part of the tensors' names.</param>
    protected virtual void SaveDynamics(SafetensorsWriter writer, string prefix)
    {
    }

    /// <summary>Restores what <see cref="SaveDynamics"/> wrote; checks all of it before it changes anything.</summary>
    /// <param name="file">Where from.</param>
    /// <param name="prefix">First part of the tensors' names.</param>
    /// <exception cref="InvalidDataException">
    /// A tensor is missing, of another type or shape, or holds a number that is not finite.
    /// </exception>
    protected virtual void LoadDynamics(SafetensorsFile file, string prefix)
    {
    }

    /// <summary>Reads numbers that must be finite.</summary>
    /// <typeparam name="T">Their type.</typeparam>
    /// <param name="file">Where from.</param>
    /// <param name="name">The tensor's name.</param>
    /// <param name="length">How many.</param>
    /// <returns>The numbers.</returns>
    /// <exception cref="InvalidDataException">One of them is not finite.</exception>
    protected static T[] ReadFinite<T>(SafetensorsFile file, string name, int length)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(file);
        T[] values = new T[length];
        file.ReadFinite<T>(name, values);
        return values;
    }

    /// <summary>Sets the state of one copy to where an episode begins.</summary>
    /// <param name="copy">Which copy.</param>
    /// <param name="random">Its random numbers: one set per episode.</param>
    protected abstract void StartEpisode(int copy, in EnvironmentRandom random);

    /// <summary>Moves the state of the copies that do not rest by one step under <see cref="Actions"/>.</summary>
    /// <param name="random">Random numbers: one set per step.</param>
    protected abstract void Advance(in EnvironmentRandom random);

    /// <summary>Writes what a copy's state looks like from outside.</summary>
    /// <param name="copy">Which copy.</param>
    /// <param name="observation">Result <c>[S]</c>.</param>
    protected abstract void Observe(int copy, Span<float> observation);

    private void WakeAll()
    {
        Array.Clear(_resting);
        _restingCount = 0;
    }

    private void BeginEpisode(int copy)
    {
        uint episode = (uint)_episode[copy];
        _episodeStep[copy] = 0;
        StartEpisode(copy, new EnvironmentRandom(_seed, RandomPurpose.EnvironmentReset, episode));
        Observe(copy, _observation.Slice((long)copy * Shape.ObservationDimension, Shape.ObservationDimension));
        TaskDistribution.Sample(
            _task.Slice((long)copy * Shape.TaskDimension, Shape.TaskDimension), _seed, (uint)copy, episode,
            RandomPurpose.EnvironmentTask);
    }

    private void TakeActions(ReadOnlySpan<float> action)
    {
        Span<float> clipped = _action.Span;
        if (action.Length != clipped.Length)
        {
            throw new ArgumentException(
                $"The action of {Name} has {action.Length} entries; expected {clipped.Length} ({Count} copies of "
                + $"{Shape.ActionDimension}).",
                nameof(action));
        }

        for (int i = 0; i < action.Length; i++)
        {
            if (float.IsNaN(action[i]))
            {
                throw new ArgumentException(
                    $"Entry {i % Shape.ActionDimension} of the action of copy {i / Shape.ActionDimension} is NaN.",
                    nameof(action));
            }

            clipped[i] = Math.Clamp(action[i], -1f, 1f);
        }
    }
}

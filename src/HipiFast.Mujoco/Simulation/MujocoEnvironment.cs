using HipiFast.Environments;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Tasks;
using HipiFast.Kernels.Threading;
using HipiFast.Mujoco.Native;
using HipiFast.Storage;
using HipiFast.Tasks;

namespace HipiFast.Mujoco.Simulation;

/// <summary>The fixed numbers of a physics environment.</summary>
/// <param name="Name">Name on the command line.</param>
/// <param name="Model">Name of its model.</param>
/// <param name="ObservationDimension">S, the flag of the time limit included.</param>
/// <param name="ActionDimension">A.</param>
/// <param name="EpisodeLimit">Steps of an episode, unless set.</param>
/// <param name="Substeps">Steps of the model per step of the environment.</param>
internal readonly record struct MujocoSetup(
    string Name, string Model, int ObservationDimension, int ActionDimension, int EpisodeLimit, int Substeps);

/// <summary>
/// What the physics environments have in common: one model, a state in double precision for every copy, copies stepped
/// side by side, and an observation whose last entry says that the time limit was reached (1, else 0: paper C.3 and
/// C.9).
/// </summary>
/// <remarks>
/// A step is a function of a copy's state and action alone, so results do not depend on the number of copies or
/// threads, and a checkpoint goes on bit for bit. A simulation that diverges ends the step with an exception that names
/// the model.
/// </remarks>
internal abstract unsafe class MujocoEnvironment : SimulatedEnvironment, IDrawnEnvironment, IParallelWork
{
    // An initial state drawn in contact is drawn again, at most so often.
    private const int MaxPlacements = 100;

    private readonly MujocoSetup _setup;
    private readonly MujocoModel _model;
    private readonly MujocoSimulator?[] _simulators;
    private readonly int _threads;
    private readonly double[] _initial;
    private readonly (double Middle, double HalfWidth)[] _controlRanges;
    private readonly NativeBuffer<double> _states;
    private readonly NativeBuffer<double> _readings;
    private readonly NativeBuffer<double> _controls;

    /// <summary>Reads the model and allocates all copies.</summary>
    /// <param name="setup">Fixed numbers.</param>
    /// <param name="count">N, copies, 1 or more.</param>
    /// <param name="settings">Changes.</param>
    /// <param name="family">Reward, termination and state-to-task map.</param>
    /// <param name="tasks">Where commanded tasks come from.</param>
    /// <param name="fixedTasks">The tasks of a discrete family, else empty.</param>
    /// <exception cref="NotSupportedException">MuJoCo is not to be had.</exception>
    /// <exception cref="ArgumentException">A setting does not apply.</exception>
    protected MujocoEnvironment(
        MujocoSetup setup,
        int count,
        EnvironmentSettings settings,
        TaskFamily family,
        ITaskDistribution tasks,
        ReadOnlySpan<float> fixedTasks = default)
        : base(
            setup.Name,
            count,
            setup.ObservationDimension,
            setup.ActionDimension,
            0,
            settings.EpisodeLimit ?? setup.EpisodeLimit,
            family,
            tasks,
            fixedTasks)
    {
        settings.RefuseActionNoise(setup.Name);
        _setup = setup;
        _model = new MujocoModel(setup.Model, MujocoModel.Text(setup.Model));
        int workers = settings.Threads > 0 ? settings.Threads : Environment.ProcessorCount;
        _threads = Math.Min(Math.Min(workers, Environment.ProcessorCount), count);
        _simulators = new MujocoSimulator?[_threads];
        _simulators[0] = new MujocoSimulator(_model);
        MujocoSizes sizes = Sizes = _model.Sizes;
        _initial = new double[sizes.State];
        _simulators[0]!.InitialState(_initial);
        _states = new NativeBuffer<double>((long)sizes.State * count);
        _readings = new NativeBuffer<double>((long)sizes.Sensors * count);
        _controls = new NativeBuffer<double>((long)sizes.Controls * count);
        _controlRanges = new (double, double)[sizes.Controls];
    }

    /// <summary>Sizes of the model.</summary>
    protected MujocoSizes Sizes { get; }

    /// <summary>What drawings show.</summary>
    protected abstract DrawingView View { get; }

    /// <summary>Steps one copy.</summary>
    /// <param name="chunk">Which copy.</param>
    /// <param name="worker">Which simulator.</param>
    void IParallelWork.Execute(int chunk, int worker)
    {
        if (IsResting(chunk))
        {
            return;
        }

        Span<double> control = _controls.Slice((long)chunk * Sizes.Controls, Sizes.Controls);
        _simulators[worker]!.Step(control, _setup.Substeps, StateOf(chunk), ReadingsOf(chunk));
    }

    /// <inheritdoc/>
    public string DrawSvg(int copy, int width, int height)
    {
        using UseGuard.Scope use = Enter();
        ArgumentOutOfRangeException.ThrowIfNegative(copy);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(copy, Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 16);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 16);
        Span<double> goal = stackalloc double[4];
        bool hasGoal = TryGoal(Task.Slice(copy * Shape.TaskDimension, Shape.TaskDimension), goal);
        return GeomDrawing.Svg(_simulators[0]!.Geoms(StateOf(copy)), View, width, height, hasGoal ? goal : default);
    }

    /// <inheritdoc/>
    protected override void DisposeDynamics()
    {
        foreach (MujocoSimulator? simulator in _simulators)
        {
            simulator?.Dispose();
        }

        _model.Dispose();
        _states.Dispose();
        _readings.Dispose();
        _controls.Dispose();
    }

    /// <summary>All numbers of a copy's state, for tests.</summary>
    /// <param name="copy">Which copy.</param>
    /// <returns>The state.</returns>
    internal Span<double> StateOf(int copy) => _states.Slice((long)copy * Sizes.State, Sizes.State);

    /// <summary>Parts of a copy's state.</summary>
    /// <param name="copy">Which copy.</param>
    /// <returns>The state.</returns>
    internal MujocoState PartsOf(int copy) => new(StateOf(copy), Sizes);

    /// <summary>
    /// What the family says of a hand-made state of copy 0, for tests: moves the state, reads the sensors, and
    /// observes.
    /// </summary>
    /// <param name="place">Changes the model's initial state.</param>
    /// <returns>The observation.</returns>
    internal float[] ObservationIn(Action<MujocoEnvironment> place)
    {
        _initial.CopyTo(StateOf(0));
        place(this);
        _simulators[0]!.Read(StateOf(0), ReadingsOf(0));
        float[] observation = new float[Shape.ObservationDimension];
        Observe(0, observation);
        return observation;
    }

    /// <inheritdoc/>
    protected sealed override void StartEpisode(int copy, in EnvironmentRandom random)
    {
        UniformDraws draws = new(random, copy);
        for (int placement = 1; ; placement++)
        {
            _initial.CopyTo(StateOf(copy));
            Place(PartsOf(copy), ref draws);
            int contacts = _simulators[0]!.Read(StateOf(copy), ReadingsOf(copy));
            if (contacts == 0 || !StartsWithoutContact || placement == MaxPlacements)
            {
                return;
            }
        }
    }

    /// <inheritdoc/>
    protected sealed override void Advance(in EnvironmentRandom random)
    {
        // Made here, not when constructed, because an environment that is only asked what it is needs none of them.
        for (int worker = 0; worker < _simulators.Length; worker++)
        {
            _simulators[worker] ??= new MujocoSimulator(_model);
        }

        ReadOnlySpan<float> actions = Actions;
        for (int copy = 0; copy < Count; copy++)
        {
            if (IsResting(copy))
            {
                continue;
            }

            Span<double> control = _controls.Slice((long)copy * Sizes.Controls, Sizes.Controls);
            Control(actions.Slice(copy * _setup.ActionDimension, _setup.ActionDimension), PartsOf(copy), control);
        }

        WorkerPool.Shared.Run(this, Count, _threads);
    }

    /// <inheritdoc/>
    protected sealed override void Observe(int copy, Span<float> observation)
    {
        Describe(PartsOf(copy), ReadingsOf(copy), observation[..^1]);
        observation[^1] = IsAtTimeLimit(copy) ? 1f : 0f;
    }

    /// <inheritdoc/>
    protected sealed override void SaveDynamics(SafetensorsWriter writer, string prefix)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.Add<double>(prefix + "physics", _states.Span, Count, Sizes.State);
    }

    /// <inheritdoc/>
    protected sealed override void LoadDynamics(SafetensorsFile file, string prefix)
    {
        ArgumentNullException.ThrowIfNull(file);
        file.Require(prefix + "physics", TensorType.Float64, Count, Sizes.State);
        ReadFinite<double>(file, prefix + "physics", Count * Sizes.State).CopyTo(_states.Span);
    }

    /// <summary>Where a task's goal is, for drawings.</summary>
    /// <param name="task">The task.</param>
    /// <param name="goal">Result: x, y, z and radius, m.</param>
    /// <returns>False when the task is no place.</returns>
    protected virtual bool TryGoal(ReadOnlySpan<float> task, Span<double> goal) => false;

    /// <summary>Whether an initial state with contacts is drawn again.</summary>
    protected virtual bool StartsWithoutContact => false;

    /// <summary>Moves the model's own initial state to where an episode begins.</summary>
    /// <param name="state">The state.</param>
    /// <param name="draws">Random numbers.</param>
    protected abstract void Place(MujocoState state, ref UniformDraws draws);

    /// <summary>Writes the observation without its last entry.</summary>
    /// <param name="state">The state.</param>
    /// <param name="readings">The sensors.</param>
    /// <param name="observation">Result <c>[S - 1]</c>.</param>
    protected abstract void Describe(MujocoState state, ReadOnlySpan<double> readings, Span<float> observation);

    /// <summary>
    /// Makes controls of an action: unless overridden, entry i of [-1, 1] fills the range of actuator i.
    /// </summary>
    /// <param name="action">Clipped to [-1, 1].</param>
    /// <param name="state">The state, in which a body that the environment moves may be moved.</param>
    /// <param name="control">Result, one number per actuator.</param>
    protected virtual void Control(ReadOnlySpan<float> action, MujocoState state, Span<double> control)
    {
        for (int i = 0; i < control.Length; i++)
        {
            control[i] = Scaled(i, action[i]);
        }
    }

    /// <summary>A number in [-1, 1] stretched to an actuator's range.</summary>
    /// <param name="actuator">Which actuator.</param>
    /// <param name="value">The number.</param>
    /// <returns>The control.</returns>
    protected double Scaled(int actuator, double value) =>
        _controlRanges[actuator].Middle + (value * _controlRanges[actuator].HalfWidth);

    /// <summary>Takes the actuators in the order of the action, with their ranges.</summary>
    /// <param name="names">Their names, in the model's own order.</param>
    protected void UseActuators(params ReadOnlySpan<string> names)
    {
        if (names.Length != Sizes.Controls)
        {
            throw new InvalidOperationException(
                $"The model '{_model.Name}' has {Sizes.Controls} actuators; {names.Length} were named.");
        }

        for (int i = 0; i < names.Length; i++)
        {
            MujocoPlace place = _model.Find(MujocoKind.Actuator, names[i]);
            if (place.Id != i || place.Limited == 0)
            {
                throw new InvalidOperationException(
                    $"Actuator '{names[i]}' of the model '{_model.Name}' is not number {i}, or has no range.");
            }

            _controlRanges[i] = ((place.High + place.Low) / 2, (place.High - place.Low) / 2);
        }
    }

    /// <summary>Where a sensor's readings begin.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>Index into the readings.</returns>
    protected int Sensor(string name) => _model.Find(MujocoKind.Sensor, name).Address;

    private Span<double> ReadingsOf(int copy) => _readings.Slice((long)copy * Sizes.Sensors, Sizes.Sensors);
}

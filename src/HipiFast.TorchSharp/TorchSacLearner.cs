using System.Diagnostics;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Replay;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Storage;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp;

/// <summary>
/// Soft actor-critic with forward and backward passes in torch: the options, the noise, the files and the results of
/// <see cref="SacLearner"/>, whose remarks have the formulas, on networks of the user's own if wanted and on an NVIDIA
/// GPU if there is one.
/// </summary>
/// <remarks>
/// <para>Losses and gradients are torch's; the flat blocks of parameters are stepped by one call per network
/// (<see cref="ParameterBlock"/>). On the CPU everything lies in memory that torch and our kernels both see: nothing is
/// copied between replay, relabeler, torch and optimiser but the rows' concatenation to network inputs.</para>
/// <para>An update allocates small managed objects, one per tensor, all of which it disposes; native memory does not
/// grow. The dispose scopes belong to the calling thread. Where two critics are equal, each receives half of the
/// actor's gradient (the embedded learner gives all of it to the first). Results depend on libtorch's version and
/// number of threads. A second thread, and use after disposal of the learner, its session or its networks, is refused
/// as <see cref="SacLearner"/> refuses it.</para>
/// </remarks>
public sealed unsafe class TorchSacLearner : ISacLearner, IHandsOver
{
    private readonly AgentNetworks _networks;
    private readonly ComputeSession _session;
    private readonly SacOptions _options;
    private readonly IDenseKernel _dense;
    private readonly ulong _seed;
    private readonly int _capacity;
    private readonly Device _device;
    private readonly AgentTensors _agent;
    private readonly SacInputs _inputs;
    private readonly TemperatureOptimizer _temperature;
    private readonly MlpPolicy? _policy;
    private readonly TorchPolicy _torchPolicy;
    private readonly ComputeSession? _moduleSession;

    // The device whose memory torch's work and the kernels share, and whose turn it is there; null where batches come
    // over the host.
    private readonly DeviceRuntime? _kernels;
    private readonly ExternalStream? _turns;
    private readonly DeviceEvent? _handOverBegins;
    private readonly DeviceEvent? _handOverEnds;
    private readonly bool _ownsNetworks;
    private UseGuard _use;

    /// <summary>Makes a learner for standard networks.</summary>
    /// <param name="networks">
    /// The agent; stays the caller's to dispose, after the learner. A fixed alpha in the options is written to it.
    /// </param>
    /// <param name="options">Options of SAC.</param>
    /// <param name="session">Kernels; must stay alive as long as the learner.</param>
    /// <param name="batchCapacity">Most rows of one update, 1 or more.</param>
    /// <param name="seed">Philox key of the action noise.</param>
    /// <param name="torchOptions">Options of torch; null for the CPU.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="NotSupportedException">
    /// libtorch or the device cannot be used here; the message says what to install.
    /// </exception>
    public TorchSacLearner(
        AgentNetworks networks, SacOptions options, ComputeSession session, int batchCapacity, ulong seed,
        TorchOptions? torchOptions = null)
        : this((networks, null, null), options, session, batchCapacity, seed, torchOptions ?? new TorchOptions())
    {
    }

    /// <summary>Makes a learner for modules of the caller's own.</summary>
    /// <param name="shape">Widths of state, action and task.</param>
    /// <param name="modules">
    /// Makes the modules. Their parameters move into the learner's flat memory and train in place.
    /// </param>
    /// <param name="options">Options of SAC.</param>
    /// <param name="session">Kernels; must stay alive as long as the learner.</param>
    /// <param name="batchCapacity">Most rows of one update, 1 or more.</param>
    /// <param name="seed">Philox key of the action noise.</param>
    /// <param name="torchOptions">Options of torch; null for the CPU.</param>
    /// <remarks>
    /// Modules that are standard networks (<c>Sequential</c> of Linear, ReLU, Linear, ReLU, Linear with two hidden
    /// layers of one width) become <see cref="Networks"/> and work on their memory, and relabeling uses the fused
    /// kernels.
    /// </remarks>
    /// <exception cref="ArgumentException">An option is out of its range, or a module does not fit.</exception>
    /// <exception cref="NotSupportedException">
    /// libtorch or the device cannot be used here; the message says what to install.
    /// </exception>
    public TorchSacLearner(
        TransitionShape shape, TorchModules modules, SacOptions options, ComputeSession session, int batchCapacity,
        ulong seed,
        TorchOptions? torchOptions = null)
        : this(Prepare(
            shape, modules, torchOptions), options, session, batchCapacity, seed, torchOptions ?? new TorchOptions())
    {
        _ownsNetworks = true;
    }

    private TorchSacLearner(
        (AgentNetworks Networks, ModuleSet? Modules, ModuleSet? Standard) agent, SacOptions options,
        ComputeSession session, int batchCapacity,
        ulong seed, TorchOptions torchOptions)
    {
        (AgentNetworks networks, ModuleSet? modules, ModuleSet? standard) = agent;
        ArgumentNullException.ThrowIfNull(networks);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(session);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchCapacity, 1);
        options.Validate();
        torchOptions.Apply(modules is null ? (long)batchCapacity * networks.Hidden * networks.Hidden : 0);
        _networks = networks;
        _options = options;
        _session = session;
        _dense = session.Dense;
        _seed = seed;
        _capacity = batchCapacity;
        _device = torch.device(torchOptions.Device);
        _temperature = new TemperatureOptimizer(networks, options);
        if (modules is null)
        {
            _kernels = torchOptions.InPlace(session);
            StandardAgentTensors agentTensors = new(networks, _device, torchOptions, _kernels);
            if (standard is not null)
            {
                agentTensors.Bind(standard);
            }

            _agent = agentTensors;
            if (_kernels is not null)
            {
                Memory = session.Transitions;

                // TorchSharp sets no streams, so libtorch's work goes to the default stream.
                _turns = new ExternalStream(_kernels, _device.type == DeviceType.CUDA ? 0 : null);
                _turns.End();
                _handOverBegins = _kernels.CreateEvent(isTimed: true);
                _handOverEnds = _kernels.CreateEvent(isTimed: true);
            }
        }
        else
        {
            _agent = new ModuleAgentTensors(networks, modules, _device, torchOptions.SharesMemory);
        }

        _policy = modules is null && torchOptions.SharesMemory ? new MlpPolicy(networks, _dense) : null;
        _torchPolicy = new TorchPolicy(networks.Shape, _agent.Actor, _device);
        _inputs = new SacInputs(networks.Shape, batchCapacity, torchOptions.SharesMemory ? null : _device, _kernels);
        if (modules is not null)
        {
            ModuleSoftQ softQ = new(_agent, _device);
            _moduleSession = session.WithSoftQ(softQ, softQ);
        }

        RelabelingSession = _moduleSession ?? session;
    }

    /// <summary>
    /// The networks that updates change, with their newest weights as of this call: where the relabeler's kernels read
    /// torch's memory in place, the host's are brought up to date here and otherwise left as they are. With modules
    /// that are not standard networks: shape, critic range and alpha only, beside networks of one hidden unit that
    /// nothing reads.
    /// </summary>
    public AgentNetworks Networks
    {
        get
        {
            using UseGuard.Scope use = Enter(), shared = _networks.Share();
            _agent.BringToHost();
            return _networks;
        }
    }

    /// <summary>
    /// What to make a <see cref="Relabeling.Relabeler"/> with, together with <see cref="Networks"/>: the session given,
    /// whose fused kernels read the standard networks; or, with modules of another kind, one that evaluates soft
    /// Q-values through them. Belongs to the learner.
    /// </summary>
    public ComputeSession RelabelingSession { get; }

    /// <inheritdoc/>
    public TransitionMemory? Memory { get; }

    /// <inheritdoc/>
    public long UpdateCount { get; private set; }

    /// <inheritdoc/>
    public double HandOverSeconds => HandOverTicks / (double)Stopwatch.Frequency;

    /// <summary>The networks as torch has them, for tests.</summary>
    internal AgentTensors Agent => _agent;

    private long HandOverTicks { get; set; }

    /// <inheritdoc/>
    public SacLosses Update(ITransitionBatch batch, int firstRow, int rows)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using UseGuard.Scope use = Enter(), shared = _networks.Share();
        if (_turns is not null && batch is ResidentTransitionBatch { Transitions: DeviceBatch resident } owner
            && owner.Memory == Memory)
        {
            using UseGuard.Scope held = owner.Enter();
            return UpdateInPlace(_kernels!, _turns, resident, firstRow, rows);
        }

        return UpdateFromHost(batch.ToHost(), firstRow, rows);
    }

    /// <inheritdoc/>
    public void Act(
        ReadOnlySpan<float> observation, ReadOnlySpan<float> task, int rows, bool deterministic, ulong seed, uint call,
        Span<float> action)
    {
        using UseGuard.Scope use = Enter(), shared = _networks.Share();
        if (_policy is not null)
        {
            _policy.Act(observation, task, rows, deterministic, seed, call, action);
        }
        else
        {
            _torchPolicy.Act(observation, task, rows, deterministic, seed, call, action);
        }
    }

    /// <inheritdoc/>
    public void SaveState(SafetensorsWriter writer, string prefix)
    {
        ArgumentNullException.ThrowIfNull(writer);
        using UseGuard.Scope use = Enter(), shared = _networks.Share();
        _agent.AddTo(writer, prefix);
        _temperature.AddTo(writer, prefix);
        writer.Add<long>(prefix + SacLearner.StepName, [UpdateCount], 1);
    }

    /// <inheritdoc/>
    public void SaveAgent(string path)
    {
        using UseGuard.Scope use = Enter(), shared = _networks.Share();
        _agent.Save(path);
    }

    /// <inheritdoc/>
    public void LoadState(SafetensorsFile file, string prefix)
    {
        ArgumentNullException.ThrowIfNull(file);
        using UseGuard.Scope use = Enter(), shared = _networks.Share();
        long step = SacLearner.ReadStep(file, prefix);
        TemperatureOptimizer.Require(file, prefix);
        _agent.Load(file, prefix);
        _turns?.End();
        _temperature.Load(file, prefix);
        UpdateCount = step;
    }

    /// <summary>
    /// Gives back what is torch's and the learner's own; networks that were given stay. A second call does nothing.
    /// </summary>
    /// <exception cref="InvalidOperationException">A call is under way.</exception>
    public void Dispose()
    {
        if (!_use.Close(this))
        {
            return;
        }

        try
        {
            // Torch may hand the memory to others at once, so kernels that read it come first.
            _turns?.Begin();
        }
        catch (DeviceException)
        {
            // The device has failed, which whoever used it has been told.
        }

        _agent.Dispose();
        _inputs.Dispose();
        _handOverBegins?.Dispose();
        _handOverEnds?.Dispose();
        _turns?.Dispose();
        _policy?.Dispose();
        _torchPolicy.Dispose();
        _moduleSession?.Dispose();
        if (_ownsNetworks)
        {
            _networks.Dispose();
        }
    }

    private static (AgentNetworks Networks, ModuleSet? Modules, ModuleSet? Standard) Prepare(
        TransitionShape shape, TorchModules modules, TorchOptions? torchOptions)
    {
        ArgumentNullException.ThrowIfNull(modules);
        shape.Validate();
        TorchRuntime.Require((torchOptions ?? new TorchOptions()).Device);
        ModuleSet made = ModuleSet.Create(modules);
        return made.ToStandard(shape, modules.CriticRange) is AgentNetworks networks
            ? (networks, null, made)
            : (new AgentNetworks(shape, 1, modules.Twin) { CriticRange = modules.CriticRange }, made, null);
    }

    private static Tensor Smallest(Tensor values) => values.amin([0]);

    private UseGuard.Scope Enter()
    {
        UseGuard.Scope use = _use.Enter(this);
        if (_session.IsDisposed)
        {
            use.Dispose();
            _session.ThrowIfDisposed();
        }

        return use;
    }

    private SacLosses UpdateFromHost(TransitionBatch batch, int firstRow, int rows)
    {
        using UseGuard.Scope held = batch.Share();
        UpdateRows.Check(batch, firstRow, rows, _networks.Shape, _capacity);
        _turns?.Begin();
        try
        {
            long start = Stopwatch.GetTimestamp();
            _inputs.Write(batch, firstRow, rows, _options.Gamma, _seed, (uint)UpdateCount);
            HandOverTicks += Stopwatch.GetTimestamp() - start;
            return Update(rows);
        }
        finally
        {
            _turns?.End();
        }
    }

    // On a batch in the kernels' memory, which is not looked at for NaN: the losses are.
    private SacLosses UpdateInPlace(
        DeviceRuntime kernels, ExternalStream turns, DeviceBatch batch, int firstRow, int rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, _capacity);
        if (_inputs.Reserve(rows))
        {
            turns.End();
        }

        kernels.Record(_handOverBegins!);
        _inputs.Queue(batch, firstRow, _options.Gamma);
        turns.Begin();
        try
        {
            _inputs.WriteNoise(_seed, (uint)UpdateCount);
            turns.Record(_handOverEnds!);
            SacLosses losses = Update(rows);

            // Reading the losses has waited for both marks.
            HandOverTicks += (long)(
                kernels.Elapsed(_handOverBegins!, _handOverEnds!).TotalSeconds * Stopwatch.Frequency);
            return losses;
        }
        finally
        {
            turns.End();
        }
    }

    // An update on what the inputs hold.
    private SacLosses Update(int rows)
    {
        using DisposeScope scope = NewDisposeScope();
        float alpha = _networks.Alpha;
        using Scalar minusAlpha = -alpha;

        // The actor's parameters are those of both its passes, so one pass over twice the rows does for both; torch's
        // cost is the calls.
        Tensor output = _agent.Actor.Forward(_inputs.Actor, trains: true);
        (Tensor actions, Tensor logProbabilities) = PolicyTensors.Sample(
            output, _networks.Shape.ActionDimension, _inputs.Noise, _inputs.NoiseTerm);

        Tensor sampled = cat((ReadOnlySpan<Tensor>)[_inputs.State, actions, _inputs.Task], 1), regressand;
        using (no_grad())
        {
            Tensor next = Smallest(_agent.Values(_agent.Targets, sampled.narrow(0, rows, rows), trains: false));
            next = next.add(logProbabilities.narrow(0, rows, rows), minusAlpha);
            regressand = _inputs.Reward.addcmul(_inputs.Discount, next, Scalars.One);
        }

        Tensor values = _agent.Values(_agent.Critics, _inputs.Critic, trains: true);
        Tensor error = values.sub(regressand);
        using Scalar weight = _options.CriticLossScale / rows;
        Tensor loss = error.mul(error).sum().mul(weight);
        (float criticLoss, float meanQ) = Read(loss, values.mean());
        if (!float.IsFinite(criticLoss))
        {
            throw new InvalidDataException(
                $"The critic loss of update {UpdateCount} is {criticLoss}: the networks have diverged.");
        }

        _agent.Critics.Differentiate(loss);
        _agent.Critics.Parameters.Step(_dense, _options, UpdateCount + 1, _agent.Targets.Parameters);

        Tensor logProbability = logProbabilities.narrow(0, 0, rows);
        Tensor best = Smallest(_agent.Values(_agent.Critics, sampled.narrow(0, 0, rows), trains: false));
        Tensor objective = best.add(logProbability, minusAlpha);
        using Scalar minusWeight = -1f / rows;
        Tensor actorLossTensor = objective.sum().mul(minusWeight);
        (float actorLoss, float meanLogProbability) = Read(actorLossTensor, logProbability.mean());
        _agent.Actor.Differentiate(actorLossTensor);
        _agent.Actor.Parameters.Step(_dense, _options, UpdateCount + 1, null);
        float alphaLoss = _temperature.Step(-meanLogProbability, UpdateCount + 1);
        _agent.Publish(UpdateCount + 1);
        if (!float.IsFinite(actorLoss))
        {
            throw new InvalidDataException(
                $"The actor loss of update {UpdateCount} is {actorLoss}: the networks have diverged.");
        }

        UpdateCount++;
        return new SacLosses(criticLoss, actorLoss, alphaLoss, alpha, meanQ, -meanLogProbability);
    }

    // Two numbers at once: from a device each reading waits for all work before it.
    private (float First, float Second) Read(Tensor first, Tensor second)
    {
        if (_device.type == DeviceType.CPU)
        {
            return (*TorchMemory.Address(first), *TorchMemory.Address(second));
        }

        Tensor host = stack([first.detach(), second.detach()]).cpu();
        return (TorchMemory.Address(host)[0], TorchMemory.Address(host)[1]);
    }
}

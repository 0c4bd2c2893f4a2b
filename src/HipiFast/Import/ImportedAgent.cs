using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Kernels.Threading;
using HipiFast.Learning;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Tasks;

namespace HipiFast.Import;

/// <summary>An agent read by <see cref="AgentImport"/>, to relabel with.</summary>
/// <remarks>
/// Networks that happen to have two hidden ReLU layers of one width are computed as this library's own are, on every
/// backend. All others are computed on the processor in fp32. Relabelers are disposed of before the agent.
/// </remarks>
public sealed class ImportedAgent : IDisposable
{
    private readonly LayeredAgent? _layered;
    private readonly AgentNetworks? _networks;
    private readonly bool _isStandard;
    private UseGuard _use;

    internal ImportedAgent(AgentNetworks networks)
    {
        _networks = networks;
        _isStandard = true;
        Shape = networks.Shape;
        Format = AgentFormat.HipiFast;
        Alpha = networks.Alpha;
        Notes = [];
    }

    internal ImportedAgent(
        LayeredAgent layered, (AgentNetworks Networks, bool HasActor)? standard, TransitionShape shape,
        AgentFormat format, float? alpha, IReadOnlyList<string> notes)
    {
        _layered = layered;
        _networks = standard?.Networks;
        _isStandard = standard is { HasActor: true };
        Shape = shape;
        Format = format;
        Alpha = alpha;
        Notes = notes;
        if (_networks is not null && alpha is > 0)
        {
            _networks.LogAlpha = MathF.Log(alpha.Value);
        }
    }

    /// <summary>Widths of the transitions that it judges.</summary>
    public TransitionShape Shape { get; }

    /// <summary>Whose names its tensors had; <see cref="AgentFormat.Auto"/> where a description listed them.</summary>
    public AgentFormat Format { get; }

    /// <summary>
    /// alpha, the entropy temperature, where tensors or description say it; <see cref="RelabelOptions.Alpha"/> goes
    /// before.
    /// </summary>
    public float? Alpha { get; }

    /// <summary>What was assumed in reading it and what was left out, a sentence each.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Whether critics have an output for each of a number of actions.</summary>
    public bool IsDiscrete => _layered is { IsDiscrete: true };

    /// <summary>Whether actions are the policy's own, from -1 to 1: not discrete, nor scaled.</summary>
    public bool HasUnitActions =>
        _layered is null or { IsDiscrete: false, ActionScale.IsEmpty: true, ActionBias.IsEmpty: true };

    /// <summary>
    /// The networks as this library's own, where critics and actor have that form; null otherwise. Theirs as long as
    /// the agent lives.
    /// </summary>
    public AgentNetworks? Networks => _isStandard ? _networks : null;

    /// <summary>The networks in a few words: <c>2 critics of 256, 256, 256 units (layer norm, tanh)</c>.</summary>
    public string Description
    {
        get
        {
            if (_layered is null)
            {
                int hidden = _networks!.Hidden, count = _networks.Critic2 is null ? 1 : 2;
                return $"{count} critics of {hidden}, {hidden} units (relu), an actor";
            }

            LayeredNetwork critic = _layered.Critics[0];
            string widths = string.Join(", ", critic.Layers.SkipLast(1).Select(layer => layer.Outputs));
            IEnumerable<string> steps = critic.Layers.SelectMany(layer => layer.Steps).Select(
                step => step.Norm is null ? OptionNames.Kebab(step.Activation) : "layer norm").Distinct();
            string actor = _layered.Actor is null ? "no actor" : "an actor",
                encoder = _layered.CriticTaskEncoder is null ? string.Empty : ", a task encoder",
                actions = _layered.IsDiscrete ? $", {_layered.Actions} discrete actions" : string.Empty;
            return $"{_layered.Critics.Count} critics of {(widths.Length == 0 ? "no" : widths)} units "
                + $"({string.Join(", ", steps)}), {actor}{encoder}{actions}";
        }
    }

    /// <summary>Makes a relabeler that asks these networks.</summary>
    /// <param name="family">Reward, termination and state-to-task map.</param>
    /// <param name="options">How to relabel.</param>
    /// <param name="tasks">Where random relabeling draws tasks; null for the batch's own.</param>
    /// <returns>The relabeler; dispose it before the agent.</returns>
    /// <exception cref="ArgumentException">
    /// As for the relabeler's constructor; the estimator needs an actor, a policy over actions or a temperature, and
    /// there is none; or the options ask for a backend that does not compute such networks.
    /// </exception>
    /// <exception cref="NotSupportedException">The backend cannot run here.</exception>
    public Relabeler CreateRelabeler(TaskFamily family, RelabelOptions options, ITaskDistribution? tasks = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        using UseGuard.Scope use = _use.Enter(this);
        RequireEstimator(options);
        options = options with { Alpha = options.Alpha ?? Alpha };
        if (_networks is not null && (_isStandard || options.Estimator == SoftQEstimator.Critic))
        {
            return new Relabeler(family, _networks, options, tasks);
        }

        ComputeSession session = Open(options.Compute);
        try
        {
            OwnCritics critics = new(session, Shape, HasUnitActions ? null : FitActions);
            return new Relabeler(critics, family, options, tasks);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Gives the memory back; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">
    /// A relabeler is in the middle of a call; dispose again later.
    /// </exception>
    public void Dispose()
    {
        if (!_use.Close(this))
        {
            return;
        }

        try
        {
            _networks?.Dispose();
        }
        catch
        {
            _use.Reopen();
            throw;
        }
    }

    // Made-up actions, from -1 to 1, as the transitions hold them: the first of the discrete ones, or in the
    // environment's units.
    private void FitActions(TransitionBatch batch)
    {
        int width = Shape.ActionDimension;
        Span<float> actions = batch.Action;
        ReadOnlySpan<float> scale = _layered!.ActionScale.Span, bias = _layered.ActionBias.Span;
        for (int i = 0; i < actions.Length; i++)
        {
            int entry = i % width;
            actions[i] = IsDiscrete
                ? (entry == 0 ? 1f : 0f)
                : ((scale.IsEmpty ? 1f : scale[entry]) * actions[i]) + (bias.IsEmpty ? 0f : bias[entry]);
        }
    }

    private void RequireEstimator(RelabelOptions options)
    {
        if (options.Estimator == SoftQEstimator.Critic || options.Strategy != RelabelStrategy.InverseRl)
        {
            return;
        }

        string estimator = OptionNames.Kebab(options.Estimator);
        if (IsDiscrete)
        {
            throw new ArgumentException(
                $"The estimator {estimator} needs a policy over actions; critics with an output for each action have "
                + "none, and know the estimator critic alone.");
        }

        if (_layered is { Actor: null })
        {
            throw new ArgumentException(
                $"The estimator {estimator} needs an actor, and the agent has none; expected one, or the estimator "
                + "critic.");
        }

        if ((options.Alpha ?? Alpha) is null)
        {
            throw new ArgumentException(
                $"The estimator {estimator} needs the entropy temperature alpha, which the agent's tensors do not "
                + "hold; expected a tensor 'log_alpha' or 'log_ent_coef', a description's 'alpha', or the option.");
        }
    }

    private ComputeSession Open(ComputeOptions compute)
    {
        ManagedBackend? backend = KernelRegistry.Auto.Equals(compute.Backend, StringComparison.OrdinalIgnoreCase)
            && compute.Precision != PrecisionMode.Bf16 && ManagedBackend.Best.HasDevice(compute.Device)
            ? ManagedBackend.Best
            : compute.ResolveBackend() as ManagedBackend;
        if (backend is null)
        {
            throw new ArgumentException(
                $"{Description}: such networks are computed in fp32 on the processor by the backend "
                + $"'{ManagedBackend.FamilyName}'; other backends, bf16 and GPUs know two hidden ReLU layers of one "
                + "width alone.");
        }

        int threads = compute.Threads > 0 ? compute.Threads : Environment.ProcessorCount;
        LayeredSoftQ kernel = new(_layered!, threads, backend.Kind, WorkerPool.Shared);
        try
        {
            ComputeSession session = backend.CreateSession(new SessionOptions(threads));
            return session.WithSoftQ(kernel, kernel, session);
        }
        catch
        {
            kernel.Dispose();
            throw;
        }
    }
}

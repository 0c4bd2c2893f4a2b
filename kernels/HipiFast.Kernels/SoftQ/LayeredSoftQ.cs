using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Threading;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// The soft-Q matrix of networks of any layers, in fp32. It has its networks from the beginning and reads none of a
/// problem's.
/// </summary>
/// <remarks>
/// Estimators are those of <see cref="SoftQEstimator"/>; of more than two critics the smallest counts, or the mean of
/// all. Critics of discrete actions know the estimator <see cref="SoftQEstimator.Critic"/> alone: there is no policy.
/// Task encoders are computed once per call, for K tasks.
/// </remarks>
internal sealed unsafe class LayeredSoftQ : TiledSoftQ
{
    /// <summary>
    /// Floats of networks of which every worker has a copy of its own, 8 MiB: two cores that sweep over the same
    /// weights are slower than each over its own, as long as those stay in a core's own cache.
    /// </summary>
    private const long CopiedFloats = 1L << 21;

    private readonly LayeredAgent _agent;
    private readonly Networks?[] _networks;
    private readonly double[] _criticWeights;
    private readonly double _actorWeights;
    private readonly bool _shares;
    private readonly NativeBuffer<float> _actionScale;
    private readonly NativeBuffer<float> _actionBias;
    private readonly NativeBuffer<int> _actionNumber = new(0);
    private readonly TaskEncoding? _criticTasks;
    private readonly TaskEncoding? _actorTasks;
    private int _criticCount;
    private bool _usesActor;

    /// <summary>Makes a kernel.</summary>
    /// <param name="agent">The networks.</param>
    /// <param name="maxThreads">Most threads.</param>
    /// <param name="kind">Vectors.</param>
    /// <param name="pool">Threads.</param>
    /// <exception cref="ArgumentException">The networks do not fit one another; one sentence.</exception>
    public LayeredSoftQ(LayeredAgent agent, int maxThreads, VectorKind kind, WorkerPool pool)
        : this(agent, maxThreads, LayeredMicroKernel.For(kind), kind, pool)
    {
    }

    private LayeredSoftQ(
        LayeredAgent agent, int maxThreads, LayeredMicroKernel kernel, VectorKind kind, WorkerPool pool)
        : base(maxThreads, kernel, kind, pool)
    {
        agent.Validate();
        _agent = agent;
        _networks = new Networks?[maxThreads];

        // A pair costs something also where there is but one layer.
        _criticWeights = [.. agent.Critics.Select(critic => Math.Max(1.0, critic.InnerWeights))];
        _actorWeights = agent.Actor?.InnerWeights ?? 0;
        _shares = _criticWeights.Sum() + _actorWeights > CopiedFloats;
        bool isScaled = !agent.ActionScale.IsEmpty || !agent.ActionBias.IsEmpty;
        _actionScale = new NativeBuffer<float>(isScaled ? agent.ActionDimension : 0);
        _actionBias = new NativeBuffer<float>(isScaled ? agent.ActionDimension : 0);
        _actionScale.Span.Fill(1f);
        agent.ActionScale.Span.CopyTo(_actionScale.Span);
        agent.ActionBias.Span.CopyTo(_actionBias.Span);
        _criticTasks = Encoding(agent.CriticTaskEncoder);
        _actorTasks = ReferenceEquals(agent.ActorTaskEncoder, agent.CriticTaskEncoder)
            ? _criticTasks
            : Encoding(agent.ActorTaskEncoder);

        TaskEncoding? Encoding(LayeredNetwork? encoder) =>
            encoder is null ? null : new TaskEncoding(encoder, kernel, maxThreads, pool);
    }

    /// <inheritdoc/>
    public override bool ReadsNetworks => false;

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">
    /// An action is none that the policy could take, or no number of a discrete action; one sentence naming the row.
    /// </exception>
    protected override double Begin(in SoftQProblem problem, int resultLength)
    {
        SoftQProblem own = problem with { OmitsNetworks = true };
        own.Validate(resultLength);
        RequireWidths(problem);
        RequireActor(problem);
        if (problem.UsesLogProbability)
        {
            RequireActions(problem);
        }

        _usesActor = problem.UsesActor;
        _criticCount = problem.Twin == TwinCombination.First ? 1 : _agent.Critics.Count;
        double criticWeights = 0;
        for (int i = 0; i < _criticCount; i++)
        {
            criticWeights += _criticWeights[i];
        }

        int passes = (problem.UsesLogProbability ? 1 : 0) + (problem.Estimator == SoftQEstimator.Bellman ? 1 : 0);
        return 2.0 * (criticWeights + (passes * _actorWeights));
    }

    /// <inheritdoc/>
    protected override void Reserve(ref SoftQCall call)
    {
        for (int worker = 0; worker < (_shares ? 1 : call.Plan.Threads); worker++)
        {
            _networks[worker] ??= new Networks(_agent);
        }

        call.LogStd = _agent.LogStd;
        if (_actionScale.Length > 0)
        {
            call.ActionScale = _actionScale.Pointer;
            call.ActionBias = _actionBias.Pointer;
        }

        if (_agent.IsDiscrete)
        {
            ReadActionNumbers(ref call);
        }

        if (_criticTasks is not null)
        {
            call.CriticTask = _criticTasks.Encode(call.Task, call.Candidates);
            call.CriticTaskDimension = _criticTasks.Outputs;
        }

        if (_actorTasks is not null && _usesActor)
        {
            call.ActorTask = _actorTasks == _criticTasks
                ? call.CriticTask
                : _actorTasks.Encode(call.Task, call.Candidates);
            call.ActorTaskDimension = _actorTasks.Outputs;
        }
    }

    /// <inheritdoc/>
    protected override void Serve(ref SoftQCall call, int worker)
    {
        Networks networks = _networks[_shares ? 0 : worker]!;
        call.Critics = networks.Critics;
        call.CriticCount = _criticCount;
        call.Actor = _usesActor ? networks.Actor : null;
    }

    /// <inheritdoc/>
    protected override void DisposeNetworks()
    {
        foreach (Networks? networks in _networks)
        {
            networks?.Dispose();
        }

        _actionScale.Dispose();
        _actionBias.Dispose();
        _actionNumber.Dispose();
        _criticTasks?.Dispose();
        _actorTasks?.Dispose();
    }

    private void RequireWidths(in SoftQProblem problem)
    {
        if (problem.ObservationDimension != _agent.ObservationDimension
            || problem.ActionDimension != _agent.ActionDimension || problem.TaskDimension != _agent.TaskDimension)
        {
            throw new ArgumentException(
                $"The networks are for {_agent.ObservationDimension} entries of observation, {_agent.ActionDimension} "
                + $"of action and {_agent.TaskDimension} of task; found {problem.ObservationDimension}, "
                + $"{problem.ActionDimension} and {problem.TaskDimension}.");
        }
    }

    private void RequireActor(in SoftQProblem problem)
    {
        if (problem.Estimator == SoftQEstimator.Critic)
        {
            return;
        }

        if (_agent.IsDiscrete)
        {
            throw new ArgumentException(
                $"The estimator {problem.Estimator} needs a policy over actions; critics with an output for each "
                + $"action have none, and know the estimator {SoftQEstimator.Critic} alone.");
        }

        if (_agent.Actor is null)
        {
            throw new ArgumentException(
                $"The estimator {problem.Estimator} needs an actor, and there is none; expected one, or the estimator "
                + $"{SoftQEstimator.Critic}.");
        }
    }

    // The density of a policy that squashes its actions is 0 outside.
    private void RequireActions(in SoftQProblem problem)
    {
        const float Slack = 1e-5f;
        int width = problem.ActionDimension;
        ReadOnlySpan<float> scale = _actionScale.Span, bias = _actionBias.Span;
        for (int i = 0; i < problem.Action.Length; i++)
        {
            float action = problem.Action[i], middle = bias.IsEmpty ? 0f : bias[i % width],
                reach = scale.IsEmpty ? 1f : scale[i % width];
            if (MathF.Abs(action - middle) > reach * (1f + Slack))
            {
                throw new InvalidDataException(
                    $"Transition {problem.FirstRow + (i / width)} has the action entry {action} in column {i % width}; "
                    + $"the policy's actions there are from {middle - reach} to {middle + reach}, and the "
                    + $"{problem.Estimator} estimate needs its density, which there is none of outside.");
            }
        }
    }

    private void ReadActionNumbers(ref SoftQCall call)
    {
        int actions = _agent.Actions, width = _agent.ActionDimension;
        _actionNumber.EnsureLength(call.Rows);
        for (int row = 0; row < call.Rows; row++)
        {
            uint place = call.FirstRow + (uint)row;
            ReadOnlySpan<float> action = new(call.Action + ((long)row * width), width);
            int number = width == 1 ? WholeNumber(action[0], actions) : action.IndexOf(1f);
            bool isOne = number >= 0 && (width == 1 || action.IndexOfAnyExcept(0f, 1f) < 0)
                && (width == 1 || action[(number + 1)..].IndexOf(1f) < 0);
            if (!isOne)
            {
                throw new InvalidDataException(
                    width == 1
                        ? $"Transition {place} has the action {action[0]}; expected the number of an action, 0 to "
                            + $"{actions - 1}."
                        : $"The action of transition {place} is not {width} entries of which one is 1 and all others "
                            + "are 0.");
            }

            _actionNumber[row] = number;
        }

        call.ActionNumber = _actionNumber.Pointer;
    }

    private static int WholeNumber(float value, int count) =>
        value >= 0 && value < count && value == MathF.Floor(value) ? (int)value : -1;

    /// <summary>Packed networks, of one worker or of all.</summary>
    private sealed class Networks(LayeredAgent agent) : IDisposable
    {
        public SoftQNetwork[] Critics { get; } = [.. agent.Critics.Select(critic => new LayeredSoftQNetwork(critic))];

        public SoftQNetwork? Actor { get; } = agent.Actor is null ? null : new LayeredSoftQNetwork(agent.Actor);

        public void Dispose()
        {
            foreach (SoftQNetwork critic in Critics)
            {
                critic.Dispose();
            }

            Actor?.Dispose();
        }
    }
}

using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;
using HipiFast.Replay;

namespace HipiFast.Learning;

/// <summary>
/// The networks of one SAC agent: actor, one or two critics, their targets, and the entropy temperature.
/// </summary>
/// <remarks>
/// Relabelers and learners may share an agent. It cannot be disposed of in the middle of one of their calls
/// (<see cref="InvalidOperationException"/>), and calls that come after throw <see cref="ObjectDisposedException"/>.
/// </remarks>
public sealed class AgentNetworks : IDisposable
{
    private const uint ActorStream = 0;
    private const uint FirstCriticStream = 1;
    private const uint SecondCriticStream = 2;

    private readonly NativeBuffer<float> _critics;
    private UseGuard _use;

    /// <summary>Allocates networks that are all zero.</summary>
    /// <param name="shape">Widths of state, action and task.</param>
    /// <param name="hidden">H, width of both hidden layers of every network.</param>
    /// <param name="twin">Two critics (SAC's default), or one.</param>
    public AgentNetworks(TransitionShape shape, int hidden, bool twin = true)
    {
        shape.Validate();
        Shape = shape;
        Actor = new MlpParameters(new MlpShape(shape.ActorInputs, hidden, 2 * shape.ActionDimension));
        MlpShape critic = new(shape.CriticInputs, hidden, 1);
        critic.Validate();
        int count = twin ? 2 : 1;
        _critics = new NativeBuffer<float>(2L * count * critic.Length);
        Critic1 = Take(0);
        Target1 = Take(count);
        if (twin)
        {
            Critic2 = Take(1);
            Target2 = Take(3);
        }

        MlpParameters Take(int index) => new(critic, _critics, (long)index * critic.Length);
    }

    /// <summary>Widths of state, action and task.</summary>
    public TransitionShape Shape { get; }

    /// <summary>H, width of the hidden layers.</summary>
    public int Hidden => Critic1.Shape.Hidden;

    /// <summary>pi: S + P inputs (state, task); 2 A outputs (means, then log standard deviations).</summary>
    public MlpParameters Actor { get; }

    /// <summary>
    /// Q_1: S + A + P inputs (state, action, task); one output. The critics lie side by side in memory and so do their
    /// targets, each a multiple of 64 bytes after the one before, so that a learner can treat them as one batch of
    /// networks.
    /// </summary>
    public MlpParameters Critic1 { get; }

    /// <summary>Q_2, or null with one critic.</summary>
    public MlpParameters? Critic2 { get; }

    /// <summary>Slow copy of Q_1.</summary>
    public MlpParameters Target1 { get; }

    /// <summary>Slow copy of Q_2, or null with one critic.</summary>
    public MlpParameters? Target2 { get; }

    /// <summary>log alpha; alpha weighs the entropy.</summary>
    public float LogAlpha { get; set; }

    /// <summary>alpha, the entropy temperature.</summary>
    public float Alpha => MathF.Exp(LogAlpha);

    /// <summary>Range of a scaled-sigmoid critic; unbounded by default.</summary>
    public CriticRange CriticRange { get; set; }

    /// <summary>
    /// Draws fresh parameters (<see cref="MlpParameters.Initialize"/>), copies the critics to their targets and sets
    /// alpha to 1.
    /// </summary>
    /// <param name="seed">Philox key.</param>
    public void Initialize(ulong seed)
    {
        using UseGuard.Scope use = _use.Enter(this);
        Actor.Initialize(seed, ActorStream);
        Critic1.Initialize(seed, FirstCriticStream);
        Critic2?.Initialize(seed, SecondCriticStream);
        CopyToTargets();
        LogAlpha = 0;
    }

    /// <summary>Copies the critics to their targets.</summary>
    public void SynchronizeTargets()
    {
        using UseGuard.Scope use = _use.Enter(this);
        CopyToTargets();
    }

    /// <summary>Gives the memory back; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">Somebody computes with the networks.</exception>
    public void Dispose()
    {
        if (!_use.Close(this))
        {
            return;
        }

        Actor.Dispose();
        Critic1.Dispose();
        Critic2?.Dispose();
        Target1.Dispose();
        Target2?.Dispose();
        _critics.Dispose();
    }

    /// <summary>Begins a call that computes with the networks; see <see cref="UseGuard.Share"/>.</summary>
    internal UseGuard.Scope Share() => _use.Share(this);

    private void CopyToTargets()
    {
        Target1.CopyFrom(Critic1);
        if (Critic2 is not null)
        {
            Target2!.CopyFrom(Critic2);
        }
    }
}

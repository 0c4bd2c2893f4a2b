using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Learning;
using HipiFast.Storage;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp;

/// <summary>
/// The standard networks of <see cref="AgentNetworks"/>. On the CPU torch works in their memory, so the relabeler's kernels see every update
/// without a copy; a device holds copies in the same layout.
/// </summary>
internal sealed unsafe class StandardAgentTensors : AgentTensors
{
    private readonly AgentNetworks _networks;
    private readonly TorchOptions _options;
    private readonly NativeBuffer<float> _actorState;
    private readonly NativeBuffer<float> _criticState;
    private readonly NetworkOptimizer[] _optimizers;
    private readonly ParameterBlock[] _host;
    private readonly MlpGroup[] _groups;

    /// <summary>Makes the tensors.</summary>
    /// <param name="networks">The agent; must outlive this object.</param>
    /// <param name="device">Where torch computes.</param>
    /// <param name="options">Options.</param>
    public StandardAgentTensors(AgentNetworks networks, Device device, TorchOptions options)
        : base(networks.Shape, networks.CriticRange)
    {
        _networks = networks;
        _options = options;
        MlpShape actor = networks.Actor.Shape, critic = networks.Critic1.Shape;
        int count = networks.Critic2 is null ? 1 : 2;
        _actorState = new NativeBuffer<float>((long)NetworkOptimizer.Parts * actor.Length);
        _criticState = new NativeBuffer<float>((long)NetworkOptimizer.Parts * count * critic.Length);
        _optimizers =
        [
            new(networks.Actor, _actorState, 0, actor.Length),
            new(networks.Critic1, _criticState, 0, (long)count * critic.Length),
            .. count == 1 ? (NetworkOptimizer[])[] : [new(networks.Critic2!, _criticState, critic.Length, (long)count * critic.Length)],
        ];
        _host =
        [
            new(networks.Actor.Pointer, 1, actor.Length, _actorState),
            new(networks.Critic1.Pointer, count, critic.Length, _criticState),
            new(networks.Target1.Pointer, count, critic.Length, null),
        ];
        _groups =
        [
            new(actor, OnDevice(_host[0], trained: true), trained: true),
            new(critic, OnDevice(_host[1], trained: true), trained: true),
            new(critic, OnDevice(_host[2], trained: false), trained: false),
        ];
        Upload();

        ParameterBlock OnDevice(ParameterBlock host, bool trained) =>
            options.SharesMemory ? host : new ParameterBlock(host.Count, host.Length, trained, device);
    }

    /// <inheritdoc/>
    public override NetworkGroup Actor => _groups[0];

    /// <inheritdoc/>
    public override NetworkGroup Critics => _groups[1];

    /// <inheritdoc/>
    public override NetworkGroup Targets => _groups[2];

    /// <summary>Makes modules that are standard networks views of these.</summary>
    public void Bind(ModuleSet modules)
    {
        _groups[0].Bind(0, modules.Actor);
        for (int critic = 0; critic < modules.Critics.Length; critic++)
        {
            _groups[1].Bind(critic, modules.Critics[critic]);
            _groups[2].Bind(critic, modules.Targets[critic]);
        }
    }

    /// <summary>Gradient and moments of the actor (0) and the critics (1, 2), on the host.</summary>
    internal NetworkOptimizer Optimizer(int network) => _optimizers[network];

    /// <inheritdoc/>
    public override void Publish(long update)
    {
        if (!_options.SharesMemory)
        {
            if (update % _options.WeightsEvery != 0)
            {
                return;
            }

            // The relabeler reads no targets.
            _groups[0].Parameters.CopyTo(_host[0], withMoments: false);
            _groups[1].Parameters.CopyTo(_host[1], withMoments: false);
        }

        MarkChanged();
    }

    /// <inheritdoc/>
    public override void AddTo(SafetensorsWriter writer, string prefix)
    {
        Download();
        AgentFile.AddTo(writer, _networks, prefix);
        for (int i = 0; i < _optimizers.Length; i++)
        {
            _optimizers[i].AddTo(writer, prefix + OptimizerName(i));
        }
    }

    /// <inheritdoc/>
    public override void Load(SafetensorsFile file, string prefix)
    {
        AgentFile.Load(file, _networks, prefix);
        for (int i = 0; i < _optimizers.Length; i++)
        {
            _optimizers[i].Load(file, prefix + OptimizerName(i));
        }

        Upload();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        foreach (ParameterBlock block in _host)
        {
            block.Dispose();
        }

        _actorState.Dispose();
        _criticState.Dispose();
    }

    private static string OptimizerName(int network) => network == 0 ? "optim.actor" : $"optim.critic{network}";

    /// <summary>Brings parameters and moments to the host.</summary>
    internal void Download()
    {
        for (int i = 0; i < _groups.Length && !_options.SharesMemory; i++)
        {
            _groups[i].Parameters.CopyTo(_host[i], withMoments: i < 2);
        }

        MarkChanged();
    }

    private void Upload()
    {
        for (int i = 0; i < _groups.Length && !_options.SharesMemory; i++)
        {
            _groups[i].Parameters.CopyFrom(_host[i], withMoments: i < 2);
        }
    }

    private void MarkChanged()
    {
        _networks.Actor.MarkChanged();
        _networks.Critic1.MarkChanged();
        _networks.Critic2?.MarkChanged();
        _networks.Target1.MarkChanged();
        _networks.Target2?.MarkChanged();
    }
}

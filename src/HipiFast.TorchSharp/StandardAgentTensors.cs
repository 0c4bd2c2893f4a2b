using System.Runtime.InteropServices;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Learning;
using HipiFast.Storage;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp;

/// <summary>
/// The standard networks of <see cref="AgentNetworks"/>. On the CPU torch works in their memory, so the relabeler's
/// kernels see every update without a copy. On a device torch's tensors have the same layout: kernels that can share
/// the device's memory read them in place; for others they are copied to the host every so many updates.
/// </summary>
internal sealed unsafe class StandardAgentTensors : AgentTensors
{
    private const string PublishedName = "published.";

    private readonly AgentNetworks _networks;
    private readonly (string Name, MlpParameters Network)[] _parts;
    private readonly TorchOptions _options;
    private readonly DeviceRuntime? _kernels;
    private readonly List<DeviceBuffer> _shared = [];
    private readonly List<ResidentNetwork> _resident = [];
    private readonly NativeBuffer<float> _actorState;
    private readonly NativeBuffer<float> _criticState;
    private readonly NetworkOptimizer[] _optimizers;
    private readonly ParameterBlock[] _host;
    private readonly MlpGroup[] _groups;

    // Whether the networks that the relabeler reads on the host are older than torch's tensors, as they are between
    // copies.
    private bool _isBehind;

    // The same of the host's networks where the relabeler reads torch's tensors in place: nobody misses those until
    // they are asked for.
    private bool _isHostStale;

    /// <summary>Makes the tensors.</summary>
    /// <param name="networks">The agent; must outlive this object.</param>
    /// <param name="device">Where torch computes.</param>
    /// <param name="options">Options.</param>
    /// <param name="kernels">
    /// The same device, for kernels that read torch's memory in place; null where none can.
    /// </param>
    public StandardAgentTensors(AgentNetworks networks, Device device, TorchOptions options, DeviceRuntime? kernels)
        : base(networks.Shape, networks.CriticRange)
    {
        _networks = networks;
        _options = options;
        _kernels = kernels;
        MlpShape actor = networks.Actor.Shape, critic = networks.Critic1.Shape;
        int count = networks.Critic2 is null ? 1 : 2;
        _parts = networks.Critic2 is null
            ? [("actor", networks.Actor), ("critic1", networks.Critic1), ("target1", networks.Target1)]
            :
            [
                ("actor", networks.Actor), ("critic1", networks.Critic1), ("critic2", networks.Critic2),
                ("target1", networks.Target1),
                ("target2", networks.Target2!),
            ];
        _actorState = new NativeBuffer<float>((long)NetworkOptimizer.Parts * actor.Length);
        _criticState = new NativeBuffer<float>((long)NetworkOptimizer.Parts * count * critic.Length);
        _optimizers =
        [
            new(networks.Actor, _actorState, 0, actor.Length),
            new(networks.Critic1, _criticState, 0, (long)count * critic.Length),
            .. count == 1
                ? (NetworkOptimizer[])[]
                : [new(networks.Critic2!, _criticState, critic.Length, (long)count * critic.Length)],
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
        Reside();

        ParameterBlock OnDevice(ParameterBlock host, bool trained) =>
            options.SharesMemory ? host : new ParameterBlock(host.Count, host.Length, trained, device);
    }

    /// <inheritdoc/>
    public override NetworkGroup Actor => _groups[0];

    /// <inheritdoc/>
    public override NetworkGroup Critics => _groups[1];

    /// <inheritdoc/>
    public override NetworkGroup Targets => _groups[2];

    // What the relabeler reads: all but the targets, which come last.
    private ReadOnlySpan<(string Name, MlpParameters Network)> Published => _parts.AsSpan(0, 1 + Critics.Count);

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
        if (_kernels is not null)
        {
            MarkResidentChanged();
            _isHostStale = true;
            return;
        }

        _isBehind = !_options.SharesMemory && update % _options.WeightsEvery != 0;
        if (_isBehind)
        {
            return;
        }

        if (!_options.SharesMemory)
        {
            // The relabeler reads no targets.
            _groups[0].Parameters.CopyTo(_host[0], withMoments: false);
            _groups[1].Parameters.CopyTo(_host[1], withMoments: false);
        }

        MarkChanged();
    }

    /// <inheritdoc/>
    public override void BringToHost()
    {
        if (_isHostStale)
        {
            for (int i = 0; i < _groups.Length; i++)
            {
                _groups[i].Parameters.CopyTo(_host[i], withMoments: false);
            }

            _isHostStale = false;
            MarkChanged();
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Between copies, the relabeler's older weights are a part of the state, or a run would go on otherwise than one
    /// never stopped.
    /// </remarks>
    public override void AddTo(SafetensorsWriter writer, string prefix)
    {
        if (_isBehind)
        {
            foreach ((string name, MlpParameters network) in Published)
            {
                AgentFile.AddNetwork(writer, prefix + PublishedName + name, network);
            }
        }

        WithNewest(() => AgentFile.AddTo(writer, _networks, prefix));
        for (int i = 0; i < _optimizers.Length; i++)
        {
            _optimizers[i].AddTo(writer, prefix + OptimizerName(i));
        }
    }

    /// <inheritdoc/>
    public override void Load(SafetensorsFile file, string prefix)
    {
        try
        {
            AgentFile.Load(file, _networks, prefix);
            for (int i = 0; i < _optimizers.Length; i++)
            {
                _optimizers[i].Load(file, prefix + OptimizerName(i));
            }
        }
        catch
        {
            // Torch has the weights it had, and the kernels that share its memory go on reading those.
            _isHostStale = _kernels is not null;
            throw;
        }

        Upload();
        _isHostStale = false;
        MarkResidentChanged();
        _isBehind = !_options.SharesMemory && _kernels is null && file.Tensors.ContainsKey(
            $"{prefix}{PublishedName}actor.0.weight");
        if (_isBehind)
        {
            foreach ((string name, MlpParameters network) in Published)
            {
                AgentFile.LoadNetwork(file, prefix + PublishedName + name, network);
            }
        }
    }

    /// <inheritdoc/>
    public override void Save(string path) => WithNewest(() => AgentFile.Save(_networks, path));

    /// <inheritdoc/>
    public override void Dispose()
    {
        try
        {
            // The networks stay behind, with what they have learned.
            BringToHost();
            if (_isBehind)
            {
                Download();
            }
        }
        catch (ExternalException)
        {
            // The device has failed, which whoever used it has been told; its weights are gone.
        }

        foreach ((_, MlpParameters network) in _parts)
        {
            _kernels?.Networks.Remove(network);
        }

        base.Dispose();
        _shared.ForEach(buffer => buffer.Dispose());
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

        _isHostStale = false;
        MarkChanged();
    }

    private void Upload()
    {
        for (int i = 0; i < _groups.Length && !_options.SharesMemory; i++)
        {
            _groups[i].Parameters.CopyFrom(_host[i], withMoments: i < 2);
        }
    }

    // Does something while the host's networks are the newest; the relabeler's are the same before and after.
    private void WithNewest(Action action)
    {
        float[][] published = new float[_isBehind ? Published.Length : 0][];
        for (int i = 0; i < published.Length; i++)
        {
            published[i] = Published[i].Network.Values.ToArray();
        }

        Download();
        action();
        for (int i = 0; i < published.Length; i++)
        {
            published[i].CopyTo(Published[i].Network.Values);
            Published[i].Network.MarkChanged();
        }
    }

    // Shows torch's tensors to the kernels of their device.
    private void Reside()
    {
        int at = 0;
        for (int group = 0; group < _groups.Length && _kernels is not null; group++)
        {
            ParameterBlock block = _groups[group].Parameters;
            _shared.Add(block.Share(_kernels));
            for (int network = 0; network < block.Count; network++)
            {
                DeviceView view = _shared[group].View<float>(
                    (long)network * block.Length * sizeof(float), block.Length);
                _resident.Add(_kernels.Networks.Add(_parts[at++].Network, view));
            }
        }
    }

    private void MarkResidentChanged() => _resident.ForEach(network => network.MarkChanged());

    private void MarkChanged()
    {
        foreach ((_, MlpParameters network) in _parts)
        {
            network.MarkChanged();
        }
    }
}

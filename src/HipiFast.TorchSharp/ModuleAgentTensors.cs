using System.Globalization;
using HipiFast.Kernels.Memory;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Storage;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp;

/// <summary>
/// Networks of the user's own. A checkpoint names their tensors <c>actor.NAME</c>, <c>critic1.NAME</c> and so on, NAME
/// as the module has it.
/// </summary>
internal sealed class ModuleAgentTensors : AgentTensors
{
    private readonly AgentNetworks _networks;
    private readonly ModuleGroup[] _groups;

    /// <summary>Makes the modules and takes them over.</summary>
    /// <param name="networks">Holds the shape, the critic's range and alpha.</param>
    /// <param name="modules">Makes them.</param>
    /// <param name="device">Where torch computes.</param>
    /// <param name="shares">Whether in memory shared with the kernels.</param>
    public ModuleAgentTensors(AgentNetworks networks, ModuleSet modules, Device device, bool shares)
        : base(networks.Shape, networks.CriticRange)
    {
        _networks = networks;
        _groups =
        [
            ModuleGroup.Create("actor", [modules.Actor], trained: true, device, shares),
            ModuleGroup.Create("critic", modules.Critics, trained: true, device, shares),
            ModuleGroup.Create("target critic", modules.Targets, trained: false, device, shares),
        ];
        Actor.CheckOutputs("actor", Shape.ActorInputs, 2L * Shape.ActionDimension, device);
        Critics.CheckOutputs("critic", Shape.CriticInputs, 1, device);
        _groups[2].CopyFrom(_groups[1]);
    }

    /// <inheritdoc/>
    public override NetworkGroup Actor => _groups[0];

    /// <inheritdoc/>
    public override NetworkGroup Critics => _groups[1];

    /// <inheritdoc/>
    public override NetworkGroup Targets => _groups[2];

    /// <inheritdoc/>
    public override void Publish(long update)
    {
        // The relabeler asks the modules themselves.
    }

    /// <inheritdoc/>
    public override void AddTo(SafetensorsWriter writer, string prefix) => AddTo(writer, prefix, withMoments: true);

    /// <inheritdoc/>
    public override void Save(string path)
    {
        SafetensorsWriter writer = new();
        AddTo(writer, string.Empty, withMoments: false);
        writer.Save(path);
    }

    /// <inheritdoc/>
    public override void Load(SafetensorsFile file, string prefix)
    {
        file.Require(prefix + AgentFile.LogAlphaName, TensorType.Float32, 1);
        _groups[0].Load(file, prefix, ["actor"]);
        _groups[1].Load(file, prefix, ["critic1", "critic2"]);
        _groups[2].Load(file, prefix, ["target1", "target2"]);
        float logAlpha = 0;
        file.Read(prefix + AgentFile.LogAlphaName, new Span<float>(ref logAlpha));
        _networks.LogAlpha = logAlpha;
    }

    private void AddTo(SafetensorsWriter writer, string prefix, bool withMoments)
    {
        _groups[0].AddTo(writer, prefix, ["actor"], withMoments);
        _groups[1].AddTo(writer, prefix, ["critic1", "critic2"], withMoments);
        _groups[2].AddTo(writer, prefix, ["target1", "target2"], withMoments);
        writer.Add<float>(prefix + AgentFile.LogAlphaName, [_networks.LogAlpha], 1);
        writer.Metadata[AgentFile.ObservationDimensionKey] = _networks.Shape.ObservationDimension.ToString(
            CultureInfo.InvariantCulture);
        writer.Metadata[AgentFile.TaskDimensionKey] = _networks.Shape.TaskDimension.ToString(
            CultureInfo.InvariantCulture);
    }
}

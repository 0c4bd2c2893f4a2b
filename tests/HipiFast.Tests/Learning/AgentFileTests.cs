using HipiFast.Kernels.Networks;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Learning;

public sealed class AgentFileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly string _path;

    public AgentFileTests() => _path = _directory["agent.safetensors"];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(true, 0f)]
    [InlineData(false, 0f)]
    [InlineData(true, 3.5f)]
    public void AnAgentComesBackAsItWas(bool twin, float high)
    {
        using AgentNetworks saved = new(new TransitionShape(3, 2, 4), 7, twin) { CriticRange = new(-high, high) };
        saved.Initialize(1);
        saved.Target1.Bias(0)[2] = 9f;
        saved.LogAlpha = -1.25f;
        AgentFile.Save(saved, _path);
        using AgentNetworks loaded = AgentFile.Load(_path);
        Assert.Equal(saved.Shape, loaded.Shape);
        Assert.Equal(twin, loaded.Critic2 is not null);
        Assert.Equal(saved.CriticRange, loaded.CriticRange);
        Assert.Equal(-1.25f, loaded.LogAlpha);
        foreach ((MlpParameters a, MlpParameters b) in (List<(MlpParameters, MlpParameters)>)[
            (saved.Actor, loaded.Actor), (saved.Critic1, loaded.Critic1), (saved.Target1, loaded.Target1),
            (saved.Critic2 ?? saved.Critic1, loaded.Critic2 ?? loaded.Critic1),
            (saved.Target2 ?? saved.Target1, loaded.Target2 ?? loaded.Target1)])
        {
            Assert.Equal(a.Shape, b.Shape);
            Assert.Equal(a.Values.ToArray(), b.Values.ToArray());
        }
    }

    [Fact]
    public void TensorsHavePyTorchSNamesShapesAndOrder()
    {
        using AgentNetworks agent = new(new TransitionShape(3, 2, 1), 5);
        agent.Initialize(1);
        AgentFile.Save(agent, _path);
        using SafetensorsFile file = SafetensorsFile.Open(_path);
        file.Require("actor.0.weight", TensorType.Float32, 5, 4);
        file.Require("actor.2.weight", TensorType.Float32, 4, 5);
        file.Require("critic2.0.weight", TensorType.Float32, 5, 6);
        file.Require("target1.1.bias", TensorType.Float32, 5);
        file.Require("critic1.2.bias", TensorType.Float32, 1);
        file.Require("log_alpha", TensorType.Float32, 1);
        Assert.Equal((5 * 6) + 1, file.Tensors.Count);
        float[] weight = new float[20];
        file.Read<float>("actor.0.weight", weight);
        Assert.Equal(agent.Actor.WeightRow(0, 3)[2], weight[(2 * 4) + 3]);
        Assert.Equal("3", file.Metadata["observation_dimension"]);
        Assert.Equal("1", file.Metadata["task_dimension"]);
    }

    [Fact]
    public void TheCallerMaySayHowInputsDivide()
    {
        Write(_ => true, metadata: false);
        Assert.Contains("does not say how", Assert.Throws<InvalidDataException>(() => AgentFile.Load(_path)).Message);
        using (AgentNetworks loaded = AgentFile.Load(_path, observationDimension: 2))
        {
            Assert.Equal(new TransitionShape(2, 2, 2), loaded.Shape);
        }

        using (AgentNetworks loaded = AgentFile.Load(_path, taskDimension: 1))
        {
            Assert.Equal(new TransitionShape(3, 2, 1), loaded.Shape);
        }

        Assert.Contains("not a state of 3 and a task of 3", Assert.Throws<InvalidDataException>(
            () => AgentFile.Load(_path, 3, 3)).Message);
        Write(_ => true, metadata: true);
        Assert.Contains("'observation_dimension'", Assert.Throws<InvalidDataException>(
            () => AgentFile.Load(_path, observationDimension: 2)).Message);
    }

    [Fact]
    public void MissingTargetsAreCopiesOfTheCritics()
    {
        Write(name => !name.StartsWith("target", StringComparison.Ordinal), metadata: true);
        using AgentNetworks loaded = AgentFile.Load(_path);
        Assert.Contains(loaded.Critic2!.Values.ToArray(), value => value != 0);
        Assert.Equal(loaded.Critic1.Values.ToArray(), loaded.Target1.Values.ToArray());
        Assert.Equal(loaded.Critic2.Values.ToArray(), loaded.Target2!.Values.ToArray());
    }

    [Theory]
    [InlineData("critic1.1.weight")]
    [InlineData("actor.2.bias")]
    [InlineData("critic2.0.bias")]
    [InlineData("log_alpha")]
    public void AMissingTensorIsNamed(string missing)
    {
        Write(name => name != missing, metadata: true);
        Assert.Contains(missing, Assert.Throws<InvalidDataException>(() => AgentFile.Load(_path)).Message);
    }

    [Fact]
    public void ACriticForOtherWidthsIsRefused()
    {
        SafetensorsWriter writer = new();
        using AgentNetworks agent = new(new TransitionShape(3, 2, 1), 5), other = new(new TransitionShape(4, 2, 1), 5);
        AgentFile.AddNetwork(writer, "actor", agent.Actor);
        AgentFile.AddNetwork(writer, "critic1", other.Critic1);
        writer.Add<float>("log_alpha", [0f], 1);
        writer.Save(_path);
        Assert.Contains(
            "critic1.0.weight", Assert.Throws<InvalidDataException>(() => AgentFile.Load(_path, 3)).Message);
    }

    [Theory]
    [InlineData(
        "critic1.ln.weight",
        "is no part of a network that is understood; expected 0.weight to 2.bias under 'critic1', two hidden ReLU "
        + "layers")]
    [InlineData("critic1.3.weight", "is no part of a network that is understood")]
    [InlineData("actor.log_std", "is no part of a network that is understood")]
    [InlineData("target2.0.scale", "is no part of a network that is understood")]
    [InlineData(
        "critic3.0.weight",
        "is of a network that is not understood; expected actor, critic1, critic2, target1, target2")]
    [InlineData("critic.0.weight", "is of a network that is not understood")]
    public void ATensorThatWouldChangeWhatANetworkComputesIsRefused(string extra, string reason)
    {
        Write(_ => true, metadata: true, writer => writer.Add<float>(extra, [1f], 1));
        string message = Assert.Throws<InvalidDataException>(() => AgentFile.Load(_path)).Message;
        Assert.StartsWith($"Tensor '{extra}' of '{_path}' {reason}", message);
    }

    [Fact]
    public void TensorsThatAreNoNetworkSAreLeftAlone()
    {
        Write(_ => true, metadata: true, writer => writer.Add<byte>("rng_state", [1, 2], 2));
        AgentFile.Load(_path).Dispose();
    }

    [Theory]
    [InlineData("activation", "tanh", false)]
    [InlineData("critic_activation", "ELU", false)]
    [InlineData("activation", "ReLU", true)]
    [InlineData("activated_by", "tanh", true)]
    public void MetadataThatNameAnotherActivationAreRefused(string key, string value, bool loads)
    {
        Write(_ => true, metadata: true, writer => writer.Metadata[key] = value);
        if (loads)
        {
            AgentFile.Load(_path).Dispose();
            return;
        }

        Assert.Equal(
            $"Metadata '{key}' of '{_path}' is '{value}'; expected relu: networks have two hidden ReLU layers of one "
            + "width.",
            Assert.Throws<InvalidDataException>(() => AgentFile.Load(_path)).Message);
    }

    [Fact]
    public void LayersOfOtherWidthsSayWhatNetworksHave()
    {
        Write(name => name != "critic1.1.bias", metadata: true, writer => writer.Add<float>(
            "critic1.1.bias", new float[6], 6));
        Assert.EndsWith(
            "has shape [6]; expected [5] (networks have two hidden ReLU layers of one width).",
            Assert.Throws<InvalidDataException>(() => AgentFile.Load(_path)).Message);
    }

    [Theory]
    [InlineData("critic1.1.bias", 5)]
    [InlineData("log_alpha", 1)]
    public void ANumberThatIsNoneIsRefused(string tensor, int length)
    {
        float[] values = new float[length];
        values[^1] = float.NaN;
        Write(name => name != tensor, metadata: true, writer => writer.Add<float>(tensor, values, length));
        Assert.Contains($"Tensor '{tensor}'", Assert.Throws<InvalidDataException>(() => AgentFile.Load(_path)).Message);
    }

    private void Write(Func<string, bool> wanted, bool metadata, Action<SafetensorsWriter>? add = null)
    {
        using AgentNetworks agent = new(new TransitionShape(3, 2, 1), 5);
        agent.Initialize(1);
        SafetensorsWriter whole = new();
        AgentFile.AddTo(whole, agent);
        whole.Save(_path);
        SafetensorsWriter part = new();
        using (SafetensorsFile file = SafetensorsFile.Open(_path))
        {
            foreach (TensorInfo tensor in file.Tensors.Values.Where(tensor => wanted(tensor.Name)))
            {
                float[] values = new float[tensor.ElementCount];
                file.Read<float>(tensor.Name, values);
                part.Add<float>(tensor.Name, values, [.. tensor.Shape]);
            }

            foreach ((string key, string value) in file.Metadata.Where(_ => metadata))
            {
                part.Metadata[key] = value;
            }
        }

        add?.Invoke(part);
        part.Save(_path);
    }
}

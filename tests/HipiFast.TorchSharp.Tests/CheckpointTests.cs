using System.Globalization;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.TorchSharp.Tests;

/// <summary>One kind of file for the embedded learner, the torch learner and Python.</summary>
public sealed class CheckpointTests
{
    private static readonly TransitionShape s_shape = new(3, 2, 2);

    [TorchTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void ATorchLearnerContinuesFromItsCheckpointAsIfNeverStopped(bool asDevice)
    {
        using Pair first = Make(asDevice), second = Make(asDevice);
        Run(first.Torch, first.Batch, 3);
        Copy(first.Torch, second.Torch);
        Assert.Equal(3, second.Torch.UpdateCount);
        for (int update = 0; update < 3; update++)
        {
            Assert.Equal(first.Torch.Update(first.Batch, 0, 8), second.Torch.Update(second.Batch, 0, 8));
        }
    }

    [TorchTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void EitherLearnerContinuesFromTheOthersCheckpoint(bool asDevice)
    {
        using Pair first = Make(asDevice), second = Make(asDevice);
        Run(first.Embedded, first.Batch, 5);
        Copy(first.Embedded, second.Torch);
        Compare(first.Embedded, second.Torch);

        Run(first.Torch, first.Batch, 7);
        Copy(first.Torch, second.Embedded);
        Compare(second.Embedded, first.Torch);

        void Compare(SacLearner embedded, TorchSacLearner torch)
        {
            Assert.Equal(embedded.UpdateCount, torch.UpdateCount);
            for (int update = 0; update < 5; update++)
            {
                SacLosses expected = embedded.Update(first.Batch, 0, 8), found = torch.Update(first.Batch, 0, 8);
                Pair.AssertRelative(expected.CriticLoss, found.CriticLoss, 5e-5, "critic loss");
                Pair.AssertRelative(expected.ActorLoss, found.ActorLoss, 5e-5, "actor loss");
                Pair.AssertRelative(expected.Alpha, found.Alpha, 5e-5, "alpha");
            }
        }
    }

    [TorchFact]
    public void ACheckpointThatDoesNotFitIsRefused()
    {
        using TemporaryDirectory temporary = new();
        using Pair pair = Make(false), wider = new(s_shape, 13, 8);
        SafetensorsWriter writer = new();
        wider.Torch.SaveState(writer, string.Empty);
        writer.Save(temporary["wider"]);
        using SafetensorsFile file = SafetensorsFile.Open(temporary["wider"]);
        Assert.Throws<InvalidDataException>(() => pair.Torch.LoadState(file, string.Empty));
    }

    [TorchFact]
    public void TheKernelsSeeEveryUpdate()
    {
        using Pair pair = Make(false);
        float[] before = Score(pair.Torch.Networks);
        pair.Torch.Update(pair.Batch, 0, 8);
        float[] after = Score(pair.Torch.Networks);
        using AgentNetworks copy = new(s_shape, 12);
        copy.Critic1.CopyFrom(pair.Torch.Networks.Critic1);
        copy.Critic2!.CopyFrom(pair.Torch.Networks.Critic2!);
        Assert.NotEqual(before, after);
        Assert.Equal(Score(copy), after);

        float[] Score(AgentNetworks networks)
        {
            float[] values = new float[8 * 8];
            pair.Session.SoftQ.Compute(
                new()
                {
                    Observation = pair.Batch.Observation,
                    Action = pair.Batch.Action,
                    Task = pair.Batch.Task,
                    Rows = 8,
                    Candidates = 8,
                    ObservationDimension = 3,
                    ActionDimension = 2,
                    TaskDimension = 2,
                    Estimator = Kernels.SoftQ.SoftQEstimator.Critic,
                    Critic1 = networks.Critic1,
                    Critic2 = networks.Critic2,
                },
                values);
            return values;
        }
    }

    [TorchFact]
    public void OnADeviceWeightsReachTheKernelsEverySoManyUpdates()
    {
        using Pair pair = new(
            s_shape, 12, 8, torchOptions: new TorchOptions { KeepsDeviceMemory = true, WeightsEvery = 3 });
        float[] start = pair.Torch.Networks.Critic1.Values.ToArray();
        Run(pair.Torch, pair.Batch, 2);
        Assert.Equal(start, pair.Torch.Networks.Critic1.Values.ToArray());
        Run(pair.Torch, pair.Batch, 1);
        Assert.NotEqual(start, pair.Torch.Networks.Critic1.Values.ToArray());
    }

    [TorchFact]
    public void BetweenTwoCopiesOfTheWeightsACheckpointChangesNothingAndKeepsTheRelabelers()
    {
        using TemporaryDirectory temporary = new();
        TorchOptions options = new() { KeepsDeviceMemory = true, WeightsEvery = 3 };
        using Pair first = new(
            s_shape, 12, 8, torchOptions: options), second = new(s_shape, 12, 8, torchOptions: options);
        using Pair current = new(s_shape, 12, 8, torchOptions: new TorchOptions { KeepsDeviceMemory = true });
        Run(first.Torch, first.Batch, 4);
        Run(current.Torch, first.Batch, 4);
        float[] relabelers = first.Torch.Networks.Critic1.Values.ToArray();
        Assert.NotEqual(relabelers, current.Torch.Networks.Critic1.Values.ToArray());

        // The file of the agent is of today, and so are the learner's own weights in the checkpoint.
        first.Torch.SaveAgent(temporary["agent"]);
        using (AgentNetworks agent = AgentFile.Load(temporary["agent"]))
        {
            Assert.Equal(current.Torch.Networks.Critic1.Values.ToArray(), agent.Critic1.Values.ToArray());
        }

        Copy(first.Torch, second.Torch);
        Assert.Equal(relabelers, first.Torch.Networks.Critic1.Values.ToArray());
        Assert.Equal(relabelers, second.Torch.Networks.Critic1.Values.ToArray());
        for (int update = 4; update < 8; update++)
        {
            Assert.Equal(first.Torch.Update(first.Batch, 0, 8), second.Torch.Update(first.Batch, 0, 8));
            Assert.Equal(first.Torch.Networks.Critic1.Values.ToArray(), second.Torch.Networks.Critic1.Values.ToArray());
            Assert.Equal(first.Torch.Networks.Actor.Values.ToArray(), second.Torch.Networks.Actor.Values.ToArray());
            Assert.Equal(update < 5, relabelers.AsSpan().SequenceEqual(first.Torch.Networks.Critic1.Values));
        }

        // A learner that shares its memory has no use for older weights.
        Copy(first.Torch, second.Embedded);
        first.Torch.SaveAgent(temporary["agent"]);
        using AgentNetworks newest = AgentFile.Load(temporary["agent"]);
        Assert.Equal(newest.Critic1.Values.ToArray(), second.Embedded.Networks.Critic1.Values.ToArray());
        Assert.NotEqual(newest.Critic1.Values.ToArray(), first.Torch.Networks.Critic1.Values.ToArray());
    }

    [TorchFact]
    public void TheNetworksKeepWhatALearnerOnADeviceHasLearned()
    {
        using SacFixture fixture = new(s_shape, 12, 8), other = new(s_shape, 12, 8);
        using Kernels.Backends.ComputeSession session =
            Kernels.Backends.KernelRegistry.Default.Resolve("managed").CreateSession(new(1));
        foreach ((SacFixture agent, int every) in (IEnumerable<(SacFixture, int)>)[(fixture, 1), (other, 5)])
        {
            using TorchSacLearner learner = new(
                agent.Networks, new SacOptions(), session, 8, SacFixture.Seed,
                new TorchOptions { KeepsDeviceMemory = true, WeightsEvery = every });
            Run(learner, fixture.Batch, 3);
        }

        Assert.Equal(fixture.Networks.Actor.Values.ToArray(), other.Networks.Actor.Values.ToArray());
    }

    [PythonFact]
    public void PythonLoadsAnActorIntoASequentialModuleAndActsTheSame()
    {
        using TemporaryDirectory temporary = new();
        using SacFixture fixture = new(s_shape, 12, 6);
        fixture.Learner.Update(fixture.Batch, 0, 6);
        AgentFile.Save(fixture.Networks, temporary["agent.safetensors"]);
        SafetensorsWriter writer = new();
        writer.Add<float>("observation", fixture.Batch.Observation, 6, 3);
        writer.Add<float>("task", fixture.Batch.Task, 6, 2);
        writer.Save(temporary["states.safetensors"]);
        float[] expected = new float[6 * 2];
        fixture.Learner.Act(fixture.Batch.Observation, fixture.Batch.Task, 6, true, 1, 1, expected);

        File.WriteAllText(temporary["act.py"], ProgramOfTheDocumentation());
        (int code, string output) = PythonFactAttribute.Run(
            temporary["act.py"], temporary["agent.safetensors"], temporary["states.safetensors"]);
        Assert.True(code == 0, output);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        float[] found = [.. lines.Select(line => float.Parse(line, CultureInfo.InvariantCulture))];
        Pair.AssertClose(expected, found, 2e-6, "action");
    }

    private static string ProgramOfTheDocumentation()
    {
        const string Begin = "```python\n", End = "```";
        string page = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Python", "torch.md"))
            .ReplaceLineEndings("\n");
        int begin = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        return page[begin..page.IndexOf(End, begin, StringComparison.Ordinal)];
    }

    private static Pair Make(bool asDevice) =>
        new(
            s_shape, 12, 8, new SacOptions { GradientClipNorm = 0.5f },
            torchOptions: new TorchOptions { KeepsDeviceMemory = asDevice });

    private static void Run(ISacLearner learner, TransitionBatch batch, int updates)
    {
        for (int update = 0; update < updates; update++)
        {
            learner.Update(batch, 0, 8);
        }
    }

    private static void Copy(ISacLearner from, ISacLearner to)
    {
        using TemporaryDirectory temporary = new();
        SafetensorsWriter writer = new();
        from.SaveState(writer, "learner.");
        writer.Save(temporary["state"]);
        using SafetensorsFile file = SafetensorsFile.Open(temporary["state"]);
        to.LoadState(file, "learner.");
    }
}

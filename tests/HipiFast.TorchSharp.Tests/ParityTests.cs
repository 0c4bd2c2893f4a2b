using HipiFast.Kernels.Networks;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.TorchSharp.Tests;

/// <summary>
/// The same weights, batch and noise in both learners: torch's automatic gradients against the embedded learner's
/// written ones, and the flat optimiser by torch operations (the path of a device, here on the CPU) against the fused
/// one.
/// </summary>
public sealed class ParityTests
{
    private static readonly Dictionary<string, Case> s_cases = new()
    {
        ["default"] = new(new(3, 2, 2), 16, 17, new SacOptions(), true, 0, 0),
        ["one critic"] = new(new(2, 1, 1), 17, 5, new SacOptions(), false, 0, 0),
        ["bounded critics"] = new(new(3, 2, 1), 8, 9, new SacOptions(), true, -1, 4),
        ["one bounded critic"] = new(new(1, 1, 1), 5, 3, new SacOptions { CriticLossScale = 2f }, false, -1, 2),
        ["five action entries"] = new(new(2, 5, 3), 33, 11, new SacOptions(), true, 0, 0),
        ["fixed alpha"] = new(new(4, 2, 2), 16, 13, new SacOptions { FixedAlpha = 0.3f, Gamma = 0.9f }, true, 0, 0),
        ["target entropy"] = new(
            new(4, 3, 2), 24, 16, new SacOptions { TargetEntropy = -0.5f, Tau = 0.1f, LearningRate = 1e-3f }, true, 0,
            0),
        ["clipped"] = new(new(4, 2, 2), 16, 13, new SacOptions { GradientClipNorm = 0.05f }, true, 0, 0),
        ["clipped, one critic, fixed alpha, bounded"] =
            new(new(4, 2, 2), 31, 13, new SacOptions { GradientClipNorm = 0.05f, FixedAlpha = 0.1f }, false, -3, 3),
        ["one row"] = new(new(2, 3, 2), 6, 1, new SacOptions(), true, 0, 0),
        ["alpha 0"] = new(new(3, 2, 2), 16, 8, new SacOptions { FixedAlpha = 0f }, true, 0, 0),
    };

    public static TheoryData<string, bool> Cases
    {
        get
        {
            TheoryData<string, bool> data = [];
            foreach (string name in s_cases.Keys)
            {
                data.Add(name, false);
                data.Add(name, true);
            }

            return data;
        }
    }

    [TorchTheory]
    [MemberData(nameof(Cases))]
    public void LossesAndGradientsAgreeWithTheEmbeddedLearner(string name, bool asDevice)
    {
        using Pair pair = Make(name, asDevice);
        SacLosses expected = pair.Embedded.Update(
            pair.Batch, 0, pair.Batch.Count), found = pair.Torch.Update(pair.Batch, 0, pair.Batch.Count);
        AssertLosses(expected, found);
        Pair.AssertRelative(pair.Embedded.Networks.Alpha, pair.Torch.Networks.Alpha, 1e-5, "alpha after the step");

        // After one step the first moment is a tenth of the gradient that Adam saw, clipped if it was.
        StandardAgentTensors tensors = (StandardAgentTensors)pair.Torch.Agent;
        tensors.Download();
        for (int network = 0; network < (s_cases[name].Twin ? 3 : 2); network++)
        {
            NetworkOptimizer wanted = network == 0
                ? pair.Embedded.ActorOptimizer
                : pair.Embedded.CriticOptimizer(network - 1);
            float largest = Pair.Largest(wanted.FirstMoment);
            Assert.True(largest > 1e-6f, $"The gradient of network {network} is too small to tell anything.");
            Pair.AssertClose(
                wanted.FirstMoment, tensors.Optimizer(network).FirstMoment, 1e-4 * largest,
                $"{name}, network {network}");
        }
    }

    [TorchTheory]
    [MemberData(nameof(Cases))]
    public void ParametersAgreeAfterAHundredUpdates(string name, bool asDevice)
    {
        using Pair pair = Make(name, asDevice);
        using AgentNetworks start = new(pair.Batch.Shape, s_cases[name].Hidden, s_cases[name].Twin);
        foreach ((_, MlpParameters from, MlpParameters to) in Pair.Networks(pair.Embedded.Networks, start))
        {
            to.CopyFrom(from);
        }

        for (int update = 0; update < 100; update++)
        {
            // Inner rows, too.
            int first = update % 3 == 0 && pair.Batch.Count > 2 ? 1 : 0;
            pair.Embedded.Update(pair.Batch, first, pair.Batch.Count - first);
            pair.Torch.Update(pair.Batch, first, pair.Batch.Count - first);
        }

        ((StandardAgentTensors)pair.Torch.Agent).Download();
        foreach ((string network, MlpParameters expected, MlpParameters found) in Pair.Networks(
            pair.Embedded.Networks, pair.Torch.Networks))
        {
            Pair.AssertClose(expected.Values, found.Values, 1e-3, $"{name}, {network}");
        }

        Assert.Equal(pair.Embedded.Networks.Alpha, pair.Torch.Networks.Alpha, 1e-3f);
        float moved = 0;
        for (int i = 0; i < start.Actor.Values.Length; i++)
        {
            moved = MathF.Max(moved, MathF.Abs(start.Actor.Values[i] - pair.Torch.Networks.Actor.Values[i]));
        }

        Assert.True(moved > 1e-2f, $"No actor parameter moved by more than {moved}; agreement would say nothing.");
    }

    [TorchFact]
    public void AClampedLogStdReceivesNoGradient()
    {
        TransitionShape shape = new(3, 2, 2);
        using Pair pair = new(shape, 9, 6);
        foreach (AgentNetworks networks in (AgentNetworks[])[pair.Embedded.Networks, pair.Torch.Networks])
        {
            networks.Actor.Bias(2)[2] = 5f;
            networks.Actor.Bias(2)[3] = -30f;
            networks.Actor.MarkChanged();
        }

        AssertLosses(pair.Embedded.Update(pair.Batch, 0, 6), pair.Torch.Update(pair.Batch, 0, 6));
        ReadOnlySpan<float> found = ((StandardAgentTensors)pair.Torch.Agent).Optimizer(0).Gradient;
        Pair.AssertClose(pair.Embedded.ActorOptimizer.Gradient, found, 1e-4 * Pair.Largest(
            pair.Embedded.ActorOptimizer.Gradient), "clamped");
        int start = pair.Torch.Networks.Actor.Shape.Bias3;
        Assert.NotEqual(0f, found[start]);
        Assert.Equal(0f, found[start + 2]);
        Assert.Equal(0f, found[start + 3]);
    }

    [TorchTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void ActionsAgreeWithTheEmbeddedLearner(bool asDevice)
    {
        TransitionShape shape = new(3, 5, 2);
        using Pair pair = new(shape, 20, 4, torchOptions: new TorchOptions { KeepsDeviceMemory = asDevice });
        float[] observation = new float[7 * 3], task = new float[7 * 2], expected = new float[7 * 5],
            found = new float[7 * 5];
        SacFixture.Fill(observation, 20);
        SacFixture.Fill(task, 21);
        foreach (bool deterministic in (bool[])[true, false])
        {
            pair.Embedded.Act(observation, task, 7, deterministic, 3, 11, expected);
            pair.Torch.Act(observation, task, 7, deterministic, 3, 11, found);
            Pair.AssertClose(expected, found, 2e-6, $"deterministic {deterministic}");
            Assert.True(Pair.Largest(found) > 0.01f);
        }

        pair.Torch.Act([], [], 0, true, 1, 1, []);
        Assert.Throws<ArgumentException>(() => pair.Torch.Act(observation, task, 6, true, 1, 1, found));
    }

    [TorchFact]
    public void BadRowsAreRefusedAndNothingChanges()
    {
        using Pair pair = new(new TransitionShape(3, 2, 2), 9, 6);
        float[] before = pair.Torch.Networks.Critic1.Values.ToArray();
        pair.Batch.Reward[4] = float.NaN;
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => pair.Torch.Update(pair.Batch, 0, 6));
        Assert.Contains("Reward of row 4", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => pair.Torch.Update(pair.Batch, 0, 7));
        pair.Batch.Reward[4] = 1e30f;
        Assert.Throws<InvalidDataException>(() => pair.Torch.Update(pair.Batch, 0, 6));
        Assert.Equal(before, pair.Torch.Networks.Critic1.Values.ToArray());
        Assert.Equal(0, pair.Torch.UpdateCount);
    }

    private static Pair Make(string name, bool asDevice)
    {
        Case chosen = s_cases[name];
        return new Pair(
            chosen.Shape, chosen.Hidden, chosen.Rows, chosen.Options, chosen.Twin, chosen.Low, chosen.High,
            new TorchOptions { KeepsDeviceMemory = asDevice });
    }

    private static void AssertLosses(SacLosses expected, SacLosses found)
    {
        Pair.AssertRelative(expected.CriticLoss, found.CriticLoss, 1e-5, "critic loss");
        Pair.AssertRelative(expected.ActorLoss, found.ActorLoss, 1e-5, "actor loss");
        Pair.AssertRelative(expected.AlphaLoss, found.AlphaLoss, 1e-5, "alpha loss");
        Pair.AssertRelative(expected.MeanQ, found.MeanQ, 1e-5, "mean Q");
        Pair.AssertRelative(expected.Entropy, found.Entropy, 1e-5, "entropy");
        Assert.Equal(expected.Alpha, found.Alpha);
    }

    private sealed record Case(
        TransitionShape Shape, int Hidden, int Rows, SacOptions Options, bool Twin, float Low, float High);
}

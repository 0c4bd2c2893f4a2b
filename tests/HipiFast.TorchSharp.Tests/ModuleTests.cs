using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp.Tests;

/// <summary>Networks of the user's own: their training, and relabeling through them.</summary>
public sealed class ModuleTests : IDisposable
{
    private static readonly TransitionShape s_shape = new(3, 2, 2);

    private readonly ComputeSession _session =
        KernelRegistry.Default.Resolve("managed").CreateSession(new SessionOptions(1));
    private readonly SacFixture _fixture = new(s_shape, 12, 9);
    private readonly SacFixture _other = new(s_shape, 12, 9);

    public void Dispose()
    {
        _fixture.Dispose();
        _other.Dispose();
        _session.Dispose();
    }

    [TorchTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void ModulesTrainAsTheSameNetworksDo(bool asDevice)
    {
        SacOptions options = new() { GradientClipNorm = 0.2f };
        using TorchSacLearner expected = new(_fixture.Networks, options, _session, 9, SacFixture.Seed);
        using TorchSacLearner found = Wrapped(options, new TorchOptions { KeepsDeviceMemory = asDevice });

        // The fixture's targets differ from its critics; modules start with copies.
        _fixture.Networks.SynchronizeTargets();
        found.Networks.LogAlpha = _fixture.Networks.LogAlpha;
        SacLosses a = default, b = default;
        for (int update = 0; update < 20; update++)
        {
            a = expected.Update(_fixture.Batch, 0, 9);
            b = found.Update(_fixture.Batch, 0, 9);
        }

        Pair.AssertRelative(a.CriticLoss, b.CriticLoss, 1e-4, "critic loss");
        Pair.AssertRelative(a.ActorLoss, b.ActorLoss, 1e-4, "actor loss");
        Pair.AssertRelative(a.Entropy, b.Entropy, 1e-4, "entropy");
        float[] observation = new float[5 * 3], task = new float[5 * 2], wanted = new float[5 * 2],
            action = new float[5 * 2];
        SacFixture.Fill(observation, 20);
        SacFixture.Fill(task, 21);
        expected.Act(observation, task, 5, false, 4, 5, wanted);
        found.Act(observation, task, 5, false, 4, 5, action);
        Pair.AssertClose(wanted, action, 1e-4, "action");
    }

    [TorchFact]
    public void StandardModulesAreRecognisedWorkOnTheAgentsMemoryAndSurviveTheLearner()
    {
        List<nn.Module<Tensor, Tensor>> made = [];
        TorchModules modules = new(() => Make(5, 4), () => Make(7, 1));
        Tensor input = ones(1, 5);
        float[] action = new float[2], ofModule;
        using (TorchSacLearner learner = new(s_shape, modules, new SacOptions(), _session, 9, SacFixture.Seed))
        {
            Assert.Equal(12, learner.Networks.Hidden);
            Assert.Same(_session, learner.RelabelingSession);
            Assert.Equal(learner.Networks.Critic1.Values.ToArray(), learner.Networks.Target1.Values.ToArray());
            Assert.NotEqual(learner.Networks.Critic1.Values.ToArray(), learner.Networks.Critic2!.Values.ToArray());
            for (int update = 0; update < 5; update++)
            {
                learner.Update(_fixture.Batch, 0, 9);
            }

            learner.Act([1, 1, 1], [1, 1], 1, true, 1, 1, action);
            ofModule = Floats(made[0].call(input));
            Assert.Equal(MathF.Tanh(ofModule[0]), action[0], 1e-6f);
            Assert.Equal(MathF.Tanh(ofModule[1]), action[1], 1e-6f);
        }

        // The module has memory of its own again, in another layout, which another product may sum in another order.
        Pair.AssertClose(ofModule, Floats(made[0].call(input)), 1e-6, "module");

        nn.Module<Tensor, Tensor> Make(int inputs, int outputs)
        {
            made.Add(
                nn.Sequential(nn.Linear(inputs, 12), nn.ReLU(), nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, outputs)));
            return made[^1];
        }
    }

    [TorchFact]
    public void OtherModulesAreNotTakenForStandardOnes()
    {
        foreach (Func<int, int, nn.Module<Tensor, Tensor>> make in (Func<int, int, nn.Module<Tensor, Tensor>>[])[
            (inputs, outputs) =>
                nn.Sequential(nn.Linear(inputs, 12), nn.Tanh(), nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, outputs)),
            (inputs, outputs) =>
                nn.Sequential(nn.Linear(inputs, 12), nn.ReLU(), nn.Linear(12, 11), nn.ReLU(), nn.Linear(11, outputs)),
            (inputs, outputs) => nn.Sequential(nn.Linear(inputs, 12), nn.ReLU(), nn.Linear(12, outputs)),
            (inputs, outputs) => nn.Sequential(
                nn.Linear(inputs, 12, hasBias: false), nn.ReLU(), nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, outputs)),
        ])
        {
            using TorchSacLearner learner = new(
                s_shape, new TorchModules(() => make(5, 4), () => make(7, 1)), new SacOptions(), _session, 9,
                SacFixture.Seed);
            Assert.NotSame(_session, learner.RelabelingSession);
            SacLosses losses = learner.Update(_fixture.Batch, 0, 9);
            Assert.True(float.IsFinite(losses.ActorLoss));
        }
    }

    [TorchTheory]
    [InlineData(SoftQEstimator.Critic, TwinCombination.Min, 17, 31)]
    [InlineData(SoftQEstimator.Critic, TwinCombination.Mean, 1, 1)]
    [InlineData(SoftQEstimator.Critic, TwinCombination.First, 3, 5000)]
    [InlineData(SoftQEstimator.SoftCritic, TwinCombination.Min, 101, 29)]
    [InlineData(SoftQEstimator.SoftCritic, TwinCombination.Min, 1, 2049)]
    [InlineData(SoftQEstimator.Bellman, TwinCombination.Min, 101, 29)]
    [InlineData(SoftQEstimator.Bellman, TwinCombination.Mean, 2049, 1)]
    public void SoftQValuesThroughModulesAgreeWithTheFusedKernels(
        SoftQEstimator estimator, TwinCombination twin, int rows, int candidates)
    {
        using TorchSacLearner learner = Wrapped(new SacOptions(), null);
        float[] observation = new float[rows * 3], action = new float[rows * 2], next = new float[rows * 3],
            task = new float[candidates * 2];
        foreach ((
            float[] values,
            uint stream) in ((float[], uint)[])[(observation, 30), (action, 31), (next, 32), (task, 33)])
        {
            SacFixture.Fill(values, stream);
        }

        for (int i = 0; i < action.Length; i++)
        {
            action[i] = i % 7 == 0 ? 1f : MathF.Tanh(action[i]);
        }

        SoftQProblem Problem(AgentNetworks networks) => new()
        {
            Observation = observation,
            Action = action,
            NextObservation = next,
            Task = task,
            Rows = rows,
            Candidates = candidates,
            ObservationDimension = 3,
            ActionDimension = 2,
            TaskDimension = 2,
            Estimator = estimator,
            Critic1 = networks.Critic1,
            Critic2 = networks.Critic2,
            Actor = networks.Actor,
            Twin = twin,
            Alpha = 0.4f,
            Gamma = 0.95f,
            Family = TaskFamilies.Goal([0, 1], 0.5f),
            ExactTerminalValue = true,
            Seed = 8,
            Call = 3,
            FirstRow = 5,
        };
        float[] expected = new float[rows * candidates], found = new float[rows * candidates];
        _session.SoftQ.Compute(Problem(_fixture.Networks), expected);
        learner.RelabelingSession.SoftQ.Compute(Problem(learner.Networks), found);
        float spread = expected.Max() - expected.Min();
        Pair.AssertClose(expected, found, 1e-4 * Math.Max(spread, 0.1f), $"{estimator}, {twin}");
    }

    [TorchFact]
    public void ARelabelerAsksTheModules()
    {
        using TorchSacLearner learner = Wrapped(new SacOptions(), null);
        TaskFamily family = TaskFamilies.Goal([0, 1], 0.5f);
        RelabelOptions options = new() { RelabelFraction = 1, Seed = 5 };
        using Relabeler fused = new(_session, family, _fixture.Networks, options);
        using Relabeler through = new(learner.RelabelingSession, family, learner.Networks, options);
        fused.Relabel(_fixture.Batch);
        through.Relabel(_other.Batch);
        Assert.Equal(_fixture.Batch.Task.ToArray(), _other.Batch.Task.ToArray());
    }

    [TorchFact]
    public void ModulesContinueFromACheckpointAsIfNeverStopped()
    {
        using TemporaryDirectory temporary = new();
        TorchModules smooth = new(
            () => new WrappedMlp(5, 8, 4, smooth: true), () => new WrappedMlp(7, 8, 1, smooth: true));
        using TorchSacLearner first = new(s_shape, smooth, new SacOptions(), _session, 9, SacFixture.Seed);
        first.Update(_fixture.Batch, 0, 9);
        SafetensorsWriter writer = new();
        first.SaveState(writer, "x.");
        writer.Save(temporary["agent"]);
        using TorchSacLearner second = new(s_shape, smooth, new SacOptions(), _session, 9, SacFixture.Seed);
        using (SafetensorsFile file = SafetensorsFile.Open(temporary["agent"]))
        {
            Assert.Contains("x.target2._third.weight", file.Tensors.Keys);
            second.LoadState(file, "x.");
        }

        Assert.Equal(1, second.UpdateCount);
        for (int update = 0; update < 3; update++)
        {
            Assert.Equal(first.Update(_fixture.Batch, 0, 9), second.Update(_fixture.Batch, 0, 9));
        }
    }

    [TorchFact]
    public void ModulesThatDoNotFitAreRefusedInOneSentence()
    {
        AssertRefused(
            new(() => new WrappedMlp(5, 8, 3), () => new WrappedMlp(7, 8, 1)),
            "actor module gives [2, 3] for two rows; expected [2, 4]");
        AssertRefused(
            new(() => new WrappedMlp(6, 8, 4), () => new WrappedMlp(7, 8, 1)), "actor module does not take 5 inputs");
        AssertRefused(new(() => new WrappedMlp(5, 8, 4), () => new WrappedMlp(7, 8, 2)), "critic module gives");
        AssertRefused(
            new(() => new WrappedMlp(5, 8, 4), () => nn.Sequential(
                nn.Linear(7, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))),
            "has a buffer");
        AssertRefused(new(() => nn.Sequential(nn.Tanh()), () => new WrappedMlp(7, 8, 1)), "has no parameters");
        int made = 0;
        AssertRefused(
            new(() => new WrappedMlp(5, 8, 4), () => new WrappedMlp(7, 8 + made++, 1)), "differ in their parameters");

        void AssertRefused(TorchModules modules, string expected)
        {
            ArgumentException error = Assert.Throws<ArgumentException>(
                () => new TorchSacLearner(s_shape, modules, new SacOptions(), _session, 9, 1).Dispose());
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    /// <summary>The fixture's networks as modules that are not recognised.</summary>
    private TorchSacLearner Wrapped(SacOptions options, TorchOptions? torchOptions)
    {
        int critics = 0;
        AgentNetworks networks = _fixture.Networks;
        return new TorchSacLearner(
            s_shape,
            new TorchModules(
                () => new WrappedMlp(5, 12, 4).Fill(networks.Actor),
                () => new WrappedMlp(7, 12, 1).Fill(critics++ % 2 == 0 ? networks.Critic1 : networks.Critic2!)),
            options, _session, 9, SacFixture.Seed, torchOptions);
    }

    private static float[] Floats(Tensor tensor) => [.. tensor.detach().data<float>()];
}

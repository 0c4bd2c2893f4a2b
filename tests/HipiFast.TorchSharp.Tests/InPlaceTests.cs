using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.Ilgpu;
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

/// <summary>
/// Torch and the device kernels on one memory: the path of a GPU, with tensors of torch's CPU for device tensors and
/// ILGPU's CPU accelerator for the kernels. The kernels read torch's parameters and write torch's inputs where they
/// lie.
/// </summary>
public sealed unsafe class InPlaceTests : IDisposable
{
    private const int Rows = 24;
    private const int Transitions = 200;

    private static readonly TransitionShape s_shape = new(3, 2, 2);
    private static readonly TorchOptions s_inPlace = new() { KeepsDeviceMemory = true };
    private static readonly TorchOptions s_copies = new() { KeepsDeviceMemory = true, CopiesWeights = true };

    private readonly ComputeSession _session = new IlgpuBackend().CreateSession(new SessionOptions(1, DeviceInfo.Cpu));
    private readonly ComputeSession _managed =
        KernelRegistry.Default.Resolve("managed").CreateSession(new SessionOptions(1));
    private readonly SacFixture _fixture = new(s_shape, 12, Rows);
    private readonly SacFixture _other = new(s_shape, 12, Rows);

    public void Dispose()
    {
        _fixture.Dispose();
        _other.Dispose();
        _session.Dispose();
        _managed.Dispose();
    }

    [TorchFact]
    public void KernelsReadTheParametersWhereTorchHasThem()
    {
        using TorchSacLearner learner = Learner(_fixture, s_inPlace);
        Assert.Same(_session.Transitions, learner.Memory);
        AgentNetworks networks = learner.Networks;
        int length = networks.Critic1.Shape.Length;
        Assert.Equal(
            (ulong)TorchMemory.Address(learner.Agent.Actor.Parameters.Values), Place(networks.Actor)!.View.Address);
        ulong critics = (ulong)TorchMemory.Address(learner.Agent.Critics.Parameters.Values);
        Assert.Equal(critics, Place(networks.Critic1)!.View.Address);
        Assert.Equal(critics + ((ulong)length * sizeof(float)), Place(networks.Critic2!)!.View.Address);
        float[] before = Score(networks), after = [];
        for (int update = 0; update < 3; update++)
        {
            learner.Update(_fixture.Batch, 0, Rows);
            after = Score(networks);
            Assert.NotEqual(before, after);
            before = after;
        }

        // The host's copies follow when they are asked for, not before, and give the same values.
        using AgentNetworks copy = new(s_shape, 12);
        float[] older = networks.Actor.Values.ToArray();
        Assert.Same(networks, learner.Networks);
        Assert.NotEqual(older, networks.Actor.Values.ToArray());
        foreach ((_, MlpParameters from, MlpParameters to) in Pair.Networks(networks, copy))
        {
            to.CopyFrom(from);
        }

        Assert.Equal(after, Score(copy));
        Assert.Equal(TorchMemory.Entries(
            learner.Agent.Targets.Parameters.Values)[..length].ToArray(), copy.Target1.Values.ToArray());

        // What torch does to a parameter shows in the next call, without anybody copying.
        using (no_grad())
        {
            learner.Agent.Critics.Parameters.Values.zero_();
        }

        Assert.All(Score(networks, SoftQEstimator.Critic), value => Assert.Equal(0f, value));
    }

    // Candidates of either kind; goals of the host's buffer; several minibatches to a relabel call.
    [TorchTheory]
    [InlineData(SoftQEstimator.Critic, CandidateSource.Commanded, 0, 1, 64)]
    [InlineData(SoftQEstimator.SoftCritic, CandidateSource.Both, 0, 3, 500)]
    [InlineData(SoftQEstimator.Bellman, CandidateSource.Both, 0.5f, 2, 500)]
    public void BatchesAndWeightsInPlaceTrainBitForBitAsWhenTheyAreCopied(
        SoftQEstimator estimator, CandidateSource candidates, float goalMix, int pool, int capacity)
    {
        RelabelOptions options = new()
        {
            Estimator = estimator, Candidates = candidates, GoalMix = goalMix, RelabelFraction = 0.8f, Seed = 3,
        };
        using Run inPlace = new(this, _fixture, s_inPlace, options, pool, capacity), copied = new(
            this, _other, s_copies, options, pool, capacity);
        Assert.NotNull(inPlace.Learner.Memory);
        Assert.Null(copied.Learner.Memory);
        for (uint step = 0; step < 6; step++)
        {
            SacLosses[] expected = copied.Step(step), found = inPlace.Step(step);
            Assert.Equal(expected, found);
        }

        foreach ((string network, MlpParameters expected, MlpParameters found) in Pair.Networks(
            copied.Learner.Networks, inPlace.Learner.Networks))
        {
            // The copying path brings no targets.
            if (!network.StartsWith("target", StringComparison.Ordinal))
            {
                Assert.Equal(expected.Values.ToArray(), found.Values.ToArray());
            }
        }

        Assert.True(inPlace.Learner.HandOverSeconds > 0);
    }

    [TorchFact]
    public void TheWholePathInPlaceTrainsAsThePathOfTheProcessor()
    {
        RelabelOptions options = new() { Candidates = CandidateSource.Both, RelabelFraction = 1, Seed = 3 };
        using Run inPlace = new(this, _fixture, s_inPlace, options, 1, 500), host = new(
            this, _other, new TorchOptions(), options, 1, 500, _managed);
        for (uint step = 0; step < 6; step++)
        {
            SacLosses expected = host.Step(step)[0], found = inPlace.Step(step)[0];
            Pair.AssertRelative(expected.CriticLoss, found.CriticLoss, 1e-4, "critic loss");
            Pair.AssertRelative(expected.ActorLoss, found.ActorLoss, 1e-4, "actor loss");
            Pair.AssertRelative(expected.Entropy, found.Entropy, 1e-4, "entropy");
        }

        foreach ((string network, MlpParameters expected, MlpParameters found) in Pair.Networks(
            host.Learner.Networks, inPlace.Learner.Networks))
        {
            Pair.AssertClose(expected.Values, found.Values, 1e-4, network);
        }
    }

    [TorchTheory]
    [InlineData(1, 0)]
    [InlineData(7, 0)]
    [InlineData(7, 5)]
    [InlineData(24, 0)]
    public void InputsWrittenByTheKernelAreThoseWrittenByTheProcessor(int rows, int firstRow)
    {
        using TorchSacLearner learner = Learner(_fixture, s_inPlace);
        using SacInputs expected = new(s_shape, Rows, null), found = new(
            s_shape, Rows, torch.device("cpu"), _session.Runtime);
        TransitionBatch batch = _fixture.Batch;
        using Uploaded uploaded = new(_session, batch);
        expected.Write(batch, firstRow, rows, 0.9f, 8, 3);
        Assert.True(found.Reserve(rows));
        Assert.False(found.Reserve(rows));
        found.Queue((DeviceBatch)uploaded.Batch.Transitions!, firstRow, 0.9f);
        _session.Runtime!.Synchronize();
        found.WriteNoise(8, 3);
        foreach ((Tensor a, Tensor b) in (IEnumerable<(Tensor, Tensor)>)[
            (expected.Actor, found.Actor), (expected.Critic, found.Critic), (expected.Reward, found.Reward),
            (expected.Discount, found.Discount),
            (expected.Noise, found.Noise), (expected.NoiseTerm, found.NoiseTerm)])
        {
            Assert.Equal(a.shape, b.shape);
            Assert.Equal(TorchMemory.Entries(a).ToArray(), TorchMemory.Entries(b).ToArray());
        }
    }

    [TorchFact]
    public void ALearnerInPlaceContinuesFromItsCheckpointAsIfNeverStopped()
    {
        using TemporaryDirectory temporary = new();
        using TorchSacLearner first = Learner(_fixture, s_inPlace);
        first.Update(_fixture.Batch, 0, Rows);
        SafetensorsWriter writer = new();
        first.SaveState(writer, "learner.");
        writer.Save(temporary["state"]);
        first.SaveAgent(temporary["agent"]);
        using (AgentNetworks agent = AgentFile.Load(temporary["agent"]))
        {
            Assert.Equal(first.Networks.Actor.Values.ToArray(), agent.Actor.Values.ToArray());
            Assert.Equal(first.Networks.Target2!.Values.ToArray(), agent.Target2!.Values.ToArray());
        }

        // A checkpoint that does not fit leaves the learner as it was, in place.
        using TorchSacLearner second = Learner(_other, s_inPlace);
        float[] before = Score(second.Networks), actor = second.Networks.Actor.Values.ToArray();
        SafetensorsWriter lacking = new();
        using (SafetensorsFile file = SafetensorsFile.Open(temporary["state"]))
        {
            foreach ((string name, TensorInfo tensor) in file.Tensors.Where(
                entry => !entry.Key.Contains("optim.actor.m", StringComparison.Ordinal)))
            {
                if (tensor.Type == TensorType.Float32)
                {
                    float[] values = new float[tensor.Shape.Aggregate(1L, (product, size) => product * size)];
                    file.Read<float>(name, values);
                    lacking.Add<float>(name, values, tensor.Shape.ToArray());
                }
                else
                {
                    lacking.Add<long>(name, [1], 1);
                }
            }
        }

        lacking.Save(temporary["lacking"]);
        using (SafetensorsFile file = SafetensorsFile.Open(temporary["lacking"]))
        {
            Assert.Contains(
                "optim.actor.m", Assert.Throws<InvalidDataException>(() => second.LoadState(file, "learner.")).Message,
                StringComparison.Ordinal);
        }

        Assert.NotNull(Place(second.Networks.Actor));
        Assert.Equal(before, Score(second.Networks));
        Assert.Equal(actor, second.Networks.Actor.Values.ToArray());
        using (SafetensorsFile file = SafetensorsFile.Open(temporary["state"]))
        {
            second.LoadState(file, "learner.");
        }

        Assert.Equal(Score(first.Networks), Score(second.Networks));
        for (int update = 0; update < 3; update++)
        {
            Assert.Equal(first.Update(_fixture.Batch, 0, Rows), second.Update(_fixture.Batch, 0, Rows));
            Assert.Equal(Score(first.Networks), Score(second.Networks));
        }
    }

    [TorchFact]
    public void TheNetworksKeepWhatALearnerInPlaceHasLearned()
    {
        float[] values;
        using (TorchSacLearner learner = Learner(_fixture, s_inPlace))
        {
            learner.Update(_fixture.Batch, 0, Rows);
            values = TorchMemory.Entries(learner.Agent.Actor.Parameters.Values).ToArray();
        }

        Assert.Null(Place(_fixture.Networks.Actor));
        Assert.Equal(values, _fixture.Networks.Actor.Values.ToArray());
        float[] score = Score(_fixture.Networks);
        _fixture.Networks.Actor.Values.Clear();
        _fixture.Networks.Actor.MarkChanged();
        Assert.NotEqual(score, Score(_fixture.Networks));
    }

    [TorchFact]
    public void WhatDoesNotFitIsRefusedInOneSentence()
    {
        using Uploaded uploaded = new(_session, _fixture.Batch);
        using TorchSacLearner learner = Learner(_fixture, s_inPlace);
        Assert.Contains(
            "Rows 1 to 25", Assert.Throws<ArgumentException>(() => learner.Update(uploaded.Batch, 1, Rows)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => learner.Update(uploaded.Batch, 0, Rows + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => learner.Update(uploaded.Batch, 0, 0));
        using ResidentTransitionBatch wrong = uploaded.Changed(
            batch => batch with { Action = batch.Task.Slice(0, Rows) });
        Assert.Contains(
            "entries of actions", Assert.Throws<ArgumentException>(() => learner.Update(wrong, 0, Rows)).Message,
            StringComparison.Ordinal);
        Assert.Equal(0, learner.UpdateCount);
        _fixture.Batch.Reward[4] = float.NaN;
        using Uploaded broken = new(_session, _fixture.Batch);
        float[] before = learner.Networks.Critic1.Values.ToArray();
        Assert.Contains(
            "critic loss", Assert.Throws<InvalidDataException>(() => learner.Update(broken.Batch, 0, Rows)).Message,
            StringComparison.Ordinal);
        Assert.Equal(before, learner.Networks.Critic1.Values.ToArray());
    }

    [TorchFact]
    public void LearnersThatCannotReadABatchWhereItLiesTakeItOverTheHost()
    {
        using Uploaded uploaded = new(_session, _other.Batch);
        SacLosses expected = _other.Learner.Update(_other.Batch, 0, Rows);
        Assert.Equal(expected, _fixture.Learner.Update(uploaded.Batch, 0, Rows));
        using SacFixture first = new(s_shape, 12, Rows), second = new(s_shape, 12, Rows);
        using TorchSacLearner host = Learner(first, s_copies), resident = Learner(second, s_copies);
        Assert.Equal(host.Update(first.Batch, 0, Rows), resident.Update(uploaded.Batch, 0, Rows));
    }

    [TorchFact]
    public void LiveTensorsDoNotGrowInPlace()
    {
        using TorchSacLearner learner = Learner(_fixture, s_inPlace);
        using Uploaded uploaded = new(_session, _fixture.Batch);
        Updates(20);
        long live = Tensor.TotalCount;
        Updates(200);
        Assert.Equal(live, Tensor.TotalCount);

        void Updates(int count)
        {
            for (int i = 0; i < count; i++)
            {
                learner.Update(uploaded.Batch, 0, Rows);
            }
        }
    }

    private TorchSacLearner Learner(SacFixture fixture, TorchOptions options) =>
        new(fixture.Networks, new SacOptions(), _session, Rows, SacFixture.Seed, options);

    private ResidentNetwork? Place(MlpParameters network) => _session.Runtime!.Networks.Find(network);

    // Q~ of the batch by the device's kernels.
    private float[] Score(AgentNetworks networks, SoftQEstimator estimator = SoftQEstimator.SoftCritic)
    {
        float[] values = new float[Rows * Rows];
        TransitionBatch batch = _fixture.Batch;
        _session.SoftQ.Compute(
            new()
            {
                Observation = batch.Observation,
                Action = batch.Action,
                Task = batch.Task,
                Rows = Rows,
                Candidates = Rows,
                ObservationDimension = 3,
                ActionDimension = 2,
                TaskDimension = 2,
                Estimator = estimator,
                Critic1 = networks.Critic1,
                Critic2 = networks.Critic2,
                Actor = networks.Actor,
                Alpha = 0.5f,
            },
            values);
        return values;
    }

    /// <summary>A batch in the device's memory.</summary>
    private sealed class Uploaded : IDisposable
    {
        private readonly List<DeviceBuffer> _buffers = [];
        private readonly ComputeSession _session;
        private readonly DeviceBatch _transitions;

        public Uploaded(ComputeSession session, TransitionBatch batch)
        {
            _session = session;
            DeviceRuntime runtime = session.Runtime!;
            int[] terminated = [.. batch.Terminated.ToArray().Select(value => (int)value)];
            _transitions = new DeviceBatch(
                Put<float>(batch.Observation), Put<float>(batch.Action), Put<float>(batch.NextObservation),
                Put<float>(batch.Task),
                Put<float>(batch.Reward), Put<int>(terminated), Put<long>(batch.ReplayIndex));
            Batch = Changed(same => same);

            DeviceView Put<T>(ReadOnlySpan<T> values)
                where T : unmanaged
            {
                DeviceBuffer buffer = runtime.Allocate(values.Length * sizeof(T));
                _buffers.Add(buffer);
                runtime.Upload(values, buffer.View<T>());
                return buffer.View<T>();
            }
        }

        public ResidentTransitionBatch Batch { get; }

        public ResidentTransitionBatch Changed(Func<DeviceBatch, DeviceBatch> change) =>
            new(_session.Transitions!, s_shape, change(_transitions));

        public void Dispose()
        {
            Batch.Dispose();
            _buffers.ForEach(buffer => buffer.Dispose());
        }
    }

    /// <summary>
    /// Replay, relabeler and learner: on the device when the learner takes its batches there, otherwise on the host.
    /// </summary>
    private sealed class Run : IDisposable
    {
        private readonly IReplay _replay;
        private readonly Relabeler _relabeler;
        private readonly ITransitionBatch _batch;
        private readonly int _pool;

        public Run(
            InPlaceTests test, SacFixture fixture, TorchOptions torchOptions, RelabelOptions options, int pool,
            int capacity,
            ComputeSession? session = null)
        {
            session ??= test._session;
            _pool = pool;
            Learner = new TorchSacLearner(
                fixture.Networks, new SacOptions(), session, Rows, SacFixture.Seed, torchOptions);
            ReplayBuffer buffer = new(s_shape, capacity);
            using TransitionBatch episode = new(s_shape, Transitions) { Count = Transitions };
            SacFixture.Fill(episode.Observation, 61);
            SacFixture.Fill(episode.NextObservation, 62);
            SacFixture.Fill(episode.Task, 63);
            SacFixture.Fill(episode.Action, 64);
            foreach (ref float value in episode.Action)
            {
                value = MathF.Tanh(value);
            }

            buffer.AppendEpisode(episode);
            _replay = Learner.Memory is TransitionMemory memory ? new ResidentReplay(memory, buffer) : buffer;
            _relabeler = new Relabeler(session, TaskFamilies.Goal([0, 1], 0.5f), fixture.Networks, options);
            _batch = _replay.CreateBatch(pool * Rows);
        }

        public TorchSacLearner Learner { get; }

        public SacLosses[] Step(uint call)
        {
            SacLosses[] losses = new SacLosses[_pool];
            _replay.Sample(_batch, _pool * Rows, 7, call);
            _relabeler.Relabel(_batch, _replay.Host);
            for (int i = 0; i < _pool; i++)
            {
                losses[i] = Learner.Update(_batch, i * Rows, Rows);
            }

            return losses;
        }

        public void Dispose()
        {
            Learner.Dispose();
            _relabeler.Dispose();
            _batch.Dispose();
            _replay.Dispose();
        }
    }
}

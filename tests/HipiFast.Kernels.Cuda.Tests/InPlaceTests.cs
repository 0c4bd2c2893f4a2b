using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Learning;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using static HipiFast.Kernels.Cuda.Tests.SessionData;

namespace HipiFast.Kernels.Cuda.Tests;

/// <summary>
/// Training steps of another library in the primary context, over the fake driver: its memory holds the weights and
/// receives the inputs, its work is on the default stream. Which calls are made, on which stream, in which order, and
/// that the host waits for none but the relabel call.
/// </summary>
[Collection(FakeDriverGroup.Name)]
public sealed class InPlaceTests
{
    private const int Rows = 48;

    // The runtime's own, made first.
    private const string Main = "stream1";

    [FakeDriverTheory]
    [InlineData(KernelPrecision.Fp32, SoftQEstimator.Critic)]
    [InlineData(KernelPrecision.Fp32, SoftQEstimator.Bellman)]
    [InlineData(KernelPrecision.Bf16, SoftQEstimator.SoftCritic)]
    public void AStepCopiesNoWeightsAndTheHostWaitsForTheRelabelCallAlone(
        KernelPrecision precision, SoftQEstimator estimator)
    {
        FakeDriver fake = new();
        using (AgentNetworks agent = Agent(64))
        using (ComputeSession session = Backend(precision).CreateSession(default))
        using (Library library = new(session, agent))
        {
            for (uint call = 0; call < 3; call++)
            {
                library.Step(estimator, call);
            }

            fake.ClearLog();
            library.Step(estimator, 3);
            string[] log = fake.Log;
            Assert.Empty(fake.Calls(
                "cuMemAlloc", "cuMemHostAlloc", "cuStreamBeginCapture", "cuEventSynchronize", "cuCtxSynchronize"));
            Assert.Single(fake.Calls("cuMemcpyHtoD"));
            Assert.Single(fake.Calls("cuMemcpyDtoH"));
            Assert.Single(fake.Calls("cuGraphLaunch"));

            // The host waits once, when the relabel call's numbers have come down; then come the inputs and the turns.
            int waits = Array.FindIndex(log, line => line.StartsWith("cuStreamSynchronize", StringComparison.Ordinal));
            Assert.Equal(
                waits, Array.FindLastIndex(log, line => line.Contains("Synchronize", StringComparison.Ordinal)));
            Assert.Equal($"cuStreamSynchronize {Main}", log[waits]);
            Assert.Equal(6, log.Length - waits);
            Assert.StartsWith("cuLaunchKernel Kernel_WriteInputs", log[waits + 1]);
            Assert.EndsWith(Main, log[waits + 1]);
            string begins = Event(log[waits + 2]), ends = Event(log[waits + 4]);
            Assert.Equal($"cuEventRecord {begins} {Main}", log[waits + 2]);
            Assert.Equal($"cuStreamWaitEvent default {begins}", log[waits + 3]);
            Assert.Equal($"cuEventRecord {ends} default", log[waits + 4]);
            Assert.Equal($"cuStreamWaitEvent {Main} {ends}", log[waits + 5]);
            Assert.NotEqual(begins, ends);

            // In bf16 the second layers are packed anew after every change, on the main stream, which has waited.
            int networks = estimator == SoftQEstimator.Critic ? 2 : 3;
            Assert.Equal(
                precision == KernelPrecision.Bf16 ? networks : 0,
                log.Count(line => line.StartsWith("cuLaunchKernel Kernel_Run", StringComparison.Ordinal)));
        }

        fake.AssertNothingIsLeft();
    }

    [FakeDriverFact]
    public void TheHostsValuesAreLeftAloneWhileTheDevicesAreTheNewest()
    {
        FakeDriver fake = new();
        using AgentNetworks agent = Agent(16);
        using ComputeSession session = Backend().CreateSession(default);
        DeviceRuntime runtime = session.Runtime!;
        MlpParameters network = agent.Critic1;
        float[] start = network.Values.ToArray(), trained = [.. start.Select(value => value + 1)];
        using DeviceBuffer memory = runtime.Allocate(start.Length * sizeof(float));
        using DeviceBuffer shared = runtime.Share(memory.Address, memory.Bytes);
        using DeviceNetwork kernels = new(runtime);
        runtime.Upload<float>(start, shared.View<float>());
        ResidentNetwork resident = runtime.Networks.Add(network, shared.View<float>());
        long version = network.Version;
        fake.ClearLog();
        kernels.Update(network);
        NetworkStamp first = kernels.Stamp;
        Assert.Equal(shared.Address, kernels.View.Address);
        runtime.Upload<float>(trained, shared.View<float>());
        resident.MarkChanged();
        kernels.Update(network);
        Assert.NotEqual(first, kernels.Stamp);
        Assert.Equal(shared.Address, kernels.View.Address);
        Assert.Equal(version, network.Version);
        Assert.Equal(start, network.Values.ToArray());
        Assert.Empty(fake.Calls("cuMemcpyDtoH"));
        Assert.Single(fake.Calls("cuMemcpyHtoD"));

        // Withdrawn, the host's values are the newest again, whatever has been read before.
        runtime.Networks.Remove(network);
        kernels.Update(network);
        Assert.NotEqual(shared.Address, kernels.View.Address);
        Assert.Equal(2, fake.Calls("cuMemcpyHtoD").Length);
        float[] copied = new float[start.Length];
        runtime.Download<float>(kernels.View, copied);
        Assert.Equal(start, copied);
        Assert.Throws<ArgumentException>(() => runtime.Networks.Add(network, shared.View<float>().Slice(0, 16)));
    }

    [FakeDriverFact]
    public void WeightsElsewhereAreRecordedAnew()
    {
        FakeDriver fake = new();
        using AgentNetworks agent = Agent(16), other = Agent(16);
        using ComputeSession session = Backend().CreateSession(default);
        SessionData data = new(Rows, Rows);
        Library library = new(session, agent);
        Calls(agent, 3);
        fake.ClearLog();
        Calls(agent, 1);
        Assert.Single(fake.Calls("cuGraphLaunch"));

        // An agent of the host's goes up to memory of the session's own.
        fake.ClearLog();
        Calls(other, 1);
        Assert.Empty(fake.Calls("cuGraphLaunch"));
        Calls(other, 2);

        // Back in place; then the other again, which goes up although it has not changed, or the kernels would read the
        // first.
        fake.ClearLog();
        Calls(agent, 1);
        Assert.Empty(fake.Calls("cuGraphLaunch"));
        Assert.Single(fake.Calls("cuMemcpyHtoD"));
        fake.ClearLog();
        Calls(other, 1);
        Assert.Equal(3, fake.Calls("cuMemcpyHtoD").Length);
        Calls(agent, 1);
        library.Dispose();
        fake.ClearLog();
        Calls(agent, 1);
        Assert.Empty(fake.Calls("cuGraphLaunch"));
        Assert.Equal(3, fake.Calls("cuMemcpyHtoD").Length);

        void Calls(AgentNetworks networks, int count)
        {
            for (uint call = 0; call < count; call++)
            {
                data.Run(session.RelabelPipeline, networks, SoftQEstimator.Critic, call);
            }
        }
    }

    private static string Event(string line) => line.Split(' ')[1];

    /// <summary>The other library: what it allocates, and its training step without the training.</summary>
    private sealed class Library : IDisposable
    {
        private readonly List<DeviceBuffer> _buffers = [];
        private readonly ComputeSession _session;
        private readonly AgentNetworks _agent;
        private readonly MlpParameters[] _networks;
        private readonly List<ResidentNetwork> _resident = [];
        private readonly ExternalStream _turns;
        private readonly DeviceLearnerInputs _inputs;
        private readonly DeviceReplay _replay;
        private readonly SessionData _data = new(Rows, Rows);
        private readonly DeviceView _input;
        private readonly LearnerInputShape _shape = new()
        {
            Rows = Rows, ObservationDimension = S, ActionDimension = A, TaskDimension = P, Gamma = 0.9f,
        };

        public Library(ComputeSession session, AgentNetworks agent)
        {
            _session = session;
            _agent = agent;
            DeviceRuntime runtime = session.Runtime!;
            _turns = new ExternalStream(runtime, 0);
            _inputs = new DeviceLearnerInputs(runtime);
            _replay = Ring(session.Transitions!, Rows, Rows);
            _networks = [agent.Actor, agent.Critic1, agent.Critic2!];
            foreach (MlpParameters network in _networks)
            {
                DeviceView view = Share(network.Shape.Length);
                runtime.Upload<float>(network.Values, view);
                _resident.Add(runtime.Networks.Add(network, view));
            }

            _input = Share(DeviceLearnerInputs.Floats(_shape));

            DeviceView Share(long floats)
            {
                _buffers.Add(runtime.Allocate(floats * sizeof(float)));
                _buffers.Add(runtime.Share(_buffers[^1].Address, _buffers[^1].Bytes));
                return _buffers[^1].View<float>();
            }
        }

        public void Step(SoftQEstimator estimator, uint call)
        {
            DeviceBatch batch = _replay.Sample(Rows, 1, call);
            _data.Run(_session.RelabelPipeline, _agent, estimator, call, new ResidentBatch(
                batch, ResidentCandidates.Commanded));
            _inputs.Queue(batch, _shape, _input);
            _turns.Begin();
            _resident.ForEach(network => network.MarkChanged());
            _turns.End();
        }

        public void Dispose()
        {
            foreach (MlpParameters network in _networks)
            {
                _session.Runtime!.Networks.Remove(network);
            }

            _replay.Dispose();
            _inputs.Dispose();
            _turns.Dispose();
            _buffers.ForEach(buffer => buffer.Dispose());
        }
    }
}

using System.Text.RegularExpressions;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Replay;
using static HipiFast.Kernels.Cuda.Tests.SessionData;

namespace HipiFast.Kernels.Cuda.Tests;

/// <summary>
/// Relabel calls on batches that lie on the device, over the fake driver: the large arrays are not copied, results are
/// left in place, one graph serves as long as addresses stay.
/// </summary>
[Collection(FakeDriverGroup.Name)]
public sealed partial class ResidentTests
{
    /// <summary>Sections of the block that travels begin at multiples of this.</summary>
    private const int Section = 256;

    public static TheoryData<KernelPrecision, SoftQEstimator, string, int> Kinds()
    {
        TheoryData<KernelPrecision, SoftQEstimator, string, int> kinds = [];
        foreach (KernelPrecision precision in Enum.GetValues<KernelPrecision>())
        {
            foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
            {
                kinds.Add(precision, estimator, nameof(ResidentCandidates.Commanded), 1);
                kinds.Add(
                    precision, estimator, $"{ResidentCandidates.Commanded | ResidentCandidates.ReachedNext}", 2);
                kinds.Add(precision, estimator, nameof(ResidentCandidates.ReachedCurrent), 1);
            }
        }

        return kinds;
    }

    [FakeDriverTheory]
    [MemberData(nameof(Kinds))]
    public void OnlyNumbersGoUpAndOnlyIndicesComeDown(
        KernelPrecision precision, SoftQEstimator estimator, string candidates, int parts)
    {
        ResidentCandidates sources = Enum.Parse<ResidentCandidates>(candidates);
        const int Rows = 300;
        FakeDriver fake = new();
        using (AgentNetworks agent = Agent(64))
        using (ComputeSession session = Backend(precision).CreateSession(default))
        using (DeviceReplay replay = Filled(session))
        {
            SessionData data = new(Rows, parts * Rows);
            Call(1);
            Call(2);
            fake.ClearLog();
            Call(3);

            // Drawing and gathering, then the recorded call.
            string[] log = fake.Log;
            Assert.Equal(2, log.Count(line => line.StartsWith("cuLaunchKernel", StringComparison.Ordinal)));
            Assert.Single(log, line => line.StartsWith("cuGraphLaunch", StringComparison.Ordinal));
            string up = Assert.Single(fake.Calls("cuMemcpyHtoD")), down = Assert.Single(fake.Calls("cuMemcpyDtoH"));
            Assert.Equal(Section, Bytes(up));
            Assert.Equal(Sections(Rows) + Sections(parts * Rows) + Section, Bytes(down));
            Assert.Equal(
                sources == (ResidentCandidates.Commanded | ResidentCandidates.ReachedNext) ? 1 : 0,
                fake.Calls("cuMemcpyDtoD").Length);
            Assert.Equal((sources & ~ResidentCandidates.Commanded) != 0 ? 1 : 0, fake.Calls(
                "cuLaunchKernel Kernel_Reach").Length);
            Assert.Contains("cuLaunchKernel Kernel_Commit", log[^3], StringComparison.Ordinal);
            Assert.Empty(fake.Calls("cuMemAlloc", "cuStreamBeginCapture"));

            void Call(uint call) =>
                data.Run(session.RelabelPipeline, agent, estimator, call, new ResidentBatch(
                    replay.Sample(Rows, 1, call), sources));
        }

        fake.AssertNothingIsLeft();
    }

    [FakeDriverFact]
    public void ABatchElsewhereIsRecordedAnew()
    {
        const int Rows = 40;
        FakeDriver fake = new();
        using AgentNetworks agent = Agent(16);
        using ComputeSession session = Backend().CreateSession(default);
        using DeviceReplay replay = Filled(session), other = Filled(session);
        SessionData data = new(Rows, Rows);
        DeviceBatch batch = replay.Sample(Rows, 1, 0), elsewhere = other.Sample(Rows, 1, 0);
        for (uint call = 0; call < 3; call++)
        {
            Call(batch, call);
        }

        fake.ClearLog();
        Call(elsewhere, 3);
        Assert.Empty(fake.Calls("cuGraphLaunch"));

        // The same addresses, through other objects.
        DeviceRuntime runtime = session.Runtime!;
        using DeviceBuffer shared = runtime.Share(
            elsewhere.Observation.Buffer!.Address, elsewhere.Observation.Buffer.Bytes);
        DeviceBatch same = new(
            Shared(elsewhere.Observation), Shared(elsewhere.Action), Shared(elsewhere.NextObservation),
            Shared(elsewhere.Task),
            Shared(elsewhere.Reward), shared.View<int>(elsewhere.Terminated.ByteOffset, Rows), default);
        Call(same, 4);
        Assert.Single(fake.Calls("cuGraphLaunch"));

        // A batch whose memory has been given back is not launched on, recorded or not.
        other.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Call(elsewhere, 5));

        void Call(DeviceBatch where, uint call) =>
            data.Run(session.RelabelPipeline, agent, SoftQEstimator.Critic, call, new ResidentBatch(
                where, ResidentCandidates.Commanded));

        DeviceView Shared(DeviceView view) => shared.View<float>(view.ByteOffset, view.Length);
    }

    [FakeDriverFact]
    public void ASteadyDrawAndRelabelCallAllocatesNothing()
    {
        const int Rows = 65;
        FakeDriver fake = new();
        using AgentNetworks agent = Agent(64);
        using ComputeSession session = Backend().CreateSession(default);
        using TransitionBatch episode = new(agent.Shape, 200) { Count = 200 }, step = new(agent.Shape, 1) { Count = 1 };
        ReplayBuffer host = new(agent.Shape, 200);
        host.AppendEpisode(episode);
        using ResidentReplay replay = new(session.Transitions!, host);
        using ResidentTransitionBatch batch = (ResidentTransitionBatch)replay.CreateBatch(Rows);
        SessionData data = new(Rows, 2 * Rows);
        AssertSteady(fake, call =>
        {
            replay.Append(step, [0]);
            replay.Sample(batch, Rows, 1, call);
            ResidentCandidates both = ResidentCandidates.Commanded | ResidentCandidates.ReachedNext;
            data.Run(session.RelabelPipeline, agent, SoftQEstimator.Critic, call, new ResidentBatch(
                batch.Transitions!, both));
            batch.MarkChanged();
            batch.ToHost();
        });
    }

    private static DeviceReplay Filled(ComputeSession session) => Ring(session.Transitions!, 50, 50);

    private static long Sections(int words) => ((words * sizeof(int)) + Section - 1) / Section * Section;

    private static long Bytes(string line) =>
        long.Parse(CopiedBytes().Match(line).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);

    // Two places, then the number of bytes.
    [GeneratedRegex(@"cuMemcpy\w+ \S+ \S+ (\d+)")]
    private static partial Regex CopiedBytes();
}

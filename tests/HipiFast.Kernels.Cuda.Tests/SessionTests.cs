using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Cuda.Driver;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Learning;
using static HipiFast.Kernels.Cuda.Tests.SessionData;

namespace HipiFast.Kernels.Cuda.Tests;

/// <summary>
/// The device session and the relabel pipeline with the kept kernels: every launch fits the PTX's parameters (the
/// runtime and the fake driver each read them for themselves), steady calls allocate nothing and are one graph. What
/// the kernels compute is not seen here.
/// </summary>
[Collection(FakeDriverGroup.Name)]
public sealed class SessionTests
{
    public static TheoryData<KernelPrecision, SoftQEstimator, int, int, int> Sizes()
    {
        TheoryData<KernelPrecision, SoftQEstimator, int, int, int> sizes = [];
        foreach (KernelPrecision precision in Enum.GetValues<KernelPrecision>())
        {
            foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
            {
                sizes.Add(precision, estimator, 1, 1, 1);
                sizes.Add(precision, estimator, 37, 65, 33);
                sizes.Add(precision, estimator, 300, 129, 256);
                sizes.Add(precision, estimator, 1100, 33, 600);
            }
        }

        return sizes;
    }

    [FakeDriverTheory]
    [MemberData(nameof(Sizes))]
    public void ARelabelCallIsWellFormedAndThenReplayed(
        KernelPrecision precision, SoftQEstimator estimator, int rows, int candidates, int hidden)
    {
        FakeDriver fake = new();
        using (AgentNetworks agent = Agent(hidden))
        using (ComputeSession session = Backend(precision).CreateSession(default))
        {
            IRelabelPipeline pipeline = session.RelabelPipeline;
            SessionData data = new(rows, candidates);
            data.Run(pipeline, agent, estimator, 1);
            Assert.NotEmpty(fake.Calls("cuLaunchKernel Kernel_Critic"));
            Assert.NotEmpty(fake.Calls("cuLaunchKernel Kernel_SampleTasks"));

            // On tensor cores the critics leave the segments of the log partition, and nothing reads the matrix for it.
            Assert.Equal(
                precision == KernelPrecision.Fp32 ? 1 : 0, fake.Calls("cuLaunchKernel Kernel_Segments ").Length);
            Assert.Single(fake.Calls("cuLaunchKernel Kernel_Merge "));
            data.Run(pipeline, agent, estimator, 2);
            fake.ClearLog();
            data.Run(pipeline, agent, estimator, 3);
            string[] log = fake.Log;
            Assert.Empty(fake.Calls(
                "cuMemAlloc", "cuMemHostAlloc", "cuModuleLoad", "cuFuncSetAttribute", "cuStreamBeginCapture"));
            Assert.StartsWith("cuGraphLaunch", log[0]);
            Assert.StartsWith("replayed cuMemcpyHtoDAsync_v2", log[1]);
            Assert.StartsWith("replayed cuMemcpyDtoHAsync_v2", log[^2]);
            Assert.StartsWith("cuStreamSynchronize", log[^1]);
            Assert.All(log[2..^2], line => Assert.StartsWith("replayed cuLaunchKernel", line));
        }

        fake.AssertNothingIsLeft();
    }

    // Kernels do nothing here, but for the results that they would leave.
    [FakeDriverTheory]
    [InlineData(SoftQEstimator.Critic)]
    [InlineData(SoftQEstimator.Bellman)]
    public void ASteadyCallAllocatesNothing(SoftQEstimator estimator)
    {
        FakeDriver fake = new();
        const int Rows = 65, Candidates = 33;
        using AgentNetworks agent = Agent(64);
        using ComputeSession session = Backend().CreateSession(default);
        SessionData data = new(Rows, Candidates);
        float[] softQ = new float[Rows * Candidates];
        AssertSteady(fake, call =>
        {
            data.Run(session.RelabelPipeline, agent, estimator, call);
            session.SoftQ.Compute(data.Problem(agent, estimator, call), softQ);
            session.TaskSampling.SampleTasks(
                new TaskPosterior { SoftQ = softQ, Rows = Rows, Candidates = Candidates, Temperature = 1 },
                new TaskSamples { Index = data.TaskIndex });
        });
    }

    [FakeDriverFact]
    public void AFailedRecordingSaysWhatFailedAndTheNextIsMade()
    {
        FakeDriver fake = new();
        using (AgentNetworks agent = Agent(16))
        using (ComputeSession session = Backend().CreateSession(default))
        {
            IRelabelPipeline pipeline = session.RelabelPipeline;
            SessionData data = new(40, 20);
            data.Run(pipeline, agent, SoftQEstimator.Critic, 0);

            // The second call is recorded. A launch that fails breaks the recording, whose end then fails, too.
            fake.Fail("cuLaunchKernel", 2, after: 2);
            Assert.Contains(
                "launch the kernel", Assert.Throws<DeviceException>(
                    () => data.Run(pipeline, agent, SoftQEstimator.Critic, 1)).Message, StringComparison.Ordinal);
            Assert.Equal((0, 0), (fake.Live("graph"), fake.Live("executable")));
            fake.ClearLog();
            data.Run(pipeline, agent, SoftQEstimator.Critic, 2);
            Assert.Single(fake.Calls("cuGraphLaunch"));
        }

        fake.AssertNothingIsLeft();
    }

    [FakeDriverFact]
    public void AnotherSizeIsRecordedAnew()
    {
        FakeDriver fake = new();
        using AgentNetworks agent = Agent(16);
        using ComputeSession session = Backend().CreateSession(default);
        IRelabelPipeline pipeline = session.RelabelPipeline;
        SessionData data = new(40, 20);
        for (uint call = 0; call < 3; call++)
        {
            data.Run(pipeline, agent, SoftQEstimator.Critic, call);
        }

        fake.ClearLog();
        new SessionData(39, 20).Run(pipeline, agent, SoftQEstimator.Critic, 3);
        string launch = fake.Calls("cuLaunchKernel Kernel_Assign")[0];
        data.Run(pipeline, agent, SoftQEstimator.Critic, 4);
        Assert.NotEqual(launch, fake.Calls("cuLaunchKernel Kernel_Assign")[^1]);
        Assert.True(fake.Live("executable") <= 1, $"{fake.Live("executable")} graphs are kept.");
    }

    // The driver takes longer to say what is free than a small call takes.
    [FakeDriverTheory]
    [InlineData(64, 32)]
    [InlineData(4096, 4096)]
    public void TheDeviceIsAskedForItsMemoryOnceForASize(int rows, int candidates)
    {
        // The larger matrix does not fit: it goes through what the device has to spare, block by block.
        FakeDriver fake = new() { MemoryBytes = 56 << 20 };
        using AgentNetworks agent = Agent(16);
        using ComputeSession session = Backend().CreateSession(default);
        SessionData data = new(rows, candidates);
        data.Run(session.RelabelPipeline, agent, SoftQEstimator.Critic, 0);
        Assert.Single(fake.Calls("cuMemGetInfo"));
        Assert.Equal(rows > 64, fake.Calls("cuLaunchKernel Kernel_Critic").Length > 1);
        fake.ClearLog();
        for (uint call = 1; call < 5; call++)
        {
            data.Run(session.RelabelPipeline, agent, SoftQEstimator.Critic, call);

            // Nothing is larger than before, so nothing is asked.
            new SessionData(rows / 2, candidates).Run(session.RelabelPipeline, agent, SoftQEstimator.Critic, call);
        }

        Assert.Empty(fake.Calls("cuMemGetInfo", "cuMemAlloc"));
        new SessionData(rows * 2, candidates).Run(session.RelabelPipeline, agent, SoftQEstimator.Critic, 5);
        Assert.Single(fake.Calls("cuMemGetInfo"));
    }

    [FakeDriverTheory]
    [MemberData(nameof(Sizes))]
    public void TheKernelsByThemselvesAreWellFormed(
        KernelPrecision precision, SoftQEstimator estimator, int rows, int candidates, int hidden)
    {
        FakeDriver fake = new();
        using (AgentNetworks agent = Agent(hidden))
        using (ComputeSession session = Backend(precision).CreateSession(default))
        {
            float[] softQ = new float[rows * candidates], max = new float[candidates], sum = new float[candidates],
                partition = new float[candidates];
            session.SoftQ.Compute(new SessionData(rows, candidates).Problem(agent, estimator, 1), softQ);
            max.AsSpan().Fill(float.NegativeInfinity);
            session.LogPartition.Accumulate(softQ, rows, candidates, max, sum);
            session.LogPartition.Finish(max, sum, rows, partition);
            TaskPosterior posterior = new()
            {
                SoftQ = softQ,
                Rows = rows,
                Candidates = candidates,
                LogPartition = partition,
                Temperature = 1,
            };
            session.TaskSampling.SampleTasks(posterior, new TaskSamples { Index = new int[rows] });
            session.TaskSampling.SampleRows(posterior, new int[candidates]);
            Assert.NotEmpty(fake.Calls("cuLaunchKernel Kernel_Critic"));
            foreach (string kernel in (string[])["Segments", "Merge", "Finish", "SampleTasks", "SampleRows"])
            {
                Assert.NotEmpty(fake.Calls("cuLaunchKernel Kernel_" + kernel + " "));
            }
        }

        fake.AssertNothingIsLeft();
    }

    [FakeDriverFact]
    public void ASessionOnTooSmallADeviceSaysWhatWasNeeded()
    {
        _ = new FakeDriver { MemoryBytes = 1 << 20 };
        using AgentNetworks agent = Agent(512);
        using ComputeSession session = Backend().CreateSession(default);
        DeviceOutOfMemoryException error = Assert.Throws<DeviceOutOfMemoryException>(
            () => new SessionData(64, 64).Run(session.RelabelPipeline, agent, SoftQEstimator.Critic, 0));
        Assert.Contains("needed", error.Message);
        Assert.Contains("free", error.Message);
    }

    [FakeDriverFact]
    public void ReplayUploadsOnItsOwnStreamAndWaitsOnlyWhereItMust()
    {
        FakeDriver fake = new();
        using (CudaRuntime runtime = fake.Open(PtxCatalog.Embedded))
        using (DeviceLauncher launcher = new(runtime))
        using (DeviceReplay replay = Ring(new DeviceTransitions(launcher), capacity: 100, transitions: 0))
        {
            fake.ClearLog();
            Append(replay, 60);
            replay.Sample(32, 1, 0);
            Append(replay, 30);
            Assert.Empty(fake.Calls("cuStreamWaitEvent stream2"));

            // The ring's end lies inside of these.
            Append(replay, 30);
            replay.Sample(32, 1, 1);
            Append(replay, 5);

            string[] uploads = fake.Calls("cuMemcpyHtoDAsync_v2");
            Assert.Equal(5, uploads.Length);
            Assert.All(uploads, line => Assert.EndsWith("stream2", line));

            // The second half of the third append and the last one overwrite what the batch before may still be
            // reading.
            Assert.Equal(2, fake.Calls("cuStreamWaitEvent stream2").Length);

            // Each batch waits for what was appended before it.
            Assert.Equal(2, fake.Calls("cuStreamWaitEvent stream1").Length);
            Assert.Empty(fake.Calls("cuStreamSynchronize stream2"));
            Assert.Equal(4, fake.Calls("cuLaunchKernel").Length);
        }

        fake.AssertNothingIsLeft();
    }

    [FakeDriverFact]
    public void AReplayThatBeganAnewWaitsForTheBatchBefore()
    {
        FakeDriver fake = new();
        using ComputeSession session = Backend().CreateSession(default);
        using DeviceReplay replay = Ring(session.Transitions!, capacity: 100, transitions: 60);
        replay.Restart(0);
        Append(replay, 10);
        Assert.Empty(fake.Calls("cuStreamWaitEvent stream2"));
        replay.Sample(32, 1, 0);
        fake.ClearLog();

        // The batch may still be reading the slots that are filled now, though the ring has never been full.
        replay.Restart(0);
        Append(replay, 10);
        string[] log = fake.Calls("cuStreamWaitEvent stream2", "cuMemcpyHtoDAsync_v2");
        Assert.Equal(2, log.Length);
        Assert.StartsWith("cuStreamWaitEvent", log[0], StringComparison.Ordinal);
    }

    [FakeDriverFact]
    public void AReplayThatDoesNotFitLeavesNothing()
    {
        FakeDriver fake = new();
        using ComputeSession session = Backend().CreateSession(default);
        Ring(session.Transitions!, 100, transitions: 0).Dispose();
        foreach ((string call, int after) in (ReadOnlySpan<(string, int)>)
            [("cuMemAlloc_v2", 1), ("cuMemHostAlloc", 0), ("cuStreamCreate", 0), ("cuEventCreate", 2)])
        {
            int[] before = Live();
            fake.Fail(call, (int)CudaResult.OutOfMemory, after);
            Assert.ThrowsAny<Exception>(() => Ring(session.Transitions!, 100, transitions: 0));
            Assert.Equal(before, Live());
        }

        int[] Live() => [fake.Live("buffer"), fake.Live("host"), fake.Live("stream"), fake.Live("event")];
    }

    [FakeDriverFact]
    public void ASessionThatCannotBeMadeLeavesNothing()
    {
        FakeDriver fake = new();
        Assert.ThrowsAny<OutOfMemoryException>(() => Backend().CreateSession(new SessionOptions(int.MaxValue)));
        fake.AssertNothingIsLeft();
    }

    [FakeDriverFact]
    public void ReplayAndKernelsOfASessionServeOneThreadTogether()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open(PtxCatalog.Embedded);
        using DeviceLauncher launcher = new(runtime);
        DeviceTransitions memory = new(launcher);
        using DeviceReplay replay = Ring(memory, capacity: 100, transitions: 60);
        DeviceBatch batch = replay.Sample(32, 1, 0);
        Action[] uses =
        [
            () => Append(replay, 1), () => replay.Sample(32, 1, 1), () => replay.Restart(0),
            () => memory.Download(batch, [], new long[32]), () => Ring(memory, 100, 0),
        ];
        using (launcher.Enter())
        {
            foreach (Action use in uses)
            {
                Assert.StartsWith(
                    "This ComputeSession is in the middle of another call",
                    Assert.Throws<InvalidOperationException>(use).Message, StringComparison.Ordinal);
            }
        }

        Assert.Equal(60, replay.TotalCount);
        replay.Sample(32, 1, 1);
        memory.Dispose();
    }

    [FakeDriverFact]
    public void ABatchOfAnotherSessionIsRefused()
    {
        _ = new FakeDriver();
        using ComputeSession session = Backend().CreateSession(default), other = Backend().CreateSession(default);
        using DeviceReplay replay = Ring(session.Transitions!, capacity: 100, transitions: 60);
        DeviceBatch batch = replay.Sample(32, 1, 0);
        session.Transitions!.Download(batch, [], new long[32]);
        Assert.Equal(
            "The batch lies in the memory of another session; expected that of this one on cuda:0.",
            Assert.Throws<ArgumentException>(() => other.Transitions!.Download(batch, [], new long[32])).Message);
    }

    [FakeDriverFact]
    public void APipelineIsNotToBeHadOfASessionThatIsGone()
    {
        _ = new FakeDriver();
        ComputeSession session = Backend().CreateSession(default);
        Assert.NotNull(session.RelabelPipeline);
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() => session.RelabelPipeline);
    }
}

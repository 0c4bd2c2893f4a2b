using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Tasks;

namespace HipiFast.Kernels.Cuda.Tests;

/// <summary>
/// The device session and the relabel pipeline with the kept kernels: every launch fits the PTX's parameters (the runtime and the fake driver each read
/// them for themselves), steady calls allocate nothing and are one graph. What the kernels compute is not seen here.
/// </summary>
[Collection(FakeDriverGroup.Name)]
public sealed class SessionTests
{
    private const int S = 5;
    private const int A = 3;
    private const int P = 2;

    private static readonly TaskFamily s_family = TaskFamilies.Goal([0, 1], margin: 0.1f);

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
            IRelabelPipeline pipeline = session.RelabelPipeline!;
            Run(pipeline, agent, estimator, rows, candidates, 1);
            Assert.NotEmpty(fake.Calls("cuLaunchKernel Kernel_Critic"));
            Assert.NotEmpty(fake.Calls("cuLaunchKernel Kernel_SampleTasks"));

            // On tensor cores the critics leave the segments of the log partition, and nothing reads the matrix for it.
            Assert.Equal(precision == KernelPrecision.Fp32 ? 1 : 0, fake.Calls("cuLaunchKernel Kernel_Segments ").Length);
            Assert.Single(fake.Calls("cuLaunchKernel Kernel_Merge "));
            Run(pipeline, agent, estimator, rows, candidates, 2);
            fake.ClearLog();
            Run(pipeline, agent, estimator, rows, candidates, 3);
            string[] log = fake.Log;
            Assert.Empty(fake.Calls("cuMemAlloc", "cuMemHostAlloc", "cuModuleLoad", "cuFuncSetAttribute", "cuStreamBeginCapture"));
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
        IRelabelPipeline pipeline = session.RelabelPipeline!;
        float[] observation = new float[Rows * S], action = new float[Rows * A], task = new float[Candidates * P], commanded = new float[Rows * P];
        float[] newTask = new float[Rows * P], reward = new float[Rows], partition = new float[Candidates], softQ = new float[Rows * Candidates];
        int[] index = new int[Rows];
        byte[] terminated = new byte[Rows];
        Calls(3);
        fake.ClearLog();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Calls(20);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Empty(fake.Calls("cuMemAlloc", "cuMemHostAlloc", "cuModuleLoad", "cuStreamCreate", "cuEventCreate"));

        void Calls(int count)
        {
            for (uint call = 0; call < count; call++)
            {
                SoftQProblem problem = new()
                {
                    Observation = observation,
                    Action = action,
                    NextObservation = observation,
                    Task = task,
                    Rows = Rows,
                    Candidates = Candidates,
                    ObservationDimension = S,
                    ActionDimension = A,
                    TaskDimension = P,
                    Estimator = estimator,
                    Critic1 = agent.Critic1,
                    Critic2 = agent.Critic2,
                    Actor = agent.Actor,
                    Alpha = 0.5f,
                    Gamma = 0.9f,
                    Family = s_family,
                    Call = call,
                };
                pipeline.Run(
                    new RelabelProblem
                    {
                        SoftQ = problem,
                        Commanded = commanded,
                        HasPartition = true,
                        Temperature = 1,
                        RelabelFraction = 0.5f,
                        GoalMix = 0,
                        MemoryBudget = 1 << 30,
                    },
                    new RelabelOutput { NewTask = newTask, TaskIndex = index, Reward = reward, Terminated = terminated, LogPartition = partition });
                session.SoftQ.Compute(problem, softQ);
                session.TaskSampling.SampleTasks(
                    new TaskPosterior { SoftQ = softQ, Rows = Rows, Candidates = Candidates, Temperature = 1 }, new TaskSamples { Index = index });
            }
        }
    }

    [FakeDriverFact]
    public void AnotherSizeIsRecordedAnew()
    {
        FakeDriver fake = new();
        using AgentNetworks agent = Agent(16);
        using ComputeSession session = Backend().CreateSession(default);
        IRelabelPipeline pipeline = session.RelabelPipeline!;
        for (uint call = 0; call < 3; call++)
        {
            Run(pipeline, agent, SoftQEstimator.Critic, 40, 20, call);
        }

        fake.ClearLog();
        Run(pipeline, agent, SoftQEstimator.Critic, 39, 20, 3);
        string launch = fake.Calls("cuLaunchKernel Kernel_Assign")[0];
        Run(pipeline, agent, SoftQEstimator.Critic, 40, 20, 4);
        Assert.NotEqual(launch, fake.Calls("cuLaunchKernel Kernel_Assign")[^1]);
        Assert.True(fake.Live("executable") <= 1, $"{fake.Live("executable")} graphs are kept.");
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
            float[] softQ = new float[rows * candidates], max = new float[candidates], sum = new float[candidates], partition = new float[candidates];
            session.SoftQ.Compute(Problem(agent, estimator, rows, candidates, 1), softQ);
            max.AsSpan().Fill(float.NegativeInfinity);
            session.LogPartition.Accumulate(softQ, rows, candidates, max, sum);
            session.LogPartition.Finish(max, sum, rows, partition);
            TaskPosterior posterior = new() { SoftQ = softQ, Rows = rows, Candidates = candidates, LogPartition = partition, Temperature = 1 };
            session.TaskSampling.SampleTasks(posterior, new TaskSamples { Index = new int[rows] });
            session.TaskSampling.SampleRows(posterior, new int[candidates]);
            foreach (string kernel in (string[])["Critic", "Segments", "Merge", "Finish", "SampleTasks", "SampleRows"])
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
            () => Run(session.RelabelPipeline!, agent, SoftQEstimator.Critic, 64, 64, 0));
        Assert.Contains("needed", error.Message);
        Assert.Contains("free", error.Message);
    }

    [FakeDriverFact]
    public void ReplayUploadsOnItsOwnStreamAndWaitsOnlyWhereItMust()
    {
        FakeDriver fake = new();
        using (CudaRuntime runtime = fake.Open(PtxCatalog.Embedded))
        using (DeviceReplay replay = new(runtime, S, A, P, capacity: 100))
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

            // The second half of the third append and the last one overwrite what the batch before may still be reading.
            Assert.Equal(2, fake.Calls("cuStreamWaitEvent stream2").Length);

            // Each batch waits for what was appended before it.
            Assert.Equal(2, fake.Calls("cuStreamWaitEvent stream1").Length);
            Assert.Empty(fake.Calls("cuStreamSynchronize stream2"));
            Assert.Equal(4, fake.Calls("cuLaunchKernel").Length);
        }

        fake.AssertNothingIsLeft();
    }

    private static CudaBackend Backend(KernelPrecision precision = KernelPrecision.Fp32) => new(FakeDriver.Path, PtxCatalog.Embedded, precision);

    private static AgentNetworks Agent(int hidden)
    {
        AgentNetworks agent = new(new TransitionShape(S, A, P), hidden);
        agent.Initialize(1);
        return agent;
    }

    private static void Append(DeviceReplay replay, int rows) => replay.Append(
        new float[rows * S], new float[rows * A], new float[rows * S], new float[rows * P], new float[rows], new byte[rows]);

    private static SoftQProblem Problem(AgentNetworks agent, SoftQEstimator estimator, int rows, int candidates, uint call) => new()
    {
        Observation = new float[rows * S],
        Action = new float[rows * A],
        NextObservation = new float[rows * S],
        Task = new float[candidates * P],
        Rows = rows,
        Candidates = candidates,
        ObservationDimension = S,
        ActionDimension = A,
        TaskDimension = P,
        Estimator = estimator,
        Critic1 = agent.Critic1,
        Critic2 = agent.Critic2,
        Actor = agent.Actor,
        Alpha = 0.5f,
        Gamma = 0.9f,
        Family = s_family,
        ExactTerminalValue = true,
        Call = call,
    };

    private static void Run(IRelabelPipeline pipeline, AgentNetworks agent, SoftQEstimator estimator, int rows, int candidates, uint call) =>
        pipeline.Run(
            new RelabelProblem
            {
                SoftQ = Problem(agent, estimator, rows, candidates, call),
                Commanded = new float[rows * P],
                HasPartition = true,
                Temperature = 1,
                RelabelFraction = 0.5f,
                GoalMix = 0,
                MemoryBudget = 1 << 30,
            },
            new RelabelOutput
            {
                NewTask = new float[rows * P],
                TaskIndex = new int[rows],
                Reward = new float[rows],
                Terminated = new byte[rows],
                LogPartition = new float[candidates],
            });
}

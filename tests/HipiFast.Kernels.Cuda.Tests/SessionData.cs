using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.Replay;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Kernels.Cuda.Tests;

/// <summary>Zeros of one size for device sessions over the fake driver, whose kernels do not look at them.</summary>
internal sealed class SessionData(int rows, int candidates)
{
    /// <summary>Entries of a state.</summary>
    public const int S = 5;

    /// <summary>Entries of an action.</summary>
    public const int A = 3;

    /// <summary>Entries of a task.</summary>
    public const int P = 2;

    private static readonly TransitionShape s_shape = new(S, A, P);

    private readonly float[] _observation = new float[rows * S];
    private readonly float[] _action = new float[rows * A];
    private readonly float[] _task = new float[candidates * P];
    private readonly float[] _commanded = new float[rows * P];
    private readonly float[] _newTask = new float[rows * P];
    private readonly float[] _reward = new float[rows];
    private readonly byte[] _terminated = new byte[rows];
    private readonly float[] _logPartition = new float[candidates];

    public static TaskFamily Family { get; } = TaskFamilies.Goal([0, 1], margin: 0.1f);

    /// <summary>A ring with transitions of zeros.</summary>
    public static DeviceReplay Ring(TransitionMemory memory, int capacity, int transitions)
    {
        DeviceReplay ring = Ring(memory, s_shape, capacity);
        Append(ring, transitions);
        return ring;
    }

    /// <summary>A ring without transitions.</summary>
    public static DeviceReplay Ring(TransitionMemory memory, TransitionShape shape, int capacity) =>
        (DeviceReplay)memory.CreateRing(TransitionBatch.Forms(shape), capacity);

    /// <summary>Adds transitions of zeros.</summary>
    public static void Append(DeviceReplay ring, int transitions)
    {
        if (transitions > 0)
        {
            using TransitionBatch batch = new(s_shape, transitions);
            ring.Append(batch.Stored, transitions);
        }
    }

    public int[] TaskIndex { get; } = new int[rows];

    public static CudaBackend Backend(KernelPrecision precision = KernelPrecision.Fp32) =>
        new(FakeDriver.Path, PtxCatalog.Embedded, precision);

    public static AgentNetworks Agent(int hidden)
    {
        AgentNetworks agent = new(s_shape, hidden);
        agent.Initialize(1);
        return agent;
    }

    /// <summary>
    /// Calls until all is compiled, sized and recorded, then calls that may allocate nothing, here or on the device.
    /// </summary>
    public static void AssertSteady(FakeDriver fake, Action<uint> call)
    {
        uint calls = 0;
        while (calls < 3)
        {
            call(calls++);
        }

        fake.ClearLog();
        SteadyState.AssertAllocatesNothing(() => call(calls++));
        Assert.Empty(fake.Calls("cuMemAlloc", "cuMemHostAlloc", "cuModuleLoad", "cuStreamCreate", "cuEventCreate"));
    }

    public SoftQProblem Problem(AgentNetworks agent, SoftQEstimator estimator, uint call, bool isResident = false) =>
        new()
    {
        Observation = isResident ? default : _observation,
        Action = isResident ? default : _action,
        NextObservation = isResident ? default : _observation,
        Task = isResident ? default : _task,
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
        Family = Family,
        ExactTerminalValue = true,
        Call = call,
    };

    /// <summary>A relabel call.</summary>
    public void Run(
        IRelabelPipeline pipeline, AgentNetworks agent, SoftQEstimator estimator, uint call,
        ResidentBatch? resident = null)
    {
        RelabelProblem problem = new()
        {
            SoftQ = Problem(agent, estimator, call, resident is not null),
            Commanded = resident is null ? _commanded : default,
            Resident = resident,
            HasPartition = true,
            Temperature = 1,
            RelabelFraction = 0.5f,
            GoalMix = 0,
            MemoryBudget = 1 << 30,
        };
        pipeline.Run(problem, new RelabelOutput
        {
            NewTask = resident is null ? _newTask : default,
            TaskIndex = TaskIndex,
            Reward = resident is null ? _reward : default,
            Terminated = resident is null ? _terminated : default,
            LogPartition = _logPartition,
        });
    }
}

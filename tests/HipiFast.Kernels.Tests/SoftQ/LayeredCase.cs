using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Conformance;
using HipiFast.Kernels.Conformance.Data;
using HipiFast.Kernels.Conformance.SoftQ;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Kernels.Threading;

namespace HipiFast.Kernels.Tests.SoftQ;

/// <summary>A soft-Q problem of networks of any layers, with random weights that keep values apart.</summary>
internal sealed class LayeredCase
{
    private readonly RandomData _random;

    public LayeredCase(
        int rows, int candidates, int observation = 4, int action = 3, int task = 2, ulong seed = 1)
    {
        _random = new RandomData(seed);
        (Rows, Candidates) = (rows, candidates);
        (ObservationDimension, ActionDimension, TaskDimension) = (observation, action, task);
        Observation = _random.NormalsWithOutliers(rows * observation, 0.5f);
        NextObservation = _random.NormalsWithOutliers(rows * observation, 0.5f);
        Task = _random.NormalsWithOutliers(candidates * task, 0.7f);
        Action = _random.Uniforms(rows * action, -0.99f, 0.99f);
        Family = TaskFamily.Create(new SoftQCase.SignFamily(task));
        Agent = null!;
    }

    public int Rows { get; }

    public int Candidates { get; }

    public int ObservationDimension { get; }

    public int ActionDimension { get; }

    public int TaskDimension { get; }

    public float[] Observation { get; set; }

    public float[] NextObservation { get; set; }

    public float[] Action { get; set; }

    public float[] Task { get; set; }

    public LayeredAgent Agent { get; set; }

    public SoftQEstimator Estimator { get; set; }

    public TwinCombination Twin { get; set; }

    public TaskFamily? Family { get; set; }

    public bool ExactTerminalValue { get; set; }

    public float Alpha { get; set; } = 0.2f;

    public SoftQProblem Problem => Block(0, Rows);

    public SoftQProblem Block(int first, int count) => new()
    {
        Observation = Observation.AsSpan(first * ObservationDimension, count * ObservationDimension),
        Action = Action.AsSpan(first * ActionDimension, count * ActionDimension),
        NextObservation = NextObservation.AsSpan(first * ObservationDimension, count * ObservationDimension),
        Task = Task,
        Rows = count,
        Candidates = Candidates,
        ObservationDimension = ObservationDimension,
        ActionDimension = ActionDimension,
        TaskDimension = TaskDimension,
        Estimator = Estimator,
        Critic1 = null!,
        OmitsNetworks = true,
        Twin = Twin,
        Alpha = Alpha,
        Gamma = 0.98f,
        Family = Family,
        ExactTerminalValue = ExactTerminalValue,
        Seed = 0x1234_5678_9ABC_DEF0,
        Call = 5,
        FirstRow = 40 + (uint)first,
    };

    /// <summary>
    /// An agent whose networks have hidden layers of some widths, each with the same steps, and critics whose values
    /// spread over nats.
    /// </summary>
    public void Build(int[] widths, Func<int, IReadOnlyList<LayerStep>> steps, int critics = 2)
    {
        Agent = new LayeredAgent
        {
            ObservationDimension = ObservationDimension,
            ActionDimension = ActionDimension,
            TaskDimension = TaskDimension,
            Critics =
            [
                .. Enumerable.Range(0, critics).Select(_ => Network(
                    ObservationDimension + ActionDimension + TaskDimension, widths, 1, steps, gain: 4)),
            ],
            Actor = Network(ObservationDimension + TaskDimension, widths, 2 * ActionDimension, steps, gain: 1),
        };
    }

    public LayeredNetwork Network(
        int inputs, int[] widths, int outputs, Func<int, IReadOnlyList<LayerStep>> steps, float gain)
    {
        List<DenseLayer> layers = [];
        foreach (int width in widths)
        {
            layers.Add(Layer(inputs, width, 1.5f, steps(width)));
            inputs = width;
        }

        layers.Add(Layer(inputs, outputs, gain, []));
        return new LayeredNetwork([.. layers]);
    }

    public LayerStep Norm(int width, float epsilon = 1e-5f) => new(new LayerNorm(
        _random.Uniforms(width, 0.5f, 1.5f), _random.Uniforms(width, -0.3f, 0.3f), epsilon));

    public float[] Compute(ISoftQKernel kernel)
    {
        float[] softQ = new float[Rows * Candidates];
        softQ.AsSpan().Fill(float.NaN);
        kernel.Compute(Problem, softQ);
        return softQ;
    }

    public LayeredSoftQ Kernel(VectorKind kind, int threads = 2) => new(Agent, threads, kind, WorkerPool.Shared);

    /// <summary>Fails unless the kernel is within a share of the spread of the oracle.</summary>
    public void AssertAgrees(VectorKind kind, double ofSpread, string what)
    {
        double[] expected = new LayeredOracle(Agent).Compute(Problem);
        if (Rows * Candidates >= 20)
        {
            Assert.True(
                Tolerance.Spread(expected) > 0.5, $"{what} says little: a spread of {Tolerance.Spread(expected):g3}.");
        }

        using LayeredSoftQ kernel = Kernel(kind);
        double scale = Math.Max(Tolerance.Spread(expected), expected.Max(Math.Abs));
        Tolerance.AssertClose(expected, Compute(kernel), ofSpread * Math.Max(1, scale), what);
    }

    private DenseLayer Layer(int inputs, int outputs, float gain, IReadOnlyList<LayerStep> steps)
    {
        float bound = gain * MathF.Sqrt(3f / inputs);
        return new DenseLayer(
            inputs, outputs, _random.Uniforms(inputs * outputs, -bound, bound), _random.Uniforms(outputs, -0.2f, 0.2f),
            steps);
    }
}

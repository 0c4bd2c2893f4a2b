using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Threading;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Work;

/// <summary>The soft-Q matrix of twin critics of any layers.</summary>
internal sealed class LayeredSoftQWork : BenchmarkWork
{
    private const double WantedSpread = 6;
    private const int Probe = 8;

    private readonly LayeredAgent _agent;
    private readonly LayeredSoftQ _kernel;
    private readonly TransitionBatch _batch;
    private readonly float[] _tasks;
    private readonly float[] _softQ;

    public LayeredSoftQWork(BenchmarkCase benchmark, KernelBackend backend, int threads)
    {
        if (backend is not ManagedBackend managed)
        {
            throw new ArgumentException(
                $"Backend '{backend.Name}' does not compute networks of any layers; expected one in C#, such as "
                + $"'{ManagedBackend.Best.Name}'.");
        }

        TransitionShape shape = benchmark.Shape;
        _batch = BenchmarkData.Batch(shape, benchmark.Batch);
        _tasks = BenchmarkData.Tasks(shape, benchmark.Candidates);
        _softQ = new float[benchmark.Batch * benchmark.Candidates];
        _agent = new LayeredAgent
        {
            ObservationDimension = shape.ObservationDimension,
            ActionDimension = shape.ActionDimension,
            TaskDimension = shape.TaskDimension,
            Critics = [Critic(benchmark, 100), Critic(benchmark, 200)],
        };
        _kernel = new LayeredSoftQ(_agent, threads, managed.Kind, WorkerPool.Shared);
    }

    private SoftQProblem Problem => new()
    {
        Observation = _batch.Observation,
        Action = _batch.Action,
        Task = _tasks,
        Rows = _batch.Count,
        Candidates = _tasks.Length / _batch.Shape.TaskDimension,
        ObservationDimension = _batch.Shape.ObservationDimension,
        ActionDimension = _batch.Shape.ActionDimension,
        TaskDimension = _batch.Shape.TaskDimension,
        Estimator = SoftQEstimator.Critic,
        Critic1 = null!,
        OmitsNetworks = true,
    };

    public override void Call() => _kernel.Compute(Problem, _softQ);

    public override void Verify(BenchmarkCheck check)
    {
        Call();
        check.SoftQ(Problem, _softQ, _agent);
    }

    public override void Dispose()
    {
        _kernel.Dispose();
        _batch.Dispose();
    }

    // Scaled so that values spread over nats, as those of trained critics do.
    private static LayeredNetwork Critic(BenchmarkCase benchmark, uint stream)
    {
        LayeredNetwork network = Network(benchmark, stream, 1);
        TransitionShape shape = benchmark.Shape;
        float[] inputs = new float[Probe * shape.CriticInputs];
        BenchmarkData.Fill(inputs, 7, BenchmarkData.UnitVariance);
        double[] values =
        [
            .. Enumerable.Range(0, Probe).Select(i => LayeredOracle.Evaluate(
                network, [.. inputs.Skip(i * shape.CriticInputs).Take(shape.CriticInputs).Select(x => (double)x)])[0]),
        ];
        return Network(benchmark, stream, (float)(WantedSpread / (values.Max() - values.Min())));
    }

    private static LayeredNetwork Network(BenchmarkCase benchmark, uint stream, float gain)
    {
        int inputs = benchmark.Shape.CriticInputs;
        List<DenseLayer> layers = [];
        for (int i = 0; i <= benchmark.Layers; i++)
        {
            bool isLast = i == benchmark.Layers;
            int outputs = isLast ? 1 : benchmark.Hidden;
            float[] weight = new float[inputs * outputs], bias = new float[outputs];
            BenchmarkData.Fill(weight, stream++, (isLast ? gain : 1f) / MathF.Sqrt(inputs));
            BenchmarkData.Fill(bias, stream++, 1f / MathF.Sqrt(inputs));
            LayerStep norm = new(new LayerNorm(default, default, LayerNorm.DefaultEpsilon));
            LayerStep[] steps = isLast ? []
                : benchmark.HasNorm ? [norm, new LayerStep(Activation.Relu)]
                : [new LayerStep(Activation.Relu)];
            layers.Add(new DenseLayer(inputs, outputs, weight, bias, steps));
            inputs = outputs;
        }

        return new LayeredNetwork([.. layers]);
    }
}

using BenchmarkDotNet.Attributes;
using HipiFast.Benchmarking.Cases;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Training;
using BenchmarkCase = HipiFast.Benchmarking.Cases.BenchmarkCase;

namespace HipiFast.Benchmarks;

/// <summary>
/// The whole training loop: environment step, replay, relabeling and gradient steps; the column Steps/s counts
/// environment steps.
/// </summary>
public class TrainingBenchmarks : KernelBenchmark
{
    private const int StepsPerCall = 50;
    private const long MoreThanEver = 1_000_000_000;

    private Trainer _trainer = null!;

    public static IEnumerable<string> Backends => BackendNames.Fp32;

    [ParamsSource(nameof(Backends))]
    public string Backend { get; set; } = string.Empty;

    [Params("nav2d", "reacher2d")]
    public string Environment { get; set; } = string.Empty;

    [Params(RelabelStrategy.InverseRl, RelabelStrategy.None)]
    public RelabelStrategy Strategy { get; set; }

    /// <summary>
    /// The parts of the loop that compute are checked at the loop's sizes: a gradient step here, relabeling in its own
    /// benchmarks.
    /// </summary>
    [GlobalSetup]
    public void Setup()
    {
        TrainingConfig config = new()
        {
            Environment = Environment,
            Run = new RunOptions { Steps = MoreThanEver, EvalEvery = MoreThanEver, InitialRandomSteps = 200 },
            Compute = new ComputeOptions { Backend = BackendNames.Resolve(Backend).Name },
            Relabeling = new RelabelOptions { Strategy = Strategy },
        };
        _trainer = new Trainer(config);
        TransitionShape shape = _trainer.Networks.Shape;
        Prepare(new BenchmarkCase(
            BenchmarkCase.SacStep, shape, config.Learner.Batch, Hidden: config.Learner.Hidden), Backend);
        while (_trainer.GradientSteps == 0)
        {
            _trainer.Step();
        }
    }

    [Benchmark(OperationsPerInvoke = StepsPerCall)]
    public void TrainingSteps()
    {
        for (int step = 0; step < StepsPerCall; step++)
        {
            _trainer.Step();
        }
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        Finish(("steps", 1));
        _trainer.Dispose();
    }
}

using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Work;

/// <summary>A whole call through the public API.</summary>
internal sealed class RelabelWork : BenchmarkWork
{
    // Pairs that the oracle computes, in columns for logZ and as many in rows for the draws: a tenth of a second at H =
    // 256.
    private const int OraclePairs = 512;

    private readonly AgentNetworks _agent;
    private readonly TransitionBatch _batch;
    private readonly Relabeler _relabeler;
    private readonly TaskFamily _family;

    public RelabelWork(BenchmarkCase benchmark, KernelBackend backend, int threads)
    {
        _agent = BenchmarkData.Agent(benchmark.Shape, benchmark.Hidden);
        _batch = BenchmarkData.Batch(benchmark.Shape, benchmark.Batch);
        RelabelOptions options = new()
        {
            Candidates = CandidateSource.Fixed,
            Estimator = benchmark.Estimator,
            RelabelFraction = 1,
            Compute = new ComputeOptions { Backend = backend.Name, Threads = threads },
        };
        options = benchmark.MemoryBudget > 0 ? options with { MemoryBudget = benchmark.MemoryBudget } : options;
        _family = BenchmarkData.GoalFamily(benchmark.Shape);
        _relabeler = new Relabeler(_family, _agent, options);
        _relabeler.SetFixedCandidates(BenchmarkData.Tasks(benchmark.Shape, benchmark.Candidates));
    }

    public override void Call() => _relabeler.Relabel(_batch);

    public override void Verify(BenchmarkCheck check)
    {
        RelabelOptions options = _relabeler.Options;
        uint call = _relabeler.Call;
        RelabelResult result = _relabeler.Relabel(_batch);
        int rows = _batch.Count, candidates = result.LogPartition.Length;
        SoftQProblem problem = BenchmarkData.Problem(options.Estimator, _agent, _batch, result.Candidates, _family) with
        {
            Gamma = options.Gamma, ExactTerminalValue = options.ExactTerminalValue, Seed = options.Seed, Call = call,
        };
        double error = 0;
        foreach (int task in BenchmarkCheck.Spread(candidates, Math.Max(1, OraclePairs / rows)))
        {
            double[] column = check.ExpectedSoftQ(problem, [.. Enumerable.Range(0, rows).Select(row => (row, task))]);
            check.LogPartition(column, task, result.LogPartition);
            error = Math.Max(error, check.Tolerance(column));
        }

        float[] entries = new float[candidates];
        foreach (int row in BenchmarkCheck.Spread(rows, Math.Max(1, OraclePairs / candidates)))
        {
            double[] expected = check.ExpectedSoftQ(
                problem, [.. Enumerable.Range(0, candidates).Select(task => (row, task))]);
            for (int task = 0; task < candidates; task++)
            {
                entries[task] = (float)expected[task];
            }

            TaskPosterior posterior = new()
            {
                SoftQ = entries,
                Rows = 1,
                Candidates = candidates,
                LogPartition = result.LogPartition,
                Temperature = options.Temperature,
                Seed = options.Seed,
                Call = call,
                FirstRow = (uint)row,
            };
            int drawn = result.TaskIndex[row], width = _batch.Shape.TaskDimension;
            check.Draw(posterior, 0, drawn, error);
            check.Holds(
                _batch.Task.Slice(row * width, width).SequenceEqual(result.Candidates.Slice(drawn * width, width)),
                $"row {row} does not carry the task that it drew");
        }
    }

    public override void Dispose()
    {
        _relabeler.Dispose();
        _agent.Dispose();
        _batch.Dispose();
    }
}

using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Kernels.Tasks;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Work;

/// <summary>A whole call by a given matrix through the public API, with exact terminal values put into it.</summary>
internal sealed class RelabelBySoftQWork : MatrixWork
{
    private readonly TransitionBatch _batch;
    private readonly TaskFamily _family;
    private readonly Relabeler _relabeler;
    private readonly float[] _tasks;

    public RelabelBySoftQWork(BenchmarkCase benchmark, KernelBackend backend, int threads)
        : base(benchmark, backend, threads)
    {
        _batch = BenchmarkData.Batch(benchmark.Shape, benchmark.Batch);
        _family = BenchmarkData.GoalFamily(benchmark.Shape);
        _tasks = BenchmarkData.Tasks(benchmark.Shape, benchmark.Candidates);
        _relabeler = new Relabeler(
            Session, _family, null,
            new RelabelOptions { RelabelFraction = 1, Compute = new ComputeOptions { Threads = threads } });
    }

    public override void Call() => _relabeler.RelabelBySoftQ(_batch, SoftQ.Span, _tasks);

    public override void Verify(BenchmarkCheck check)
    {
        uint call = _relabeler.Call;
        RelabelResult result = _relabeler.RelabelBySoftQ(_batch, SoftQ.Span, _tasks);
        int rows = Case.Batch, candidates = Case.Candidates, width = Case.Shape.TaskDimension;
        float[] expected = SoftQ.Span.ToArray(), reward = new float[expected.Length],
            terminated = new float[expected.Length];
        _family.EvaluatePairs(_batch.Transitions, _tasks, reward, terminated);
        for (int pair = 0; pair < expected.Length; pair++)
        {
            expected[pair] = terminated[pair] == 0 ? expected[pair] : reward[pair];
        }

        foreach (int task in BenchmarkCheck.Spread(candidates, 4))
        {
            check.LogPartition(
                [.. Enumerable.Range(0, rows).Select(row => (double)expected[(row * candidates) + task])], task,
                result.LogPartition);
        }

        TaskPosterior posterior = new()
        {
            SoftQ = expected,
            Rows = rows,
            Candidates = candidates,
            LogPartition = result.LogPartition,
            Temperature = 1,
            Seed = _relabeler.Options.Seed,
            Call = call,
        };
        foreach (int row in BenchmarkCheck.Spread(rows, 4))
        {
            int drawn = result.TaskIndex[row];
            check.Draw(posterior, row, drawn);
            check.Holds(
                _batch.Task.Slice(row * width, width).SequenceEqual(_tasks.AsSpan(drawn * width, width)),
                $"row {row} does not carry the task that it drew");
        }
    }

    public override void Dispose()
    {
        _relabeler.Dispose();
        _batch.Dispose();
        base.Dispose();
    }
}

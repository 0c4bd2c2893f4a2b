using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Benchmarking.Work;

/// <summary>A task for each row of a given matrix.</summary>
internal sealed class TaskSamplingWork(BenchmarkCase benchmark, KernelBackend backend, int threads)
    : MatrixWork(benchmark, backend, threads)
{
    private readonly float[] _logPartition = new float[benchmark.Candidates];
    private readonly int[] _index = new int[benchmark.Batch];
    private readonly int[] _mode = new int[benchmark.Batch];
    private readonly float[] _entropy = new float[benchmark.Batch];
    private readonly float[] _logNormalizer = new float[benchmark.Batch];
    private uint _call;

    private TaskPosterior Posterior => new()
    {
        SoftQ = SoftQ.Span,
        Rows = Case.Batch,
        Candidates = Case.Candidates,
        LogPartition = _logPartition,
        Temperature = 1,
        Seed = BenchmarkData.Seed,
        Call = _call,
    };

    public override void Call()
    {
        Session.TaskSampling.SampleTasks(
            Posterior,
            new TaskSamples { Index = _index, Mode = _mode, Entropy = _entropy, LogNormalizer = _logNormalizer });
        _call++;
    }

    public override void Verify(BenchmarkCheck check)
    {
        TaskPosterior posterior = Posterior;
        Call();
        foreach (int row in BenchmarkCheck.Spread(Case.Batch, 4))
        {
            check.Draw(posterior, row, _index[row]);
            double[] scores = [.. SoftQ.Slice(
                (long)row * Case.Candidates, Case.Candidates).ToArray().Select(q => (double)q)];
            double normalizer = check.ExpectedLogSumExp(scores);
            check.Close($"the log normalizer of row {row}", normalizer, _logNormalizer[row], check.Tolerance(scores));
        }
    }
}

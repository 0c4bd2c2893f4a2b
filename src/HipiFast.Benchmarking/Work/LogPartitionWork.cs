using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.Backends;

namespace HipiFast.Benchmarking.Work;

/// <summary>The log partition of a given matrix.</summary>
internal sealed class LogPartitionWork(BenchmarkCase benchmark, KernelBackend backend, int threads)
    : MatrixWork(benchmark, backend, threads)
{
    private readonly float[] _max = new float[benchmark.Candidates];
    private readonly float[] _sum = new float[benchmark.Candidates];
    private readonly float[] _logPartition = new float[benchmark.Candidates];

    public override void Call()
    {
        _max.AsSpan().Fill(float.NegativeInfinity);
        _sum.AsSpan().Clear();
        Session.LogPartition.Accumulate(SoftQ.Span, Case.Batch, Case.Candidates, _max, _sum);
        Session.LogPartition.Finish(_max, _sum, Case.Batch, _logPartition);
    }

    public override void Verify(BenchmarkCheck check)
    {
        Call();
        foreach (int task in BenchmarkCheck.Spread(Case.Candidates, 16))
        {
            double[] column = [.. Enumerable.Range(0, Case.Batch).Select(
                row => (double)SoftQ[((long)row * Case.Candidates) + task])];
            check.LogPartition(column, task, _logPartition);
        }
    }
}

using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Machine;
using HipiFast.Benchmarking.Timing;
using HipiFast.Benchmarking.Work;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Numerics;
using BenchmarkCase = HipiFast.Benchmarking.Cases.BenchmarkCase;

namespace HipiFast.Benchmarks;

/// <summary>
/// What the suites share: one <see cref="BenchmarkCase"/> as the parameters say, checked, with the peak measured beside
/// it.
/// </summary>
public abstract class KernelBenchmark
{
    // Bursts of the peak on either side of the measurement.
    private const int Bursts = 5;

    private readonly List<double> _peaks = [];
    private KernelBackend _backend = null!;
    private RegisterPeak? _peak;

    /// <summary>Most threads of a call; 0 for one per core.</summary>
    private protected virtual int MaxThreads => 0;

    private protected BenchmarkCase Prepared { get; private set; } = null!;

    private protected BenchmarkWork Work { get; private set; } = null!;

    /// <summary>Prepares the data, checks the first call's result against the oracle, and looks at the peak.</summary>
    private protected void Prepare(BenchmarkCase benchmark, string family)
    {
        int threads = MaxThreads > 0 ? MaxThreads : Environment.ProcessorCount;
        (Prepared, _backend) = (benchmark, BackendNames.Resolve(family));
        Work = BenchmarkWork.Create(benchmark, _backend, threads);
        Work.Verify(new BenchmarkCheck(benchmark, _backend));
        if (benchmark.HasPairs && _backend.MultiplyAddLoop is IMultiplyAddLoop loop)
        {
            _peak = new RegisterPeak(loop.Run, threads);
            MeasurePeak();
        }
    }

    /// <summary>Looks at the peak again, prints the numbers of the columns, and frees the data.</summary>
    private protected void Finish(params IEnumerable<(string Name, double Value)> more)
    {
        MeasurePeak();
        List<(string, double)> metrics = [.. more];
        if (Prepared.Candidates > 0)
        {
            metrics.Add(("pairs", (double)Prepared.Batch * Prepared.Candidates));
        }

        if (Prepared.Flops > 0)
        {
            metrics.Add(("gflop", Prepared.Flops * 1e-9));
        }

        if (_peaks.Count > 0)
        {
            metrics.Add(("peak_gflops", _peaks.Order().ElementAt(_peaks.Count / 2)));
        }

        BenchmarkMetrics.Print(metrics);
        Work.Dispose();
    }

    private void MeasurePeak()
    {
        for (int burst = 0; _peak is not null && burst < Bursts; burst++)
        {
            _peaks.Add(_peak.Burst(BenchmarkTimer.ShortestBurst));
        }
    }
}

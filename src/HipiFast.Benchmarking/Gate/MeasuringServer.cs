using System.Diagnostics;
using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Results;
using HipiFast.Benchmarking.Timing;
using HipiFast.Benchmarking.Work;
using HipiFast.Kernels.Backends;

namespace HipiFast.Benchmarking.Gate;

/// <summary>
/// The measured side of a paired run: prepares the benchmarks of <see cref="GateBenchmark"/>, lists them with the time
/// of each one's first call, and then answers each turn with what its calls took and allocated, until its input ends.
/// </summary>
internal static class MeasuringServer
{
    // The runtime compiles a method for good after 30 calls; a benchmark of long calls has made as many of everything
    // inside before.
    private const int WarmUpCalls = 40;
    private const double WarmUpSeconds = 20e-3;
    private const int MostCalls = 1 << 16;

    /// <summary>Prepares the benchmarks, lists them and measures turns until the input ends.</summary>
    /// <param name="backend">Backend of the benchmarks in fp32.</param>
    /// <param name="threads">Threads of a call, 1 or more.</param>
    /// <param name="filter">Only benchmarks whose name contains this.</param>
    /// <param name="verify">Whether each benchmark's result is checked first.</param>
    /// <param name="input">Turns, see <see cref="MeasuringProtocol"/>.</param>
    /// <param name="output">Receives the answers.</param>
    /// <exception cref="ArgumentException">No benchmark's name contains the filter.</exception>
    /// <exception cref="InvalidOperationException">A benchmark's result is wrong.</exception>
    /// <exception cref="InvalidDataException">A line is no turn.</exception>
    public static void Run(
        KernelBackend backend, int threads, string filter, bool verify, TextReader input, TextWriter output)
    {
        List<(string Name, BenchmarkWork Work, double FirstCall)> benchmarks = [];
        try
        {
            foreach ((string name, BenchmarkCase benchmark, KernelBackend chosen) in GateBenchmark.All(backend))
            {
                if (!name.Contains(filter, StringComparison.Ordinal))
                {
                    continue;
                }

                BenchmarkWork work = BenchmarkWork.Create(
                    benchmark, chosen, benchmark.Threads > 0 ? benchmark.Threads : threads);
                benchmarks.Add((name, work, double.NaN));
                if (verify)
                {
                    // Makes the first call, and much else.
                    work.Verify(new BenchmarkCheck(benchmark, chosen));
                }
                else
                {
                    long start = Stopwatch.GetTimestamp();
                    work.Call();
                    benchmarks[^1] = (name, work, Stopwatch.GetElapsedTime(start).TotalSeconds);
                }

                WarmUp(work);
            }

            if (benchmarks.Count == 0)
            {
                throw new ArgumentException($"--filter is '{filter}'; no benchmark's name contains that.");
            }

            Serve(benchmarks, input, output);
        }
        finally
        {
            benchmarks.ForEach(benchmark => benchmark.Work.Dispose());
        }
    }

    private static void WarmUp(BenchmarkWork work)
    {
        long start = Stopwatch.GetTimestamp();
        for (int call = 0; call < WarmUpCalls && (
            call < 2 || Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds); call++)
        {
            work.Call();
        }
    }

    private static void Serve(
        List<(string Name, BenchmarkWork Work, double FirstCall)> benchmarks, TextReader input, TextWriter output)
    {
        output.WriteLine(MeasuringProtocol.Greeting);
        foreach ((string name, _, double firstCall) in benchmarks)
        {
            output.WriteLine(MeasuringProtocol.Entry(name, firstCall));
        }

        output.WriteLine(MeasuringProtocol.Ready);
        output.Flush();
        double[] calls = new double[MostCalls];
        LatencyHistogram histogram = new();
        while (input.ReadLine() is string line)
        {
            (int index, double seconds) = MeasuringProtocol.ParseTurn(line, benchmarks.Count);
            output.WriteLine(
                MeasuringProtocol.Answer(Measure(benchmarks[index].Work, seconds, calls, histogram)));
            output.Flush();
        }
    }

    /// <summary>
    /// Calls for about so long, once at the least, after a call that brings the data back into the caches.
    /// </summary>
    private static MeasuredTurn Measure(
        BenchmarkWork work, double seconds, double[] calls, LatencyHistogram histogram)
    {
        work.Call();
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        long start = Stopwatch.GetTimestamp(), begin = start, limit = start + (long)(seconds * Stopwatch.Frequency);
        int count = 0;
        do
        {
            work.Call();
            long end = Stopwatch.GetTimestamp();
            calls[count++] = (end - begin) / (double)Stopwatch.Frequency;
            begin = end;
        }
        while (begin < limit && count < calls.Length);

        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        histogram.Clear();
        foreach (double call in calls.AsSpan(0, count))
        {
            histogram.Record((long)(call * 1e9));
        }

        return new MeasuredTurn(Spread.Of(calls.AsSpan(0, count)).Median, histogram, allocated);
    }
}

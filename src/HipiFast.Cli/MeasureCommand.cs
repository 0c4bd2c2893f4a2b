using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Gate;
using HipiFast.Benchmarking.Results;
using HipiFast.Benchmarking.Work;
using HipiFast.Kernels.Backends;

namespace HipiFast.Cli;

/// <summary>
/// <c>hipifast bench measure</c>, which <c>bench compare --paired</c> talks to: prepares the benchmarks of <see cref="GateBenchmark"/>, lists them,
/// and then answers each line <c>INDEX SECONDS</c> with the median time of a call, until its input ends.
/// </summary>
internal static class MeasureCommand
{
    // The runtime compiles a method for good after 30 calls; a benchmark of long calls has made as many of everything inside before.
    private const int WarmUpCalls = 40;
    private const double WarmUpSeconds = 20e-3;
    private const int MostCalls = 1 << 16;

    public static Command Create()
    {
        Option<string> backend = new("--backend") { HelpName = "NAME", DefaultValueFactory = _ => KernelRegistry.Auto };
        Option<int> threads = new("--threads") { HelpName = "N", DefaultValueFactory = _ => 1 };
        Option<string> filter = new("--filter") { HelpName = "TEXT", DefaultValueFactory = _ => string.Empty };
        Option<bool> verify = new("--verify");
        Command command = new("measure", "Measure benchmarks as another program tells.") { backend, threads, filter, verify };
        command.Hidden = true;
        command.SetAction(parsed => Run(
            OptionalComponents.RequireBackend(parsed.GetRequiredValue(backend), PrecisionMode.Auto),
            parsed.GetValue(threads) > 0 ? parsed.GetValue(threads) : Environment.ProcessorCount,
            parsed.GetRequiredValue(filter),
            parsed.GetValue(verify)));
        return command;
    }

    private static int Run(KernelBackend backend, int threads, string filter, bool verify)
    {
        List<(string Name, BenchmarkWork Work)> benchmarks = [];
        try
        {
            foreach ((string name, BenchmarkCase benchmark, KernelBackend chosen) in GateBenchmark.All(backend))
            {
                if (!name.Contains(filter, StringComparison.Ordinal))
                {
                    continue;
                }

                BenchmarkWork work = BenchmarkWork.Create(benchmark, chosen, benchmark.Threads > 0 ? benchmark.Threads : threads);
                benchmarks.Add((name, work));
                if (verify)
                {
                    work.Verify(new BenchmarkCheck(benchmark, chosen));
                }

                WarmUp(work);
            }

            if (benchmarks.Count == 0)
            {
                throw new ArgumentException($"--filter is '{filter}'; no benchmark's name contains that.");
            }

            Serve([.. benchmarks.Select(benchmark => benchmark.Name)], [.. benchmarks.Select(benchmark => benchmark.Work)]);
        }
        finally
        {
            benchmarks.ForEach(benchmark => benchmark.Work.Dispose());
        }

        return CommandLineProgram.Good;
    }

    private static void WarmUp(BenchmarkWork work)
    {
        long start = Stopwatch.GetTimestamp();
        for (int call = 0; call < WarmUpCalls && (call < 2 || Stopwatch.GetElapsedTime(start).TotalSeconds < WarmUpSeconds); call++)
        {
            work.Call();
        }
    }

    private static void Serve(string[] names, BenchmarkWork[] works)
    {
        Console.Out.WriteLine(MeasuringProtocol.Greeting);
        foreach (string name in names)
        {
            Console.Out.WriteLine(name);
        }

        Console.Out.WriteLine(MeasuringProtocol.Ready);
        Console.Out.Flush();
        double[] calls = new double[MostCalls];
        while (Console.In.ReadLine() is string line)
        {
            (int index, double seconds) = MeasuringProtocol.ParseTurn(line, works.Length);
            Console.Out.WriteLine(MedianCall(works[index], seconds, calls).ToString("R", CultureInfo.InvariantCulture));
            Console.Out.Flush();
        }
    }

    /// <summary>Calls for about so long, once at the least, after a call that brings the data back into the caches.</summary>
    private static double MedianCall(BenchmarkWork work, double seconds, double[] calls)
    {
        work.Call();
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

        return Spread.Of(calls.AsSpan(0, count)).Median;
    }
}

using System.Text.Json;
using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Machine;
using HipiFast.Benchmarking.Results;
using HipiFast.Storage;
using HipiFast.TorchSharp;

namespace HipiFast.TorchPeers;

/// <summary>
/// Prints how many times as fast as plain TorchSharp the engine is, both in one process and taking turns.
/// </summary>
internal static class Program
{
    private const int Good = 0, Failed = 1, BadUsage = 2;

    private const string Usage = """
        Usage: HipiFast.TorchPeers [--work relabel,soft-q,sac-step] [--size 32,256,1024] [--hidden 64,256]
                                   [--threads 1,2] [--rounds 7] [--json FILE]
        Relabel calls and soft-Q matrices by the estimator critic, S = 17, A = 6, P = 3, as many tasks as transitions;
        SAC steps of observation 20, action 6, batch 256, H 256. A number of threads is the most that either side may
        use; each takes its best. Default: relabel and sac-step, on 1 and 2 threads where there are cores for them.
        """;

    private static int Main(string[] args)
    {
        try
        {
            if (args is ["--help"] or ["-h"])
            {
                Console.WriteLine(Usage);
                return Good;
            }

            PeerArguments asked = PeerArguments.Read(args, Environment.ProcessorCount);
            if (asked.File is not null)
            {
                // Found out before the work, not after it.
                AtomicFile.RequireWritable(asked.File);
            }

            TorchRuntime.Require(TorchOptions.Cpu);
            Run(asked);
            return Good;
        }
        catch (ArgumentException error)
        {
            Console.Error.WriteLine($"HipiFast.TorchPeers: {error.Message}");
            return BadUsage;
        }
        catch (Exception error) when (
            error is NotSupportedException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"HipiFast.TorchPeers: {error.Message}");
            return Failed;
        }
    }

    private static void Run(PeerArguments asked)
    {
        PeerComparison comparison = new(asked.Rounds);
        Console.WriteLine(
            $"{MachineDescription.Processor}, {Environment.ProcessorCount} cores; {comparison.Variant} beside "
            + $"{TorchRuntime.Version}; {asked.Rounds} rounds{Load()}.");
        Console.WriteLine();
        Console.WriteLine(
            "| work | B = K | H | threads | HipiFast | eager | split | tiled | times the fastest in fp32 | torch bf16 "
            + "| times that, ours in bf16 |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        List<PeerComparisonResult> results = [];
        foreach (string work in asked.Works)
        {
            foreach (int count in asked.Threads)
            {
                foreach (BenchmarkCase benchmark in Cases(work, asked))
                {
                    PeerComparisonResult result = benchmark.HasPairs
                        ? comparison.Pairs(benchmark, count)
                        : comparison.Sac(benchmark, count);
                    results.Add(result);
                    Console.WriteLine(RowOf(result));
                }
            }
        }

        Console.WriteLine();
        Console.WriteLine(
            "Medians over rounds in which all take turns (in brackets the least and the most of the rounds' ratios); a "
            + $"tile's number is its pairs{Load()}.");
        if (asked.File is not null)
        {
            AtomicFile.Write(asked.File, stream => Save(stream, results));
        }
    }

    private static IEnumerable<BenchmarkCase> Cases(string work, PeerArguments asked) =>
        work == BenchmarkCase.SacStep
            ? [BenchmarkCase.SacSteps[^1]]
            : from size in asked.Sizes
              from width in asked.Widths
              select new BenchmarkCase(work, BenchmarkCase.PeerShape, size, size, width);

    private static string RowOf(PeerComparisonResult result)
    {
        string unit = result.Case.HasPairs ? "pairs/s" : "updates/s";
        Contestant[] fp32 = [.. result.Peers.Where(entry => !entry.IsBf16).Select(entry => entry.Peer)];
        Contestant fastest = result.Fastest(isBf16: false)!;
        Contestant? bf16 = result.Fastest(isBf16: true);
        string[] cells =
        [
            result.Case.Kernel, $"{result.Case.Batch}", $"{result.Case.Hidden}", $"{result.Threads}",
            Of(result.Ours),
            Of(fp32[0]), fp32.Length > 1 ? Of(fp32[1]) : string.Empty, fp32.Length > 2 ? Of(fp32[2]) : string.Empty,
            Ratio(result.Ours.TimesAsFastAs(fastest)),
            bf16 is null ? string.Empty : Of(bf16),
            bf16 is null || result.OursBf16 is null
                ? string.Empty
                : $"{Of(result.OursBf16)}: {Ratio(result.OursBf16.TimesAsFastAs(bf16))}",
        ];
        return $"| {string.Join(" | ", cells)} |";

        string Of(Contestant contestant) => $"{NumberText.Rate(1 / contestant.Median)}{unit} ({contestant.Name})";

        static string Ratio(Spread ratio) =>
            $"**{NumberText.Fixed(ratio.Median, 2)}** "
            + $"({NumberText.Fixed(ratio.Low, 2)}-{NumberText.Fixed(ratio.High, 2)})";
    }

    private static void Save(Stream stream, List<PeerComparisonResult> results)
    {
        using Utf8JsonWriter writer = new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        writer.WriteStartObject();
        MachineDescription.Write(writer);
        writer.WriteString("libtorch", TorchRuntime.Version);
        writer.WriteStartArray("rows");
        foreach (PeerComparisonResult result in results)
        {
            writer.WriteStartObject();
            writer.WriteString("name", result.Case.Name);
            writer.WriteNumber("threads", result.Threads);
            Write("hipifast", result.Ours);
            if (result.OursBf16 is not null)
            {
                Write("hipifast_bf16", result.OursBf16);
            }

            foreach ((Contestant peer, bool isBf16) in result.Peers)
            {
                Write($"torch_{(isBf16 ? "bf16" : "fp32")}_{peer.Name.Split(' ', ',')[0]}", peer);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();

        void Write(string name, Contestant contestant)
        {
            writer.WriteStartObject(name);
            writer.WriteString("setting", contestant.Name);
            writer.WriteStartArray("seconds_per_unit");
            foreach (double seconds in contestant.Turns)
            {
                writer.WriteNumberValue(seconds);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }
    }

    // How busy the machine is with other work, where it says so.
    private static string Load() => File.Exists("/proc/loadavg")
        ? $"; load {File.ReadAllText("/proc/loadavg").Split(' ')[0]}"
        : string.Empty;
}

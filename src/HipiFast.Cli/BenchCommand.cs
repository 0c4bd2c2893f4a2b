using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using HipiFast.Benchmarking.Cases;
using HipiFast.Benchmarking.Machine;
using HipiFast.Benchmarking.Results;
using HipiFast.Benchmarking.Throughput;
using HipiFast.Benchmarking.Timing;
using HipiFast.Environments;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Options;
using HipiFast.Training;

namespace HipiFast.Cli;

/// <summary><c>hipifast bench</c>: how fast the engine is on this machine, and whether it has become slower.</summary>
internal static class BenchCommand
{
    private const int UnlimitedRounds = 10_000;

    public static Command Create(Option<bool> json) =>
        new("bench", "Measure the engine on this machine, and compare measurements.")
        {
            CreateQuick(json),
            CreateRoofline(json),
            CreateEnvironments(json),
            BenchCompareCommand.Create(json),
            MeasureCommand.Create(),
            ScalingCommand.Create(json, Threads()),
            GpuBenchCommand.Create(json),
            LearnerBenchCommand.Create(json, Threads(), Seconds("Time spent on each case, in seconds.", 3)),
        };

    private static Command CreateQuick(Option<bool> json)
    {
        Option<string> backend = new("--backend")
        {
            Description = "Backend to measure: auto, or a name from `hipifast info`.",
            HelpName = "NAME",
            DefaultValueFactory = _ => KernelRegistry.Auto,
        };
        Option<string> precision = new("--precision")
        {
            Description = "Arithmetic of the soft Q-values; auto is fp32 unless the backend is one of bf16.",
            HelpName = "auto|fp32|bf16",
            DefaultValueFactory = _ => "auto",
        };
        Option<int> threads = Threads();
        Option<double?> seconds = new("--seconds")
        {
            Description = "Time spent on each case, in seconds. Default: what lets all of them take 50 seconds.",
            HelpName = "F",
        };
        seconds.Validators.Add(AtLeastZero);
        Option<string> filter = new("--filter")
        {
            Description = "Only cases whose name contains this.",
            HelpName = "TEXT",
            DefaultValueFactory = _ => string.Empty,
        };
        Option<string?> file = ResultFileOption();
        Command quick = new(
            "quick",
            "Soft-Q matrix, whole relabel calls, SAC steps: medians, and fractions of the multiply-add peak measured "
            + "beside them.")
        {
            backend, precision, threads, seconds, filter, file,
        };
        quick.SetAction(parsed =>
        {
            KernelBackend chosen = OptionalComponents.RequireBackend(
                parsed.GetRequiredValue(backend),
                Enumerated<PrecisionMode>("precision", parsed.GetRequiredValue(precision)));
            IReadOnlyList<BenchmarkCase> cases = QuickBenchmark.Matching(parsed.GetRequiredValue(filter));
            ConsoleOutput output = new(parsed.GetValue(json));
            using BenchmarkTimer timer = new(UnlimitedRounds, parsed.GetValue(seconds) ?? double.PositiveInfinity);
            return Run(output, timer, parsed.GetValue(file), machineThreads: null, () =>
            {
                int used = parsed.GetValue(threads);
                if (parsed.GetValue(seconds) is not null)
                {
                    return [.. cases.Select(benchmark => timer.Run(benchmark, chosen, used))];
                }

                Stopwatch watch = Stopwatch.StartNew();
                (IReadOnlyList<BenchmarkResult> found, IReadOnlyList<BenchmarkCase> leftOut) = QuickBenchmark.Run(
                    cases,
                    () => watch.Elapsed.TotalSeconds,
                    (benchmark, limit) =>
                    {
                        BenchmarkResult result = timer.Run(benchmark, chosen, used, limit);
                        return (result, result.MedianSeconds);
                    });
                foreach (BenchmarkCase benchmark in leftOut)
                {
                    output.Line(
                        $"Left out: {benchmark.Name}, which would take too long here (--seconds measures all).");
                }

                return found;
            });
        });
        return quick;
    }

    private static Command CreateRoofline(Option<bool> json)
    {
        Option<string?> kernel = List("--kernel", "Kernels to measure, separated by commas. Default: all.", string.Join(
            ",", BenchmarkCase.Kernels));
        Option<string?> backend = List(
            "--backend",
            "Backends to measure, separated by commas. Default: the soft-Q matrix on all of the processor that can run "
            + "here, the rest on the best.",
            "NAME");
        backend.Aliases.Add("--variant");
        Option<string?> estimator = List(
            "--estimator", "Estimators of soft-q and relabel, separated by commas.", "critic,soft-critic,bellman");
        Option<string?> size = List(
            "--size", "Transitions, and as many tasks, of soft-q and relabel, separated by commas.", "N");
        Option<string?> hidden = List(
            "--hidden", "Widths of the networks of soft-q and relabel, separated by commas.", "H");
        Option<int> rounds = new("--rounds")
        {
            Description = "Most rounds of peak, calls, peak.",
            HelpName = "N",
            DefaultValueFactory = _ => 9,
        };
        Option<int> threads = Threads();
        Option<double> seconds = Seconds(
            "Where calls are long: seconds after which a case has had rounds enough; 5 rounds are always made.", 3);
        Option<string?> file = ResultFileOption();
        rounds.Validators.Add(AtLeastZero);
        Command roofline = new(
            "roofline",
            "Every kernel beside the machine's peak of the same moment (multiply-adds, or memory bandwidth): rates and "
            + "fractions of the peak.")
        {
            kernel, backend, estimator, size, hidden, threads, rounds, seconds, file,
        };
        roofline.SetAction(parsed =>
        {
            string[] kernels = Split(parsed.GetValue(kernel));
            foreach (string name in kernels.Where(name => !BenchmarkCase.Kernels.Contains(name)))
            {
                throw new ArgumentException(
                    $"--kernel names '{name}'{NearestName.Suggestion(name, BenchmarkCase.Kernels)}.");
            }

            RooflineSelection selection = new()
            {
                Kernels = kernels.Length > 0 ? kernels : BenchmarkCase.Kernels,
                Backends = [.. Split(parsed.GetValue(backend)).Select(
                    name => OptionalComponents.RequireBackend(name, PrecisionMode.Auto))],
                Estimators = [.. Split(
                    parsed.GetValue(estimator)).Select(name => Enumerated<SoftQEstimator>("estimator", name))],
                Sizes = Numbers(size.Name, parsed.GetValue(size)),
                Hidden = Numbers(hidden.Name, parsed.GetValue(hidden)),
            };
            using BenchmarkTimer timer = new(parsed.GetValue(rounds), parsed.GetValue(seconds));
            int used = parsed.GetValue(threads);
            return Run(
                new ConsoleOutput(parsed.GetValue(json)),
                timer,
                parsed.GetValue(file),
                machineThreads: used > 0 ? used : Environment.ProcessorCount,
                () => [.. RooflineBenchmark.Cases(selection).Select(
                    entry => timer.Run(entry.Case, entry.Backend, used))]);
        });
        return roofline;
    }

    private static Command CreateEnvironments(Option<bool> json)
    {
        Option<string?> names = List(
            "--environment", "Environments to measure, separated by commas. Default: all that can run here.", "NAME");
        Option<int> copies = new("--copies")
        {
            Description = "Copies stepped together.",
            HelpName = "N",
            DefaultValueFactory = _ => 16,
        };
        Option<int> threads = Threads();
        Option<double> seconds = Seconds("Time spent on each environment, in seconds.", 1);
        Command environments = new(
            "environments",
            "Steps per second of every environment under random actions.")
        {
            names, EnvironmentAssembly.Option, copies, threads, seconds,
        };
        environments.SetAction(parsed =>
        {
            ConsoleOutput output = new(parsed.GetValue(json));
            string[] chosen = Split(parsed.GetValue(names));
            string[] known = [.. EnvironmentRegistry.Names.Select(entry => entry.Name)];
            foreach (string name in chosen.Where(name => !known.Contains(name)))
            {
                throw new ArgumentException($"--environment names '{name}'{NearestName.Suggestion(name, known)}.");
            }

            if (parsed.GetValue(copies) < 1)
            {
                throw new ArgumentException($"--copies is {parsed.GetValue(copies)}; expected 1 or more.");
            }

            List<EnvironmentBenchmark> results = [];
            string? missing = null;
            foreach (string name in chosen.Length > 0 ? chosen : known)
            {
                try
                {
                    results.Add(EnvironmentBenchmark.Measure(
                        name, parsed.GetValue(copies), parsed.GetValue(threads), parsed.GetValue(seconds)));
                }
                catch (NotSupportedException error) when (chosen.Length == 0)
                {
                    missing = error.Message;
                }
            }

            output.Table(EnvironmentBenchmark.Header, results.Select(result => result.Cells()));
            if (missing is not null)
            {
                output.Line("Left out: " + missing);
            }

            output.Document(writer =>
            {
                writer.WriteStartArray();
                results.ForEach(result => result.Write(writer));
                writer.WriteEndArray();
            });
            return CommandLineProgram.Good;
        });
        return environments;
    }

    private static int Run(
        ConsoleOutput output, BenchmarkTimer timer, string? file, int? machineThreads,
        Func<IReadOnlyList<BenchmarkResult>> measure)
    {
        if (file is not null)
        {
            OutputPath.RequireWritable(file);
        }

        IReadOnlyList<BenchmarkResult> results = measure();
        List<MachinePeak> peaks = [];
        if (machineThreads is int threads)
        {
            peaks.AddRange(MachinePeak.Measure(timer, results.Select(result => result.Backend).Distinct(), threads));
            output.Table(["peak", "variant", "threads", "rate (min-max)"], peaks.Select(peak => peak.Cells()));
            output.Line(string.Empty);
        }

        output.Table(BenchmarkResult.Header, results.Select(result => result.Cells()));
        output.Line(
            "Medians; the peak is measured right before and after the calls of each round, the fraction is the "
            + "median over the rounds.");
        output.Document(writer =>
        {
            writer.WriteStartArray();
            foreach (BenchmarkResult result in results)
            {
                result.Write(writer);
            }

            peaks.ForEach(peak => peak.Write(writer));
            writer.WriteEndArray();
        });
        if (file is not null)
        {
            BenchmarkResultFile.Save(file, results, peaks);
            output.Line($"wrote {file}");
        }

        return CommandLineProgram.Good;
    }

    private static Option<int> Threads()
    {
        Option<int> threads = new("--threads")
        {
            Description = "Threads; 0 for one per core. Cases about one thread use one.",
            HelpName = "N",
        };
        threads.Validators.Add(AtLeastZero);
        return threads;
    }

    private static Option<string?> ResultFileOption() =>
        new("--out")
        {
            Description = "Also write the raw measurements to this file, for bench compare.",
            HelpName = "FILE",
        };

    private static Option<double> Seconds(string description, double value)
    {
        Option<double> seconds = new("--seconds")
        {
            Description = description,
            HelpName = "F",
            DefaultValueFactory = _ => value,
        };
        seconds.Validators.Add(AtLeastZero);
        return seconds;
    }

    private static Option<string?> List(string name, string description, string help) =>
        new(name) { Description = description, HelpName = help };

    private static string[] Split(string? list) => list?.Split(',', StringSplitOptions.TrimEntries) ?? [];

    private static T Enumerated<T>(string key, string text)
        where T : struct, Enum => (T)OptionKeys<TrainingConfig>.Find(key).Parse(text)!;

    private static int[] Numbers(string option, string? list)
    {
        return [.. Split(list).Select(Number)];

        int Number(string text) => int.TryParse(
            text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is > 0 and <= 8192
            ? number
            : throw new ArgumentException(
                $"{option} is '{list}'; expected whole numbers from 1 to 8192, separated by commas.");
    }

    private static void AtLeastZero(OptionResult result)
    {
        if (result.Tokens.Count == 1 && double.TryParse(
            result.Tokens[0].Value, out double value) && !(value >= 0 && double.IsFinite(value)))
        {
            result.AddError(
                $"{result.Option.Name} is '{result.Tokens[0].Value}'; expected a finite number, 0 or more.");
        }
    }
}

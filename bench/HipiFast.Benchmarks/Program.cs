using System.Globalization;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace HipiFast.Benchmarks;

internal static class Program
{
    private const int Good = 0, Failed = 1, BadUsage = 2;

    /// <summary>
    /// <c>pendulum [SEED]</c> trains once and prints its speed; anything else goes to BenchmarkDotNet, but for
    /// <c>--isa</c> (<see cref="InstructionSets"/>). A benchmark that fails its check or breaks makes the exit code 1.
    /// </summary>
    private static int Main(string[] args)
    {
        if (args is ["pendulum", ..])
        {
            PendulumTraining.Run(args.Length > 1 ? ulong.Parse(args[1], CultureInfo.InvariantCulture) : 0);
            return Good;
        }

        try
        {
            (string[] left, Job[] jobs) = InstructionSets.Take(args);
            Summary[] summaries = [.. BenchmarkSwitcher.FromAssembly(
                typeof(Program).Assembly).Run(left, SuiteConfig.Create(jobs))];
            return summaries.All(summary => !summary.HasCriticalValidationErrors && summary.Reports.All(
                report => report.Success)) ? Good : Failed;
        }
        catch (ArgumentException error)
        {
            Console.Error.WriteLine($"HipiFast.Benchmarks: {error.Message}");
            return BadUsage;
        }
    }
}

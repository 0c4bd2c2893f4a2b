using BenchmarkDotNet.Jobs;

namespace HipiFast.Benchmarks;

/// <summary>
/// Instruction sets as jobs of the same benchmarks: the runtime is told in its environment to do without the better
/// ones.
/// </summary>
internal static class InstructionSets
{
    private static readonly (string Name, string? Without)[] s_all =
    [
        ("best", null), ("avx2", "DOTNET_EnableAVX512"), ("portable", "DOTNET_EnableAVX2"),
        ("scalar", "DOTNET_EnableHWIntrinsic"),
    ];

    /// <summary>Names that <c>--isa</c> takes.</summary>
    public static IEnumerable<string> Names => s_all.Select(set => set.Name);

    /// <summary>Takes <c>--isa A,B</c> (or <c>all</c>) and, with it, <c>--job J</c> out of the arguments.</summary>
    /// <param name="args">Arguments of the program.</param>
    /// <returns>What is left for BenchmarkDotNet, and the jobs; none without <c>--isa</c>.</returns>
    /// <exception cref="ArgumentException">An unknown name, or none.</exception>
    public static (string[] Left, Job[] Jobs) Take(string[] args)
    {
        List<string> left = [.. args];
        string? sets = TakeOption(left, "--isa");
        if (sets is null)
        {
            return (args, []);
        }

        Job job = TakeOption(left, "--job")?.ToLowerInvariant() switch
        {
            null or "default" => Job.Default,
            "dry" => Job.Dry,
            "short" => Job.ShortRun,
            "medium" => Job.MediumRun,
            "long" => Job.LongRun,
            string other =>
                throw new ArgumentException($"--job is '{other}'; expected dry, short, medium, long or default."),
        };
        return ([.. left], [.. (sets == "all" ? Names : sets.Split(',')).Select(name => With(job, name))]);
    }

    private static Job With(Job job, string name)
    {
        (string found, string? without) = s_all.FirstOrDefault(set => set.Name == name);
        return found is null
            ? throw new ArgumentException($"--isa names '{name}'; expected all, {string.Join(", ", Names)}.")
            : without is null ? job.WithId(found)
            : job.WithEnvironmentVariable(without, "0").WithId(found);
    }

    private static string? TakeOption(List<string> args, string name)
    {
        int at = args.IndexOf(name);
        if (at < 0)
        {
            return null;
        }

        string value = at + 1 < args.Count ? args[at + 1] : throw new ArgumentException($"{name} needs a value.");
        args.RemoveRange(at, 2);
        return value;
    }
}

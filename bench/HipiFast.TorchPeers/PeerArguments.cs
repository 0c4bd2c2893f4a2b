using System.Globalization;
using HipiFast.Benchmarking.Cases;

namespace HipiFast.TorchPeers;

/// <summary>What a command line asks for.</summary>
internal sealed record PeerArguments
{
    private const string Work = "--work", Size = "--size", Hidden = "--hidden", Thread = "--threads",
        Round = "--rounds", Json = "--json";

    private static readonly string[] s_options = [Work, Size, Hidden, Thread, Round, Json];

    /// <summary>Kinds of work, names of <see cref="BenchmarkCase"/>.</summary>
    public required IReadOnlyList<string> Works { get; init; }

    /// <summary>Transitions, and as many tasks.</summary>
    public required IReadOnlyList<int> Sizes { get; init; }

    /// <summary>Widths of the networks.</summary>
    public required IReadOnlyList<int> Widths { get; init; }

    /// <summary>Most threads of either side.</summary>
    public required IReadOnlyList<int> Threads { get; init; }

    /// <summary>Turns of each side.</summary>
    public required int Rounds { get; init; }

    /// <summary>File to write; null for none.</summary>
    public required string? File { get; init; }

    /// <summary>Reads a command line.</summary>
    /// <param name="args">Options and their values, in turn.</param>
    /// <param name="cores">Cores of the machine, the most threads.</param>
    /// <returns>What it asks for.</returns>
    /// <exception cref="ArgumentException">
    /// An option is unknown, or has no value or one out of its range: one sentence.
    /// </exception>
    public static PeerArguments Read(IReadOnlyList<string> args, int cores)
    {
        Dictionary<string, string> given = [];
        for (int i = 0; i < args.Count; i += 2)
        {
            if (!s_options.Contains(args[i]))
            {
                throw new ArgumentException($"Unknown option '{args[i]}'; --help lists them.");
            }

            string value = i + 1 < args.Count
                ? args[i + 1]
                : throw new ArgumentException($"{args[i]} needs a value.");
            if (!given.TryAdd(args[i], value))
            {
                throw new ArgumentException($"{args[i]} was given twice; expected it once.");
            }
        }

        string[] works = List(Work, $"{BenchmarkCase.Relabel},{BenchmarkCase.SacStep}");
        string? unknown = works.FirstOrDefault(
            work => work is not (BenchmarkCase.Relabel or BenchmarkCase.SoftQ or BenchmarkCase.SacStep));
        if (unknown is not null)
        {
            throw new ArgumentException($"{Work} names '{unknown}'; expected relabel, soft-q or sac-step.");
        }

        return new PeerArguments
        {
            Works = works,
            Sizes = Numbers(Size, "32,256,1024", 4096),
            Widths = Numbers(Hidden, "64,256", 1024),
            Threads = Numbers(Thread, cores > 1 ? "1,2" : "1", cores),
            Rounds = Number(Round, "7", 1000),
            File = given.GetValueOrDefault(Json),
        };

        string[] List(string name, string otherwise) => given.GetValueOrDefault(name, otherwise).Split(',');

        int[] Numbers(string name, string otherwise, int most) =>
        [
            .. List(name, otherwise).Select(
                text => TryParse(text, most, out int number)
                    ? number
                    : throw new ArgumentException(
                        $"{name} is '{given[name]}'; expected whole numbers from 1 to {most}, separated by commas.")),
        ];

        int Number(string name, string otherwise, int most) =>
            TryParse(given.GetValueOrDefault(name, otherwise), most, out int number)
                ? number
                : throw new ArgumentException(
                    $"{name} is '{given[name]}'; expected a whole number from 1 to {most}.");

        static bool TryParse(string text, int most, out int number) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number)
            && number >= 1 && number <= most;
    }
}

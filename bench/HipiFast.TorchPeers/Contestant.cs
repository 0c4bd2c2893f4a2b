using System.Diagnostics;
using HipiFast.Benchmarking.Results;

namespace HipiFast.TorchPeers;

/// <summary>One of the programs that take turns.</summary>
/// <param name="name">What it is called in the table.</param>
/// <param name="units">Pairs, or updates, that a call does.</param>
/// <param name="call">One call.</param>
/// <param name="begin">Done before a turn, outside the time: how many threads torch may use.</param>
internal sealed class Contestant(string name, double units, Action call, Action begin)
{
    // A longer call needs no second one beside it, and none before it to wake threads and warm caches.
    private const double LongCall = 50e-3;
    private const double TurnSeconds = 20e-3;

    private readonly List<double> _turns = [];
    private double _shortest = double.PositiveInfinity;

    /// <summary>What it is called.</summary>
    public string Name { get; } = name;

    /// <summary>Seconds for one unit in each turn, in their order.</summary>
    public IReadOnlyList<double> Turns => _turns;

    /// <summary>Seconds for one unit, the median over turns.</summary>
    public double Median => Spread.Of([.. _turns]).Median;

    /// <summary>Takes a turn.</summary>
    public void Turn() => _turns.Add(Measure());

    /// <summary>Makes calls for a turn's time.</summary>
    /// <returns>Seconds for one unit, the median over the calls.</returns>
    public double Measure()
    {
        begin();
        if (_shortest < LongCall || double.IsPositiveInfinity(_shortest))
        {
            Call();
        }

        List<double> calls = [];
        double spent = 0;
        while (calls.Count == 0 || spent < TurnSeconds)
        {
            double seconds = Call();
            calls.Add(seconds / units);
            spent += seconds;
        }

        return Spread.Of([.. calls]).Median;
    }

    private double Call()
    {
        long start = Stopwatch.GetTimestamp();
        call();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        _shortest = Math.Min(_shortest, seconds);
        return seconds;
    }

    /// <summary>Has contestants take turns, each round in another order.</summary>
    /// <param name="contestants">They.</param>
    /// <param name="rounds">Turns of each.</param>
    public static void TakeTurns(IReadOnlyList<Contestant> contestants, int rounds)
    {
        for (int round = 0; round < rounds; round++)
        {
            // Neighbours change with the rounds, too: every other one goes the other way.
            for (int i = 0; i < contestants.Count; i++)
            {
                int at = (round + i) % contestants.Count;
                contestants[round % 2 == 0 ? at : contestants.Count - 1 - at].Turn();
            }
        }
    }

    /// <summary>How many times as fast as another this was, round by round.</summary>
    /// <param name="other">The other.</param>
    /// <returns>Median and extremes over the rounds.</returns>
    public Spread TimesAsFastAs(Contestant other) =>
        Spread.Of([.. _turns.Zip(other._turns, (mine, theirs) => theirs / mine)]);
}

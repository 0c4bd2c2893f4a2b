using HipiFast.Benchmarking.Results;
using HipiFast.Benchmarking.Timing;

namespace HipiFast.Benchmarking.Gate;

/// <summary>What a paired run has measured of one benchmark, and what can be made of it.</summary>
internal sealed class PairedBenchmark
{
    private readonly List<double> _firstBefore = [], _firstAfter = [];

    /// <summary>The program before.</summary>
    public PairedSide Before { get; } = new();

    /// <summary>The program after.</summary>
    public PairedSide After { get; } = new();

    /// <summary>Median log ratio of each restart's turns.</summary>
    public List<double> Shifts { get; } = [];

    /// <summary>Begins a restart.</summary>
    /// <param name="firstBefore">Seconds of the first call before; NaN where it was not taken.</param>
    /// <param name="firstAfter">Seconds of the first call after.</param>
    public void Begin(double firstBefore, double firstAfter)
    {
        if (!double.IsNaN(firstBefore + firstAfter))
        {
            _firstBefore.Add(firstBefore);
            _firstAfter.Add(firstAfter);
        }

        Before.Begin();
        After.Begin();
    }

    /// <summary>The times that were measured on both sides, tested.</summary>
    /// <param name="name">The benchmark.</param>
    /// <param name="seed">Of the test of tails.</param>
    public IEnumerable<Contrast> Contrasts(string name, int seed)
    {
        yield return Of(
            Measure.Median, Medians.Of(Before.Medians), Medians.Of(After.Medians),
            LocationTests.SignedRank(Shifts), Shifts);
        if (Before.TellsCalls && After.TellsCalls
            && TailTest.Compare(Before.Calls, After.Calls, seed) is LocationShift tail)
        {
            yield return Of(Measure.Tail, Before.Tail, After.Tail, tail, []);
        }

        if (_firstBefore.Count > 0)
        {
            double[] shifts = [.. _firstBefore.Zip(_firstAfter, (early, late) => Math.Log(late / early))];
            yield return Of(
                Measure.FirstCall, Medians.Of(_firstBefore), Medians.Of(_firstAfter),
                LocationTests.SignedRank(shifts), shifts);
        }

        Contrast Of(
            Measure measure, double before, double after, LocationShift shift, IReadOnlyList<double> restarts) =>
            new(name, measure, before, after, shift, shift, restarts, null);
    }

    /// <summary>What a call allocates; null where either side does not tell.</summary>
    /// <param name="name">The benchmark.</param>
    public ComparedBenchmark? Allocations(string name) => Before.TellsCalls && After.TellsCalls
        ? Allocation.Compare(name, Before.BytesPerCall(), After.BytesPerCall())
        : null;
}

/// <summary>One program's side of a benchmark.</summary>
internal sealed class PairedSide
{
    private readonly List<List<double>> _bytes = [];

    /// <summary>Medians of all turns.</summary>
    public List<double> Medians { get; } = [];

    /// <summary>The calls of each restart.</summary>
    public List<LatencyHistogram> Calls { get; } = [];

    /// <summary>Whether the program tells calls and allocations, and not medians alone.</summary>
    public bool TellsCalls { get; private set; } = true;

    /// <summary>99th percentile over all calls, in seconds.</summary>
    public double Tail
    {
        get
        {
            LatencyHistogram all = new();
            Calls.ForEach(all.Add);
            return all.Percentile(TailTest.Share);
        }
    }

    /// <summary>
    /// Bytes that a call allocated in each restart: the median over its turns, for what the runtime allocates in one of
    /// them is no call's.
    /// </summary>
    public double[] BytesPerCall() => [.. _bytes.Select(Results.Medians.Of)];

    /// <summary>Begins a restart.</summary>
    public void Begin()
    {
        Calls.Add(new LatencyHistogram());
        _bytes.Add([]);
    }

    /// <summary>Adds a turn of the restart.</summary>
    /// <param name="turn">The turn.</param>
    public void Add(in MeasuredTurn turn)
    {
        Medians.Add(turn.MedianSeconds);
        TellsCalls &= turn.Calls is not null;
        if (turn.Calls is not null)
        {
            Calls[^1].Add(turn.Calls);
            _bytes[^1].Add(turn.AllocatedBytes / (double)turn.Calls.Count);
        }
    }
}

namespace HipiFast.Data.Linting;

/// <summary>
/// How far each entry of a state goes in a step, as histograms whose memory does not grow with the file: what is usual,
/// against which a jump shows.
/// </summary>
internal sealed class StepStatistics
{
    // Half an octave a bin, from 2^-64 to 2^64.
    private const int BinsPerOctave = 2;
    private const int Octaves = 128;
    private const int Bins = BinsPerOctave * Octaves;
    private const int SampledRows = 4096;
    private const int FewValues = 8;
    private const long FewSteps = 32;

    // Of images the first entries stand for all.
    private const int MostEntries = 4096;

    private readonly int _width;
    private readonly int[] _bins;
    private readonly HashSet<float>[] _distinct;
    private readonly long[] _moves;
    private readonly float[] _longest;
    private readonly float[] _high;
    private readonly float[] _usual;
    private long _sampled;

    /// <summary>Makes empty statistics.</summary>
    /// <param name="width">S, entries of a state.</param>
    public StepStatistics(int width)
    {
        _width = Math.Min(width, MostEntries);
        _bins = new int[_width * Bins];
        _distinct = [.. Enumerable.Range(0, _width).Select(_ => new HashSet<float>())];
        _moves = new long[_width];
        _longest = new float[_width];
        _high = new float[_width];
        _usual = new float[_width];
    }

    /// <summary>Whether any entry takes many values, so that two equal states are the same place.</summary>
    public bool HasContinuousStates => Enumerable.Range(0, _width).Any(IsContinuous);

    /// <summary>Looks at a state, as one of a sample that tells which entries take many values.</summary>
    public void Sample(ReadOnlySpan<float> state)
    {
        if (_sampled++ >= SampledRows)
        {
            return;
        }

        for (int i = 0; i < _width; i++)
        {
            if (_distinct[i].Count <= FewValues && float.IsFinite(state[i]))
            {
                _distinct[i].Add(state[i]);
            }
        }
    }

    /// <summary>Counts a step away from the ends of its episode.</summary>
    public void Add(ReadOnlySpan<float> from, ReadOnlySpan<float> to)
    {
        for (int i = 0; i < _width; i++)
        {
            float length = MathF.Abs(to[i] - from[i]);
            if (length > 0 && float.IsFinite(length))
            {
                int bin = (int)MathF.Floor((MathF.Log2(length) + (Octaves / 2)) * BinsPerOctave);
                _bins[(i * Bins) + Math.Clamp(bin, 0, Bins - 1)]++;
                _moves[i]++;
                _longest[i] = MathF.Max(_longest[i], length);
            }
        }
    }

    /// <summary>Ends the counting.</summary>
    public void Settle()
    {
        for (int i = 0; i < _width; i++)
        {
            // An entry of few values (a gripper, a one-hot room) jumps by nature; of few steps nothing is known.
            bool tells = IsContinuous(i) && _moves[i] >= FewSteps;
            _high[i] = tells ? Quantile(i, 0.99) : float.PositiveInfinity;
            _usual[i] = tells ? Quantile(i, 0.5) : float.PositiveInfinity;
            _longest[i] = tells ? _longest[i] : float.PositiveInfinity;
        }
    }

    /// <summary>The entry that goes farthest, compared with what 99 of 100 steps do not exceed.</summary>
    /// <returns>The entry, and how many times as far; 0 where nothing is known.</returns>
    public (int Entry, double Factor) OfUsual(ReadOnlySpan<float> from, ReadOnlySpan<float> to) => Largest(from, to, _high);

    /// <summary>The same compared with the longest step.</summary>
    public (int Entry, double Factor) OfLongest(ReadOnlySpan<float> from, ReadOnlySpan<float> to) =>
        Largest(from, to, _longest);

    /// <summary>Whether a state goes on where two others were going, in most of its entries.</summary>
    /// <param name="beforeThat">The first of the three.</param>
    /// <param name="before">The second.</param>
    /// <param name="state">The third.</param>
    public bool GoesOn(ReadOnlySpan<float> beforeThat, ReadOnlySpan<float> before, ReadOnlySpan<float> state)
    {
        int known = 0, goOn = 0;
        for (int i = 0; i < _width; i++)
        {
            if (float.IsFinite(_usual[i]))
            {
                float step = state[i] - before[i], turn = step - (before[i] - beforeThat[i]);
                known++;
                goOn += MathF.Abs(step) <= 3 * _usual[i] && MathF.Abs(turn) <= _usual[i] / 2 ? 1 : 0;
            }
        }

        return 2 * goOn > known;
    }

    private bool IsContinuous(int entry) => _distinct[entry].Count > FewValues;

    private (int Entry, double Factor) Largest(ReadOnlySpan<float> from, ReadOnlySpan<float> to, float[] unit)
    {
        (int Entry, double Factor) largest = (0, 0);
        for (int i = 0; i < _width; i++)
        {
            double factor = Math.Abs((double)to[i] - from[i]) / unit[i];
            if (factor > largest.Factor)
            {
                largest = (i, factor);
            }
        }

        return largest;
    }

    // The upper edge of the bin that holds it.
    private float Quantile(int entry, double share)
    {
        long seen = 0, wanted = (long)Math.Ceiling(share * _moves[entry]);
        for (int bin = 0; bin < Bins; bin++)
        {
            seen += _bins[(entry * Bins) + bin];
            if (seen >= wanted)
            {
                return MathF.Pow(2, ((bin + 1f) / BinsPerOctave) - (Octaves / 2));
            }
        }

        return float.PositiveInfinity;
    }
}

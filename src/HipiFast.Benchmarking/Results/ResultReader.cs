using System.Text.Json;
using HipiFast.Storage;

namespace HipiFast.Benchmarking.Results;

/// <summary>
/// Reads a result file in one pass over its bytes, of which it keeps names and measurements and nothing else: time and
/// memory go with the file's size, whatever is in it.
/// </summary>
/// <param name="path">The file, for errors.</param>
internal sealed class ResultReader(string path)
{
    /// <summary>Most measurements of one file, of all its benchmarks together.</summary>
    public const int MostMeasurements = 1 << 20;

    /// <summary>Most benchmarks of one file.</summary>
    public const int MostBenchmarks = 10_000;

    private readonly JsonScan _scan = new();
    private long _measurements;

    /// <summary>Tokens of JSON gone through so far: what the time goes with.</summary>
    public long Tokens => _scan.Tokens;

    /// <summary>Reads the whole text.</summary>
    /// <param name="utf8">The text.</param>
    /// <returns>As <see cref="ResultFile.Read"/>.</returns>
    /// <exception cref="InvalidDataException">It is foreign, or holds a measurement that is none.</exception>
    /// <exception cref="JsonException">It is not JSON.</exception>
    /// <exception cref="InvalidOperationException">A text in it is not Unicode.</exception>
    public (string Description, IReadOnlyList<BenchmarkMeasurement> Benchmarks) Read(ReadOnlySpan<byte> utf8)
    {
        Utf8JsonReader reader = new(utf8);
        string? format = null, version = null, commit = null, machine = null, host = null;
        List<OwnBenchmark>? own = null;
        List<ReportedBenchmark>? reported = null;
        _scan.Next(ref reader);
        bool isObject = _scan.IsObject(ref reader);
        while (isObject && _scan.Member(ref reader))
        {
            if (reader.ValueTextEquals("format"u8))
            {
                format = _scan.Text(ref reader);
            }
            else if (reader.ValueTextEquals("version"u8))
            {
                version = _scan.RawText(ref reader, utf8);
            }
            else if (reader.ValueTextEquals("commit"u8))
            {
                commit = _scan.Text(ref reader);
            }
            else if (reader.ValueTextEquals("machine"u8))
            {
                machine = _scan.TextWithin(ref reader, "processor"u8);
            }
            else if (reader.ValueTextEquals("HostEnvironmentInfo"u8))
            {
                host = _scan.TextWithin(ref reader, "ProcessorName"u8) ?? string.Empty;
            }
            else if (reader.ValueTextEquals("benchmarks"u8))
            {
                own = Items(ref reader, Own);
            }
            else if (reader.ValueTextEquals("Benchmarks"u8))
            {
                reported = Items(ref reader, Reported);
            }
            else
            {
                _scan.Skip(ref reader);
            }
        }

        // Anything but white space after the one value makes this throw.
        _scan.Next(ref reader);
        if (format == ResultFile.Format)
        {
            return (Join(machine, commit), Own(version, own));
        }

        return host is not null && reported is not null
            ? (host, [.. Reported(reported)])
            : throw new InvalidDataException(
                $"{path} is JSON but not benchmark results; expected a file of hipifast bench --out or a full report "
                + "of BenchmarkDotNet.");

        static string Join(params string?[] parts) =>
            string.Join(", ", parts.Where(part => !string.IsNullOrEmpty(part)));
    }

    private List<BenchmarkMeasurement> Own(string? version, List<OwnBenchmark>? benchmarks)
    {
        if (version != ResultFile.VersionText)
        {
            throw new InvalidDataException(
                $"{path} has version {version ?? "none"} of the result format; expected {ResultFile.VersionText}.");
        }

        if (benchmarks is null)
        {
            throw new InvalidDataException($"{path} has no array 'benchmarks'.");
        }

        return benchmarks.ConvertAll(benchmark =>
        {
            string name = benchmark.Name
                ?? throw new InvalidDataException($"{path} has a benchmark without a name.");
            if (benchmark.Seconds is not { Length: > 0 } seconds)
            {
                throw new InvalidDataException(
                    $"{path} has no raw measurements ('{ResultFile.Samples}') of {DisplayText.Quote(name)}.");
            }

            RequireTimes(name, seconds);
            double peak = double.IsNaN(benchmark.Peak) ? benchmark.Limit : benchmark.Peak;
            return new BenchmarkMeasurement(
                name, seconds, peak > 0 && double.IsFinite(peak) ? peak : null, Bytes(benchmark.Allocated));
        });
    }

    private IEnumerable<BenchmarkMeasurement> Reported(List<ReportedBenchmark> benchmarks)
    {
        HashSet<string> names = [];
        foreach (ReportedBenchmark benchmark in benchmarks)
        {
            string name = benchmark.FullName
                ?? throw new InvalidDataException($"{path} has a benchmark without a FullName.");

            // Several jobs of one benchmark share its full name; "Type.Method: Job(...) [parameters]" tells them apart.
            if (!names.Add(name))
            {
                string display = benchmark.DisplayInfo ?? string.Empty;
                int job = display.IndexOf(": ", StringComparison.Ordinal);
                name += job < 0 ? string.Empty : " " + display[(job + 2)..].Split('[')[0].Trim();
            }

            // Workload iterations with the overhead taken off; without those, as they were measured.
            List<double> seconds = benchmark.Results is { Count: 0 } ? benchmark.Actuals! : benchmark.Results
                ?? throw new InvalidDataException(
                    $"{path} has no raw measurements of {DisplayText.Quote(name)}; expected a full report of "
                    + "BenchmarkDotNet (its exporter JsonFull).");
            if (seconds.Count == 0)
            {
                throw new InvalidDataException(
                    $"{path} has no measurement of {DisplayText.Quote(name)}; the benchmark failed or was cut short.");
            }

            RequireTimes(name, seconds);
            yield return new BenchmarkMeasurement(name, seconds, null, Bytes(benchmark.Allocated));
        }
    }

    private OwnBenchmark Own(ref Utf8JsonReader reader)
    {
        OwnBenchmark found = new() { Peak = double.NaN, Limit = double.NaN, Allocated = double.NaN };
        bool isObject = _scan.IsObject(ref reader);
        while (isObject && _scan.Member(ref reader))
        {
            if (reader.ValueTextEquals("name"u8))
            {
                found.Name = _scan.Text(ref reader);
            }
            else if (reader.ValueTextEquals(ResultFile.Samples))
            {
                found.Seconds = Numbers(ref reader);
            }
            else if (reader.ValueTextEquals("peak_gflops"u8))
            {
                found.Peak = _scan.Number(ref reader);
            }
            else if (reader.ValueTextEquals("limit_entries_per_s"u8))
            {
                found.Limit = _scan.Number(ref reader);
            }
            else if (reader.ValueTextEquals(ResultFile.Allocated))
            {
                found.Allocated = _scan.Number(ref reader);
            }
            else
            {
                _scan.Skip(ref reader);
            }
        }

        return found;
    }

    private ReportedBenchmark Reported(ref Utf8JsonReader reader)
    {
        ReportedBenchmark found = new() { Allocated = double.NaN };
        bool isObject = _scan.IsObject(ref reader);
        while (isObject && _scan.Member(ref reader))
        {
            if (reader.ValueTextEquals("FullName"u8))
            {
                found.FullName = _scan.Text(ref reader);
            }
            else if (reader.ValueTextEquals("DisplayInfo"u8))
            {
                found.DisplayInfo = _scan.Text(ref reader);
            }
            else if (reader.ValueTextEquals("Memory"u8))
            {
                found.Allocated = _scan.NumberWithin(ref reader, "BytesAllocatedPerOperation"u8);
            }
            else if (reader.ValueTextEquals("Measurements"u8))
            {
                (found.Results, found.Actuals) = Measurements(ref reader);
            }
            else
            {
                _scan.Skip(ref reader);
            }
        }

        return found;
    }

    private (List<double>? Results, List<double>? Actuals) Measurements(ref Utf8JsonReader reader)
    {
        _scan.Next(ref reader);
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            _scan.SkipValue(ref reader);
            return (null, null);
        }

        List<double> results = [], actuals = [];
        for (_scan.Next(ref reader); reader.TokenType != JsonTokenType.EndArray; _scan.Next(ref reader))
        {
            bool isWorkload = false, isResult = false, isActual = false;
            double nanoseconds = double.NaN, operations = double.NaN;
            bool isObject = _scan.IsObject(ref reader);
            while (isObject && _scan.Member(ref reader))
            {
                if (reader.ValueTextEquals("IterationMode"u8))
                {
                    _scan.Next(ref reader);
                    isWorkload = reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("Workload"u8);
                    _scan.SkipValue(ref reader);
                }
                else if (reader.ValueTextEquals("IterationStage"u8))
                {
                    _scan.Next(ref reader);
                    bool isText = reader.TokenType == JsonTokenType.String;
                    isResult = isText && reader.ValueTextEquals("Result"u8);
                    isActual = isText && reader.ValueTextEquals("Actual"u8);
                    _scan.SkipValue(ref reader);
                }
                else if (reader.ValueTextEquals("Nanoseconds"u8))
                {
                    nanoseconds = _scan.Number(ref reader);
                }
                else if (reader.ValueTextEquals("Operations"u8))
                {
                    operations = _scan.Number(ref reader);
                }
                else
                {
                    _scan.Skip(ref reader);
                }
            }

            if (isWorkload && (isResult || isActual))
            {
                RequireRoom(1);
                (isResult ? results : actuals).Add(nanoseconds * 1e-9 / operations);
            }
        }

        return (results, actuals);
    }

    private double[]? Numbers(ref Utf8JsonReader reader)
    {
        _scan.Next(ref reader);
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            _scan.SkipValue(ref reader);
            return null;
        }

        // Counted first: a list that grows would take twice its numbers.
        Utf8JsonReader ahead = reader;
        int count = 0;
        for (_scan.Next(ref ahead); ahead.TokenType != JsonTokenType.EndArray; _scan.Next(ref ahead))
        {
            _scan.SkipValue(ref ahead);
            count++;
        }

        RequireRoom(count);
        double[] numbers = new double[count];
        _scan.Next(ref reader);
        foreach (ref double number in numbers.AsSpan())
        {
            number = reader.TokenType == JsonTokenType.Number ? reader.GetDouble() : double.NaN;
            _scan.SkipValue(ref reader);
            _scan.Next(ref reader);
        }

        return numbers;
    }

    private void RequireRoom(int measurements)
    {
        if ((_measurements += measurements) > MostMeasurements)
        {
            throw new InvalidDataException($"{path} has more than {MostMeasurements} measurements; expected fewer.");
        }
    }

    private List<T>? Items<T>(ref Utf8JsonReader reader, JsonScan.Reader<T> read)
    {
        _scan.Next(ref reader);
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            _scan.SkipValue(ref reader);
            return null;
        }

        List<T> items = [];
        for (_scan.Next(ref reader); reader.TokenType != JsonTokenType.EndArray; _scan.Next(ref reader))
        {
            if (items.Count == MostBenchmarks)
            {
                throw new InvalidDataException($"{path} has more than {MostBenchmarks} benchmarks; expected fewer.");
            }

            items.Add(read(ref reader));
        }

        return items;
    }

    private void RequireTimes(string name, IEnumerable<double> seconds)
    {
        if (seconds.Any(value => !(value > 0 && double.IsFinite(value))))
        {
            throw new InvalidDataException(
                $"{path} has a measurement of {DisplayText.Quote(name)} that is not a time above 0.");
        }
    }

    private static double? Bytes(double allocated) => allocated >= 0 && double.IsFinite(allocated) ? allocated : null;

    private struct OwnBenchmark
    {
        public string? Name;
        public double[]? Seconds;
        public double Peak, Limit, Allocated;
    }

    private struct ReportedBenchmark
    {
        public string? FullName, DisplayInfo;
        public List<double>? Results, Actuals;
        public double Allocated;
    }
}

using System.Text;
using HipiFast.Benchmarking.Results;
using HipiFast.Testing;

namespace HipiFast.Benchmarking.Tests.Results;

/// <summary>Whatever a result file holds, time and memory go with its size.</summary>
public sealed class ResultReaderTests : IDisposable
{
    // Of a file as large as is read, this is nothing; of a small one it is what the runtime takes anyway.
    private const long FixedAllowance = 8 << 20;

    private readonly TemporaryResults _files = new();

    public static TheoryData<string> Shapes =>
        ["samples", "ones", "benchmarks", "members", "nested", "repeated", "name", "report", "strings"];

    public void Dispose() => _files.Dispose();

    [Theory]
    [MemberData(nameof(Shapes))]
    public void TwiceTheFileIsTwiceTheWork(string shape)
    {
        foreach (int size in (int[])[100, 1000, 3000])
        {
            long once = Tokens(Text(shape, size)), twice = Tokens(Text(shape, 2 * size));
            Assert.InRange(twice, once, (2 * once) + 20);
        }

        static long Tokens(string text)
        {
            ResultReader reader = new("file");
            reader.Read(Encoding.UTF8.GetBytes(text));
            return reader.Tokens;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void MemoryIsAtMostFourTimesTheFile(string shape)
    {
        // What is read, and of some shapes more than that. Short numbers take the most per byte; of so many, a list
        // that grows would take more than the allowance.
        foreach (int size in (int[])[9_000, shape == "ones" ? 1_000_000 : 200_000])
        {
            string path = _files.Write("large.json", Text(shape, size));
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Assert.NotEmpty(ResultFile.Read(path).Benchmarks);
            }
            catch (InvalidDataException error)
            {
                Assert.Contains("expected", error.Message, StringComparison.Ordinal);
            }

            long allocated = GC.GetAllocatedBytesForCurrentThread() - before, length = new FileInfo(path).Length;
            Assert.True(
                allocated <= (4 * length) + FixedAllowance, $"{allocated} bytes for a {shape} file of {length}.");
        }
    }

    [Fact]
    public void MoreThanAFileMayHoldIsRefused()
    {
        Refused(
            Text("ones", ResultReader.MostMeasurements + 1),
            "has more than 1048576 measurements; expected fewer.");
        Refused(Text("benchmarks", ResultReader.MostBenchmarks + 1), "has more than 10000 benchmarks; expected fewer.");
        Assert.Equal(10_000, ResultFile.Read(_files.Write("most.json", Text("benchmarks", 10_000))).Benchmarks.Count);

        void Refused(string text, string expected) => Assert.EndsWith(
            expected,
            Assert.Throws<InvalidDataException>(() => ResultFile.Read(_files.Write("much.json", text))).Message);
    }

    [Fact]
    public void MembersMayStandInAnyOrderAndUnknownOnesArePassedOver()
    {
        string file = _files.Write(
            "order.json",
            """
            {"benchmarks": [{"x": {"name": "inner", "samples_s": [9]}, "samples_s": [1, 2], "allocated_bytes": 24,
              "y": [[1], {"a": 2}], "name": "a", "peak_gflops": 3}],
             "z": [{"benchmarks": []}], "machine": [1], "version": 1, "format": "hipifast-benchmarks"}
            """);
        BenchmarkMeasurement found = Assert.Single(ResultFile.Read(file).Benchmarks);
        Assert.Equal(("a", 3.0, 24.0), (found.Name, found.Peak!.Value, found.AllocatedBytes!.Value));
        Assert.Equal([1.0, 2.0], found.Seconds);
    }

    [Fact]
    public void AllocationsOfAReportOfBenchmarkDotNetAreRead()
    {
        string file = _files.Write("r-report-full.json", TemporaryResults.Report(
            """
            {"FullName": "A.B", "Memory": {"Gen0Collections": 1, "BytesAllocatedPerOperation": 320}, "Measurements":
              [{"IterationMode": "Workload", "IterationStage": "Result", "Operations": 1, "Nanoseconds": 3}]}
            """));
        Assert.Equal(320, ResultFile.Read(file).Benchmarks[0].AllocatedBytes);
    }

    // A file that is read where it is not too large, with so many of what its name says.
    private static string Text(string shape, int size) => shape switch
    {
        "samples" => Own(Benchmark("a", Repeat("0.0012345678901234", size))),
        "ones" => Own(Benchmark("a", Repeat("1", size))),
        "benchmarks" => Own(string.Join(',', Enumerable.Range(0, size).Select(i => Benchmark($"{i}", "1")))),
        "members" => Own($$"""{"name": "a", {{Repeat("\"b\": 1", size)}}, "samples_s": [1]}"""),
        "nested" => Own($$"""{"name": "a", "b": [{{Repeat("[[[[{\"c\": [1]}]]]]", size)}}], "samples_s": [1]}"""),
        "repeated" => Own($$"""{"name": "a", {{Repeat("\"samples_s\": [1, 2]", size)}}}"""),
        "name" => Own(Benchmark(new string('n', size), "1")),
        "strings" => Own(Benchmark("a", "1"), $$""", "commit": "{{new string('c', size)}}" """),
        _ => TemporaryResults.FullReport("A.B", [.. Enumerable.Repeat(1.5, size)]),
    };

    private static string Own(string benchmarks, string more = "") =>
        $$"""{"format": "hipifast-benchmarks", "version": 1, "benchmarks": [{{benchmarks}}]{{more}}}""";

    private static string Benchmark(string name, string samples) =>
        $$"""{"name": "{{name}}", "samples_s": [{{samples}}]}""";

    private static string Repeat(string text, int count) => string.Join(',', Enumerable.Repeat(text, count));
}

using HipiFast.Benchmarking.Results;
using HipiFast.Testing;

namespace HipiFast.Benchmarking.Tests.Results;

/// <summary>
/// Both kinds of result files are read; what is not one is refused in one sentence that names the file.
/// </summary>
public sealed class ResultSetTests : IDisposable
{
    private readonly TemporaryResults _files = new();

    public static TheoryData<string, string> BadFiles => new()
    {
        { string.Empty, "is empty or not a regular file; expected a file of benchmark results (JSON)" },
        { TemporaryResults.Results(("a", [1.0]))[..^20], "is not a JSON document" },
        { TemporaryResults.FullReport("A.B", 1, 2)[..^9], "is not a JSON document" },
        { "PNG", "is not a JSON document" },
        { "[]", "is JSON but not benchmark results" },
        { "17", "is JSON but not benchmark results" },
        { """{"name": "package.json"}""", "is JSON but not benchmark results" },
        { """{"format": "hipifast-benchmarks", "version": 2, "benchmarks": []}""", "version 2" },
        { """{"format": "hipifast-benchmarks", "benchmarks": []}""", "version" },
        { """{"format": "hipifast-benchmarks", "version": "1", "benchmarks": []}""", "has version \"1\" of the result "
            + "format; expected 1" },
        { """{"format": "hipifast-benchmarks", "version": 1.5, "benchmarks": []}""", "has version 1.5" },
        { """{"format": "hipifast-benchmarks", "version": 1, "benchmarks": [{"name": "\ud800", "samples_s": """
            + """[1]}]}""", "not valid Unicode" },
        { """{"format": "\udfff"}""", "not valid Unicode" },
        { TemporaryResults.Report("""{"FullName": "\ud800"}"""), "not valid Unicode" },
        { """{"format": "hipifast-benchmarks", "version": 1}""", "no array 'benchmarks'" },
        { """{"format": "hipifast-benchmarks", "version": 1, "benchmarks": []}""", "holds no benchmark" },
        { """{"format": "hipifast-benchmarks", "version": 1, "benchmarks": [{"samples_s": [1]}]}""", "without a name" },
        { """{"format": "hipifast-benchmarks", "version": 1, "benchmarks": [5]}""", "without a name" },
        { """{"format": "hipifast-benchmarks", "version": 1, "benchmarks": [{"name": "a"}]}""", "no raw measurements" },
        { """{"format": "hipifast-benchmarks", "version": 1, "benchmarks": [{"name": "a", "samples_s": """
            + """[]}]}""", "no raw measurements" },
        { """{"format": "hipifast-benchmarks", "version": 1, "benchmarks": [{"name": "a", "samples_s": """
            + """["1"]}]}""", "not a time above 0" },
        { TemporaryResults.Results(("a", [1.0, 0])), "not a time above 0" },
        { TemporaryResults.Results(("a", [1.0, -1])), "not a time above 0" },
        { TemporaryResults.Results(("a", [1.0]), ("a", [2.0])), "repeats the benchmark 'a'" },
        { TemporaryResults.Report(string.Empty), "holds no benchmark" },
        { TemporaryResults.Report("""{"DisplayInfo": "x"}"""), "without a FullName" },
        { TemporaryResults.Report(
            """{"FullName": "A.B", "Statistics": {"Median": 3}}"""), "no raw measurements of 'A.B'" },
        { TemporaryResults.FullReport("A.B", -1), "not a time above 0" },
        { TemporaryResults.Report("""{"FullName": "A.B", "Measurements": []}"""), "no measurement of 'A.B'" },
        {
            TemporaryResults.Report(
                """
                {"FullName": "A.B", "Measurements": [
                  {"IterationMode": "Workload", "IterationStage": "Result", "Nanoseconds": 3}]}
                """),
            "not a time above 0"
        },
    };

    [Fact]
    public void OurOwnFilesAreRead()
    {
        ResultSet set = ResultSet.Load(_files.WriteResults("r.json", ("a", [1e-3, 2e-3]), ("b", [5e-9])));
        Assert.Equal("a processor, abc123", set.Description);
        Assert.Equal(["a", "b"], set.Benchmarks.Keys.Order());
        Assert.Equal([1e-3, 2e-3], set.Benchmarks["a"].Seconds);
    }

    [Fact]
    public void FullReportsOfBenchmarkDotNetAreReadPerOperation()
    {
        ResultSet set = ResultSet.Load(
            _files.Write("X-report-full-compressed.json", TemporaryResults.FullReport("A.B(Size: 3)", 120, 125, 130)));
        Assert.Equal(
            [120e-9, 125e-9, 130e-9], set.Benchmarks["A.B(Size: 3)"].Seconds, (x, y) => Math.Abs(x - y) < 1e-15);
    }

    [Fact]
    public void WithoutResultsTheMeasurementsAreTaken()
    {
        string file = _files.Write("X-report-full.json", TemporaryResults.FullReport("A.B"));
        Assert.Equal(88888e-9 / 16, ResultSet.Load(file).Benchmarks["A.B"].Seconds.Single(), 1e-15);
    }

    [Fact]
    public void JobsOfOneBenchmarkStayApart()
    {
        const string Measurements =
            """[{"IterationMode": "Workload", "IterationStage": "Result", "Operations": 1, "Nanoseconds": 3}]""";
        string file = _files.Write("X-report-full.json", TemporaryResults.Report(
            $$"""
            {"FullName": "A.B(Size: 3)", "DisplayInfo": "A.B: best(Run=1) [Size=3]", "Measurements": {{Measurements}}},
            {"FullName": "A.B(Size: 3)", "DisplayInfo": "A.B: avx2(Run=1) [Size=3]", "Measurements": {{Measurements}}}
            """));
        Assert.Equal(["A.B(Size: 3)", "A.B(Size: 3) avx2(Run=1)"], ResultSet.Load(file).Benchmarks.Keys.Order());
    }

    [Fact]
    public void AFolderIsOneResultSet()
    {
        _files.Write("artifacts/results/A-report-full.json", TemporaryResults.FullReport("A", 1));
        _files.Write("artifacts/results/B-report-full.json", TemporaryResults.FullReport("B", 1));
        _files.Write("artifacts/results/B-report-brief.json", "{}");
        Assert.Equal(["A", "B"], ResultSet.Load(_files["artifacts"]).Benchmarks.Keys.Order());
        Assert.Equal(["A", "B"], ResultSet.Load(_files["artifacts/results"]).Benchmarks.Keys.Order());
        _files.WriteResults("own/1.json", ("a", [1.0]));
        _files.WriteResults("own/2.json", ("b", [1.0]));
        Assert.Equal(["a", "b"], ResultSet.Load(_files["own"]).Benchmarks.Keys.Order());
        _files.WriteResults("own/3.json", ("a", [1.0]));
        Assert.Contains("repeats", Assert.Throws<InvalidDataException>(
            () => ResultSet.Load(_files["own"])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(BadFiles))]
    public void TruncatedAndForeignFilesAreRefused(string text, string expected)
    {
        string file = _files.Write("bad.json", text);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => ResultSet.Load(file));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void MissingFilesAndEmptyFoldersAreRefused()
    {
        Assert.Contains("neither a file nor a folder", Assert.Throws<FileNotFoundException>(
            () => ResultSet.Load(_files["nothing"])).Message);
        Directory.CreateDirectory(_files["empty"]);
        Assert.Contains("holds no benchmark results", Assert.Throws<InvalidDataException>(
            () => ResultSet.Load(_files["empty"])).Message);
    }

    public void Dispose() => _files.Dispose();
}

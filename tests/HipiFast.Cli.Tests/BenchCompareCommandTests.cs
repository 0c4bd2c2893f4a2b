using System.Text.Json;
using HipiFast.Testing;

namespace HipiFast.Cli.Tests;

/// <summary>The gate as a command: exit codes, and one sentence for whatever is wrong.</summary>
public sealed class BenchCompareCommandTests : IDisposable
{
    private readonly TemporaryResults _files = new();

    [Fact]
    public void ARegressionIsExitCodeOne()
    {
        string before = _files.WriteResults(
            "a.json", ("x", Steady(1))), after = _files.WriteResults("b.json", ("x", Steady(1.2)));
        Assert.Equal(1, Run(before, after).ExitCode);
        Assert.Equal(0, Run(after, before).ExitCode);
        Assert.Equal(0, Run(before, before).ExitCode);
        Assert.Equal(0, Run(before, after, "--threshold", "25").ExitCode);
        Assert.Equal(0, Run(before, after, "--noise-floor", "1e9").ExitCode);
        Assert.Equal(0, Run(before, after, "--significance", "1e-30").ExitCode);
    }

    [Fact]
    public void TheThreeFormsShowIt()
    {
        string before = _files.WriteResults(
            "a.json", ("x", Steady(1))), after = _files.WriteResults("b.json", ("x", Steady(1.2)));
        Assert.StartsWith("        benchmark", Run(before, after).Output, StringComparison.Ordinal);
        Assert.Contains(
            "| slower | x | median | 1.00 s |", Run(before, after, "--markdown").Output, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(Run(before, after, "--json").Output);
        Assert.Equal("slower", json.RootElement.GetProperty("benchmarks")[0].GetProperty("verdict").GetString());
    }

    [Fact]
    public void WhateverIsWrongIsOneSentenceAndExitCodeTwo()
    {
        string good = _files.WriteResults(
            "good.json", ("x", [1.0])), other = _files.WriteResults("other.json", ("y", [1.0]));
        string truncated = _files.Write(
            "truncated.json", File.ReadAllText(good)[..40]), foreign = _files.Write("foreign.json", "{\"a\": 1}");
        Directory.CreateDirectory(_files["empty"]);
        _files.Write("broken/HipiFast.Cli.dll", "not a program");
        Refused("not a JSON document", good, truncated);
        Refused("not benchmark results", foreign, good);
        Refused("no benchmark in common", good, other);
        Refused("neither a file nor a folder", good, _files["missing"]);
        Refused("holds no benchmark results", _files["empty"], good);
        Refused("There is no folder", _files["missing"], _files["empty"], "--paired");
        Refused("holds no HipiFast.Cli.dll", _files["empty"], _files["empty"], "--paired");
        Refused("The program in", _files["broken"], _files["broken"], "--paired");
        Refused("--paired", good, good, "--restarts", "3");
        Refused("--paired", good, good, "--filter", "x");
        Refused("threshold", good, good, "--threshold", "-5");
        Refused("restarts", _files["broken"], _files["broken"], "--paired", "--restarts", "1");
        Refused("--threshold", good, good, "--threshold", "abc");
        Refused("--paiired", good, good, "--paiired");
    }

    public void Dispose() => _files.Dispose();

    private static double[] Steady(double seconds) =>
        [.. Enumerable.Range(0, 10).Select(i => seconds * (1 + (i * 1e-4)))];

    private static void Refused(string expected, params string[] args)
    {
        (int exitCode, string output, string error) = Run(args);
        Assert.Equal((2, string.Empty), (exitCode, output));
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    private static ProcessResult Run(params string[] args) => HipifastProgram.Run(["bench", "compare", .. args]);
}

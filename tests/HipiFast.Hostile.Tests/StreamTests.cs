using HipiFast.Testing;

namespace HipiFast.Hostile.Tests;

/// <summary>Standard streams that are closed, or on a full disk: the work goes on and is saved.</summary>
public sealed class StreamTests : IDisposable
{
    private const string InMount = "unshare --mount --map-root-user sh -c";
    private const string Mount = "mount -t tmpfs -o size=40k tmpfs";

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [UnixTheory]
    [InlineData(">&-", "it is closed")]
    [InlineData(">/dev/full", "No space left on device")]
    [InlineData(">&- 2>&-", null)]
    [InlineData("<&- >&- 2>&-", null)]
    [InlineData(">/dev/full 2>/dev/full", null)]
    public void ARunSurvivesTheLossOfItsStreams(string redirection, string? reason)
    {
        ProcessResult result = HostileProgram.Shell(
            _directory.Root, $"$HIPIFAST {HostileProgram.Tiny} --out run {redirection}");
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(
            reason is null
                ? string.Empty
                : $"hipifast: Standard output cannot be written ({reason}); what would be shown from here on is "
                    + "lost.\n",
            result.Error);
        Assert.StartsWith("300,", File.ReadLines(_directory["run/metrics.csv"]).Last());
        Assert.True(File.Exists(_directory["run/checkpoint/state.safetensors"]));
        Assert.DoesNotContain(
            "seed", string.Join('\n', Directory.EnumerateFiles(_directory["run"], "*.csv").Select(File.ReadAllText)));
    }

    [UnixTheory]
    [InlineData("info >/dev/full")]
    [InlineData("info >&-")]
    [InlineData("info --json >/dev/full")]
    public void ACommandWhoseResultIsWhatItPrintsFailsWithIt(string command)
    {
        ProcessResult result = HostileProgram.Shell(_directory.Root, "$HIPIFAST " + command);
        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("hipifast: Standard output cannot be written (", result.Error);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    [UnixTheory]
    [InlineData("train --nonsense 2>&-")]
    [InlineData("train --nonsense 2>/dev/full")]
    [InlineData("train --nonsense <&- >&- 2>&-")]
    public void AnErrorThatNobodyHearsStillHasItsExitCode(string command) =>
        Assert.Equal(2, HostileProgram.Shell(_directory.Root, "$HIPIFAST " + command).ExitCode);

    [ProbedFact(InMount + " '" + Mount + " /tmp'", "A small disk cannot be mounted here.")]
    public void AFullDiskIsAFailureOfTheMachine()
    {
        ProcessResult result = HostileProgram.Shell(
            _directory.Root,
            $"mkdir disk; {InMount} '{Mount} disk && $HIPIFAST {HostileProgram.Tiny} --out disk/run; code=$?; "
            + "ls -R disk >&2; exit $code'");
        string[] lines = result.Error.TrimEnd().Split('\n');
        Assert.Equal(
            (1, "hipifast: 'disk/run/checkpoint/state.safetensors' cannot be written: No space left on device."),
            (result.ExitCode, lines[0]));
        Assert.DoesNotContain(lines[1..], line => line.EndsWith(".tmp", StringComparison.Ordinal));
        Assert.Contains("metrics.csv", lines);
    }
}

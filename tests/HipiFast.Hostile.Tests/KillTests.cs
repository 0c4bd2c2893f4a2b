using System.Diagnostics;
using HipiFast.Testing;

namespace HipiFast.Hostile.Tests;

/// <summary>
/// Every command that writes, killed at random moments and started again, ends with the files of one that was left
/// alone, and leaves no others.
/// </summary>
public sealed class KillTests : IClassFixture<KillTests.Inputs>, IDisposable
{
    private const string Demonstrations = "../inputs/clone/demonstrations.safetensors";
    private const string Fit = "--max-epochs 3 --hidden 8 --episodes 5";

    private readonly Inputs _inputs;
    private readonly string _root;

    public KillTests(Inputs inputs)
    {
        _inputs = inputs;
        _root = Path.Combine(inputs.Directory.Root, Path.GetRandomFileName());
        Directory.CreateDirectory(_root);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [UnixFact]
    public void Train() => KillAndRestart(
        HostileProgram.Tiny + " --checkpoint-every 50 --out OUT", "train --resume OUT", "OUT/config.json",
        "OUT/checkpoint/state", "metrics.csv");

    [UnixFact]
    public void TrainSeveralSeedsIntoADirectoryThatIsThere()
    {
        Directory.CreateDirectory(Path.Combine(_root, "whole"));
        Directory.CreateDirectory(Path.Combine(_root, "killed"));
        KillAndRestart(
            HostileProgram.Tiny + " --seeds 1,2 --out OUT", "train --resume OUT", "OUT/seed-2/config.json",
            "OUT/seed-2/checkpoint/state", "seed-1/metrics.csv", "seed-2/metrics.csv");
    }

    [UnixFact]
    public void Clone() => KillAndRestart(
        $"clone gridworld --agent ../inputs/run --trajectories 20 {Fit} --out OUT", null, "OUT/result.json",
        "OUT", "policy.safetensors", "epochs.csv", "result.json", "demonstrations.safetensors");

    [UnixFact]
    public void Relabel() => KillAndRestart(
        $"relabel --transitions {Demonstrations} --agent ../inputs/run/checkpoint/agent.safetensors --dump "
        + "soft-q,posterior --out OUT.safetensors",
        null, null, "OUT", ".safetensors");

    [UnixFact]
    public void Reproduce() =>
        KillAndRestart("reproduce fig4 --quick --seeds 3 --out OUT", null, null, "OUT", "report.html", "figure.json");

    [UnixFact]
    public void Bench() => KillAndRestart(
        "bench roofline --kernel task-sampling --rounds 1 --seconds 0 --threads 1 --out OUT.json", null, null, "OUT");

    /// <summary>
    /// Runs a command whole; then kills it at random moments of such a time, or of that of its work, each time starting
    /// it again, and lets the last one end.
    /// </summary>
    /// <param name="command">The command; OUT stands for the output.</param>
    /// <param name="again">What continues it; the command itself when null.</param>
    /// <param name="begun">
    /// The file that tells whether there is something to be continued, and, without a continuing command, whether it is
    /// done.
    /// </param>
    /// <param name="work">How the files begin whose writing tells that the command is at its work.</param>
    /// <param name="files">Files below OUT (or endings of it) that must be the same in the end.</param>
    private void KillAndRestart(string command, string? again, string? begun, string work, params string[] files)
    {
        Stopwatch watch = Stopwatch.StartNew();
        using ChildProcess undisturbed = HostileProgram.StartProgram(_root, In(command, "whole"));
        AwaitWrite(undisturbed, default, In(work, "whole"));
        int begin = (int)watch.ElapsedMilliseconds;
        Require(undisturbed.End());
        int whole = (int)watch.ElapsedMilliseconds, writing = whole - begin;
        Random random = new(command.Length);
        bool isThere = Directory.Exists(Path.Combine(_root, "killed"));
        int kills = 0, attempts = 0;
        while (kills < HostileOptions.Factor && whole > 0)
        {
            // Most of the time of a short command is its start: every other one is killed at its work.
            (int, DateTime) before = StateOf(In(work, "killed"));
            using ChildProcess process = HostileProgram.StartProgram(_root, Next());
            bool writes = attempts++ % 2 == 0;
            if (writes)
            {
                AwaitWrite(process, before, In(work, "killed"));
            }

            process.EndsWithin(writes ? random.Next(writing + 1) : random.Next(whole / 4, whole));
            process.Kill();
            ProcessResult result = process.End();
            if (result.ExitCode == 137)
            {
                kills++;
            }
            else
            {
                // It was faster than the one before: from the beginning, and sooner.
                Require(result);
                Clear(isThere);
                (whole, writing) = (whole / 2, writing / 2);
            }
        }

        Assert.Equal(HostileOptions.Factor, kills);

        if (again is not null || begun is null || !IsThere(begun))
        {
            Require(HostileProgram.Shell(_root, "$HIPIFAST " + Next()));
        }

        foreach (string file in files)
        {
            string separator = file.StartsWith('.') ? string.Empty : "/";
            Assert.Equal(
                File.ReadAllBytes(Path.Combine(_root, "whole" + separator + file)),
                File.ReadAllBytes(Path.Combine(_root, "killed" + separator + file)));
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_root, "*.tmp", SearchOption.AllDirectories));

        string Next() => In(again is not null && IsThere(begun!) ? again : command, "killed");

        bool IsThere(string file) => File.Exists(Path.Combine(_root, In(file, "killed")));

        static string In(string text, string name) => text.Replace("OUT", name, StringComparison.Ordinal);
    }

    private void AwaitWrite(ChildProcess process, (int, DateTime) before, string start)
    {
        while (!process.HasEnded && StateOf(start) == before)
        {
            Thread.Sleep(1);
        }
    }

    // What tells one state of files from another: how many there are, and when the latest was written.
    private (int Files, DateTime Latest) StateOf(string start)
    {
        (int files, DateTime latest) = (0, default(DateTime));
        foreach (string file in Directory.EnumerateFiles(_root, "*", SearchOption.AllDirectories))
        {
            if (Path.GetRelativePath(_root, file).StartsWith(start, StringComparison.Ordinal))
            {
                DateTime written = File.GetLastWriteTimeUtc(file);
                (files, latest) = (files + 1, written > latest ? written : latest);
            }
        }

        return (files, latest);
    }

    // What a command that should have been killed has made; a directory that was there is left, empty.
    private void Clear(bool isThere)
    {
        foreach (string path in Directory.EnumerateFileSystemEntries(_root, "killed*"))
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }
            else
            {
                File.Delete(path);
            }
        }

        if (isThere)
        {
            Directory.CreateDirectory(Path.Combine(_root, "killed"));
        }
    }

    private static void Require(ProcessResult result) =>
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));

    /// <summary>An agent and demonstrations that the commands start from.</summary>
    public sealed class Inputs : IDisposable
    {
        public Inputs()
        {
            if (OperatingSystem.IsWindows())
            {
                return;
            }

            Require(HostileProgram.Shell(
                Directory.Root,
                "mkdir inputs && cd inputs && $HIPIFAST train gridworld --steps 200 --eval-episodes 2 --threads 1 "
                + "--out run "
                + $"&& $HIPIFAST clone gridworld --agent run --trajectories 20 {Fit} --out clone"));
        }

        public TemporaryDirectory Directory { get; } = new();

        public void Dispose() => Directory.Dispose();
    }
}

using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Storage;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void TextAndBytesAreWrittenAndReplaced()
    {
        string path = _directory["a.txt"];
        AtomicFile.WriteAllText(path, "older and longer");
        AtomicFile.WriteAllText(path, "é\n");
        Assert.Equal([0xC3, 0xA9, (byte)'\n'], File.ReadAllBytes(path));
        AtomicFile.WriteAllBytes(path, [1, 2, 3]);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        AtomicFile.WriteAllBytes(path, []);
        Assert.Empty(File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_directory.Root));
    }

    [Fact]
    public void AFailedWriteLeavesTheOldContentAndNothingElse()
    {
        string path = _directory["a.txt"];
        AtomicFile.WriteAllText(path, "old");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write("half"u8);
            stream.Flush();
            throw new InvalidOperationException();
        }));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_directory.Root));
    }

    [Fact]
    public void UntilTheRenameThePathHoldsTheOldContent()
    {
        string path = _directory["a.txt"];
        AtomicFile.WriteAllText(path, "old");
        AtomicFile.Write(path, stream =>
        {
            stream.Write("new"u8);
            stream.Flush();
            Assert.Equal("old", File.ReadAllText(path));
        });
        Assert.Equal("new", File.ReadAllText(path));
    }

    [Fact]
    public void UnwritablePathsAreOneSentence()
    {
        string file = _directory["file"];
        File.WriteAllText(file, "");
        Expect(_directory.Root, "it is a directory.");
        Expect(_directory["no/such/out.csv"], $"the directory '{_directory["no/such"]}' does not exist.");
        Expect(Path.Combine(file, "out.csv"), $"the directory '{file}' does not exist.");
        Expect(_directory[new string('n', 300)], "");
        Assert.Equal([file], Directory.GetFileSystemEntries(_directory.Root));
    }

    // Nobody, not even root, makes files there.
    [ProbedFact("test -d /proc/self", "There is no /proc here.")]
    public void AFileSystemThatRefusesIsNamed() => Expect("/proc/hipifast-out.csv", "");

    [UnixFact]
    public void ADeviceIsWrittenInPlace()
    {
        AtomicFile.WriteAllText("/dev/null", "gone");
        Assert.Equal(0, new FileInfo("/dev/null").Length);
    }

    [Fact]
    public void LeftoversOfKilledProcessesAreRemovedAndNothingElse()
    {
        string[] kept =
        [
            _directory["a.tmp"], _directory["run.7.tmp"], _directory["x.0123456789ab"],
            _directory["x.0123456789ag.tmp"],
            _directory["0123456789ab.tmp"], _directory["x.0123456789abc.tmp"], _directory["x0123456789ab.tmp"],
        ];
        string[] leftovers = [_directory["metrics.csv.0123456789ab.tmp"], _directory["a.aaaaaaaaaaaa.tmp"]];
        foreach (string path in (string[])[.. kept, .. leftovers])
        {
            File.WriteAllText(path, "");
        }

        AtomicFile.DeleteLeftoversOf(_directory["a"]);
        Assert.Equal(_directory["metrics.csv.0123456789ab.tmp"], Assert.Single(leftovers, File.Exists));
        AtomicFile.DeleteLeftovers(_directory.Root);
        Assert.Equal(
            kept.Order(StringComparer.Ordinal), Directory.GetFiles(_directory.Root).Order(StringComparer.Ordinal));
        AtomicFile.DeleteLeftovers(_directory["absent"]);
    }

    [Fact]
    public void WhatIsBeingWrittenIsNoLeftover()
    {
        string path = _directory["a.txt"];
        AtomicFile.Write(path, stream =>
        {
            stream.Write("whole"u8);
            stream.Flush();
            AtomicFile.DeleteLeftovers(_directory.Root);
            AtomicFile.DeleteLeftoversOf(path);
        });
        Assert.Equal("whole", File.ReadAllText(path));
    }

    [Fact]
    public void TwoWritersOfOnePathNeverMeet()
    {
        string path = _directory["a.txt"];
        AtomicFile.Write(path, outer =>
        {
            AtomicFile.WriteAllText(path, "inner");
            outer.Write("outer"u8);
        });
        Assert.Equal("outer", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_directory.Root));
    }

    [UnixFact]
    public void ALinkIsWrittenThrough()
    {
        Directory.CreateDirectory(_directory["elsewhere"]);
        string target = _directory["elsewhere/a.txt"], link = _directory["link"], second = _directory["second"];
        File.CreateSymbolicLink(link, "elsewhere/a.txt");
        File.CreateSymbolicLink(second, link);
        AtomicFile.WriteAllText(second, "through two links, to where nothing was");
        AtomicFile.WriteAllText(link, "through");
        Assert.Equal("through", File.ReadAllText(target));
        Assert.Equal("elsewhere/a.txt", new FileInfo(link).LinkTarget);
        Assert.Equal(link, new FileInfo(second).LinkTarget);
        Assert.Single(Directory.GetFiles(_directory["elsewhere"]));

        File.CreateSymbolicLink(_directory["circle"], _directory["circle"]);
        Expect(_directory["circle"], "");
        File.CreateSymbolicLink(_directory["folder"], "elsewhere");
        Expect(_directory["folder"], "it is a directory.");
    }

    [UnixFact]
    public void PipesAndStreamsAreRefusedBeforeAndAtTheWrite()
    {
        string pipe = NamedPipe.Create(_directory["pipe"]);
        foreach (string path in (string[])[pipe, "/dev/stdout", "/dev/fd/1", "/dev/tty"])
        {
            string sentence =
                $"'{path}' cannot be written: it is a pipe, a terminal or a stream of this process; expected a file.";
            Assert.Equal(sentence, Assert.Throws<IOException>(() => AtomicFile.WriteAllText(path, "x")).Message);
            Assert.Equal(sentence, Assert.Throws<IOException>(() => AtomicFile.RequireWritable(path)).Message);
        }
    }

    [Fact]
    public void WhatCannotBeWrittenIsSaidBeforeTheWork()
    {
        // Names of up to 255 bytes; the temporary one is 17 longer.
        Assert.Contains("cannot be written", Assert.Throws<IOException>(
            () => AtomicFile.RequireWritable(_directory[new string('n', 250)])).Message);
        Assert.Throws<IOException>(() => AtomicFile.RequireWritable(_directory.Root));
        Assert.Throws<IOException>(() => AtomicFile.RequireWritable(_directory["no/such"]));
        AtomicFile.RequireWritable(_directory["fine"]);
        Assert.Empty(Directory.GetFileSystemEntries(_directory.Root));
    }

    private static void Expect(string path, string reason)
    {
        string message = Assert.Throws<IOException>(() => AtomicFile.WriteAllText(path, "x")).Message;
        Assert.StartsWith($"'{path}' cannot be written: {reason}", message);
        Assert.EndsWith(".", message);
        Assert.DoesNotContain("\n", message);
    }
}

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

    [Fact]
    public void AFileSystemThatRefusesIsNamed()
    {
        if (OperatingSystem.IsLinux())
        {
            // Nobody, not even root, makes files in /proc.
            Expect("/proc/hipifast-out.csv", "");
        }
    }

    [Fact]
    public void ADeviceIsWrittenInPlace()
    {
        if (!OperatingSystem.IsWindows())
        {
            AtomicFile.WriteAllText("/dev/null", "gone");
            Assert.Equal(0, new FileInfo("/dev/null").Length);
        }
    }

    [Fact]
    public void LeftoversOfKilledProcessesAreRemovedAndNothingElse()
    {
        string[] kept = [_directory["a.tmp"], _directory["run.7.tmp"], _directory["x.1-2"], _directory["x.1-b.tmp"], _directory["12-3.tmp"]];
        string[] leftovers = [_directory["metrics.csv.12345-1.tmp"], _directory["a.1-2.tmp"]];
        foreach (string path in (string[])[.. kept, .. leftovers])
        {
            File.WriteAllText(path, "");
        }

        AtomicFile.DeleteLeftovers(_directory.Root);
        Assert.Equal(kept.Order(StringComparer.Ordinal), Directory.GetFiles(_directory.Root).Order(StringComparer.Ordinal));
        AtomicFile.DeleteLeftovers(_directory["absent"]);
    }

    private static void Expect(string path, string reason)
    {
        string message = Assert.Throws<IOException>(() => AtomicFile.WriteAllText(path, "x")).Message;
        Assert.StartsWith($"'{path}' cannot be written: {reason}", message);
        Assert.EndsWith(".", message);
        Assert.DoesNotContain("\n", message);
    }
}

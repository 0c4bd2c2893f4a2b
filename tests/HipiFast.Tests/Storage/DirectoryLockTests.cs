using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Storage;

public sealed class DirectoryLockTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void OneHolderAtATime()
    {
        string run = _directory["run"];
        Directory.CreateDirectory(run);
        using (DirectoryLock held = DirectoryLock.Take(run))
        {
            DirectoryInUseException error = Assert.Throws<DirectoryInUseException>(() => DirectoryLock.Take(run + "/"));
            Assert.Equal($"'{run}/' is in use by another run; wait until that has ended, or stop it.", error.Message);
            Assert.Null(DirectoryLock.TryTake(run));
        }

        using DirectoryLock again = DirectoryLock.Take(run);
    }

    [Fact]
    public void AFileThatIsLeftMeansNothing()
    {
        File.WriteAllText(_directory[DirectoryLock.FileName], "left by a process that was killed");
        using DirectoryLock held = DirectoryLock.Take(_directory.Root);
    }

    [Fact]
    public void ADirectoryMadeForNothingGoesAgain()
    {
        DirectoryLock.Take(_directory["a/b/c"]).Dispose();
        Assert.Empty(Directory.GetFileSystemEntries(_directory.Root));
        using (DirectoryLock.Take(_directory["a/b/c"]))
        {
            File.WriteAllText(_directory["a/b/c/result"], "x");
        }

        Assert.Equal(2, Directory.GetFiles(_directory["a/b/c"]).Length);
        using (DirectoryLock.Take(_directory.Root))
        {
        }

        Assert.True(Directory.Exists(_directory.Root));
    }

    [Fact]
    public void WhatCannotBeADirectoryIsNamed()
    {
        File.WriteAllText(_directory["file"], "x");
        string path = _directory["file"];
        Assert.StartsWith(
            $"'{path}' cannot be written: ", Assert.ThrowsAny<IOException>(() => DirectoryLock.Take(path)).Message);
    }
}

namespace HipiFast.Storage;

/// <summary>
/// Holds a directory against other processes, and other holders in this one, by a lock of the operating system on its
/// file <c>.lock</c>. The lock ends with its process, however that ends; the file stays and means nothing by itself.
/// </summary>
public sealed class DirectoryLock : IDisposable
{
    /// <summary>Name of the file that is locked.</summary>
    public const string FileName = ".lock";

    // What a file that another holds is refused with: EWOULDBLOCK of Linux and of BSD systems, ERROR_SHARING_VIOLATION
    // of Windows.
    private const int WouldBlock = 11, WouldBlockBsd = 35, SharingViolation = unchecked((int)0x80070020);

    private readonly FileStream _file;
    private readonly IReadOnlyList<string> _made;

    private DirectoryLock(string directory, FileStream file, IReadOnlyList<string> made)
    {
        Directory = directory;
        _file = file;
        _made = made;
    }

    /// <summary>The directory, in full.</summary>
    public string Directory { get; }

    /// <summary>Takes hold of a directory.</summary>
    /// <param name="directory">The directory; made when it does not exist.</param>
    /// <returns>What holds it until it is disposed.</returns>
    /// <exception cref="DirectoryInUseException">Another holds it.</exception>
    /// <exception cref="IOException">
    /// It cannot be made or written; one sentence with the path and the reason.
    /// </exception>
    public static DirectoryLock Take(string directory) =>
        TryTake(directory) ?? throw new DirectoryInUseException(directory);

    /// <summary>Takes hold of a directory, unless another has.</summary>
    /// <param name="directory">As for <see cref="Take"/>.</param>
    /// <returns>What holds it, or null.</returns>
    /// <exception cref="IOException">As for <see cref="Take"/>.</exception>
    public static DirectoryLock? TryTake(string directory)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        try
        {
            List<string> made = [];
            string? missing = full;
            while (missing is not null && !System.IO.Directory.Exists(missing))
            {
                made.Add(missing);
                missing = Path.GetDirectoryName(missing);
            }

            System.IO.Directory.CreateDirectory(full);
            FileStream file = new(
                Path.Combine(full, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None,
                bufferSize: 1);
            return new DirectoryLock(full, file, made);
        }
        catch (IOException error) when (error.HResult is WouldBlock or WouldBlockBsd or SharingViolation)
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"'{directory}' cannot be written: {FileMessages.Reason(error)}.", error);
        }
    }

    /// <summary>Lets go. A directory that was made for it and still holds nothing else is removed.</summary>
    public void Dispose()
    {
        bool isEmpty = _file.CanRead && HoldsNothingElse();
        if (isEmpty && !OperatingSystem.IsWindows())
        {
            Remove();
        }

        _file.Dispose();
        if (isEmpty && OperatingSystem.IsWindows())
        {
            Remove();
        }
    }

    private bool HoldsNothingElse()
    {
        try
        {
            return System.IO.Directory.EnumerateFileSystemEntries(Directory).All(
                entry => Path.GetFileName(entry) == FileName);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private void Remove()
    {
        try
        {
            File.Delete(Path.Combine(Directory, FileName));
            foreach (string directory in _made)
            {
                System.IO.Directory.Delete(directory);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A lock file that stays does no harm.
        }
    }
}

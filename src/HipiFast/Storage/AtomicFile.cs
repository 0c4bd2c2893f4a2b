using System.Runtime.InteropServices;
using System.Text;

namespace HipiFast.Storage;

/// <summary>
/// Writes a file so that its path always holds either the old content or the whole new content: the bytes go to a
/// temporary file in the same directory, are flushed to the disk, and the temporary file is renamed over the path. Safe
/// to kill at any moment.
/// </summary>
/// <remarks>
/// A path that is a link is written through. The temporary file has a random name, <c>NAME.TOKEN.tmp</c>, and its
/// process holds a lock on it until it has its final name. It is removed when the write fails; one that a killed
/// process left is known by its lock being free (<see cref="DeleteLeftovers"/>, <see cref="DeleteLeftoversOf"/>). A
/// device such as <c>/dev/null</c> is written in place; pipes, terminals and the process's own streams are refused.
/// </remarks>
public static partial class AtomicFile
{
    private const int BufferBytes = 1 << 16;
    private static readonly UTF8Encoding s_utf8 = new(
        encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Writes text as UTF-8 without a byte order mark.</summary>
    /// <param name="path">File to make or replace.</param>
    /// <param name="text">Whole content.</param>
    /// <exception cref="IOException">The path cannot be written; one sentence with the path and the reason.</exception>
    public static void WriteAllText(string path, string text) => WriteAllBytes(path, s_utf8.GetBytes(text));

    /// <summary>Writes bytes.</summary>
    /// <param name="path">File to make or replace.</param>
    /// <param name="bytes">Whole content.</param>
    /// <exception cref="IOException">The path cannot be written; one sentence with the path and the reason.</exception>
    public static unsafe void WriteAllBytes(string path, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes)
        {
            byte* source = first;
            int length = bytes.Length;
            Write(path, stream => stream.Write(new ReadOnlySpan<byte>(source, length)));
        }
    }

    /// <summary>Writes what <paramref name="write"/> puts into the stream.</summary>
    /// <param name="path">File to make or replace.</param>
    /// <param name="write">Writes the whole content. When it throws, <paramref name="path"/> is left as it was.</param>
    /// <exception cref="IOException">The path cannot be written; one sentence with the path and the reason.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        string target = TargetOf(path);
        bool isDevice = FileKinds.Of(target) == FileKind.Device;
        string written = isDevice ? target : TemporaryName.Beside(target);
        bool hasName = isDevice;
        try
        {
            using (FileStream stream = isDevice
                ? new(written, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, BufferBytes)
                : new(written, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read, BufferBytes))
            {
                write(stream);
                stream.Flush(flushToDisk: !isDevice);

                // Renamed while it is open, so that it is never without both its lock, which readers share, and its
                // name. Windows does not rename open files.
                if (!OperatingSystem.IsWindows())
                {
                    GiveName();
                }
            }

            GiveName();
        }
        catch (Exception error)
        {
            if (!hasName)
            {
                TryDelete(written);
            }

            if (error is IOException or UnauthorizedAccessException)
            {
                throw new IOException($"'{path}' cannot be written: {FileMessages.Reason(error)}.", error);
            }

            throw;
        }

        void GiveName()
        {
            if (!hasName)
            {
                File.Move(written, target, overwrite: true);
                hasName = true;
                FlushDirectory(Path.GetDirectoryName(target)!);
            }
        }
    }

    /// <summary>
    /// Throws what <see cref="Write"/> would throw, as far as that can be known before the work whose result will be
    /// written.
    /// </summary>
    /// <param name="path">File to make or replace later.</param>
    /// <exception cref="IOException">The path cannot be written; one sentence with the path and the reason.</exception>
    public static void RequireWritable(string path)
    {
        string target = TargetOf(path);
        if (FileKinds.Of(target) == FileKind.Device)
        {
            return;
        }

        try
        {
            // With the name that the real one will have in length, for names have a longest.
            new FileStream(
                TemporaryName.Beside(target), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1,
                FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"'{path}' cannot be written: no file can be made in '{Path.GetDirectoryName(target)}' "
                + $"({FileMessages.Reason(error)}).",
                error);
        }
    }

    /// <summary>Removes temporary files that killed processes left; those of living ones stay.</summary>
    /// <param name="directory">Directory; nothing happens when it does not exist.</param>
    public static void DeleteLeftovers(string directory)
    {
        if (Directory.Exists(directory))
        {
            DeleteDead(Directory.EnumerateFiles(directory, "*.tmp"));
        }
    }

    /// <summary>
    /// Removes temporary files that killed processes left when they wrote one file; those of living ones stay.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The path cannot be written; one sentence with the path and the reason.</exception>
    public static void DeleteLeftoversOf(string path)
    {
        string target = TargetOf(path);
        DeleteDead(Directory.EnumerateFiles(Path.GetDirectoryName(target)!, TemporaryName.PatternOf(target)));
    }

    private static void DeleteDead(IEnumerable<string> paths)
    {
        foreach (string path in paths.Where(path => TemporaryName.IsOne(path)))
        {
            try
            {
                // Opened only where no process holds it, and gone when it is closed.
                new FileStream(
                    path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Its process lives, or it is not ours to remove.
            }
        }
    }

    /// <summary>Where the bytes of a path go: the end of its links. Throws where no file can stand.</summary>
    private static string TargetOf(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string full = Path.GetFullPath(path);
        FileKind kind = FileKinds.Of(full);
        if (kind == FileKind.Stream)
        {
            throw new IOException(
                $"'{path}' cannot be written: it is a pipe, a terminal or a stream of this process; expected a file.");
        }

        string target = full;
        try
        {
            target = new FileInfo(full).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? full;
        }
        catch (IOException) when (new FileInfo(full).LinkTarget is null)
        {
            // Not a link, and not there.
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"'{path}' cannot be written: {FileMessages.Reason(error)}.", error);
        }

        string? directory = Path.GetDirectoryName(target);
        if (directory is null || kind == FileKind.Directory)
        {
            throw new IOException($"'{path}' cannot be written: it is a directory.");
        }

        return Directory.Exists(directory)
            ? target
            : throw new IOException($"'{path}' cannot be written: the directory '{directory}' does not exist.");
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Best effort: the write has failed already and its error is the one to report.
        }
    }

    /// <summary>
    /// Makes the rename itself durable. Windows journals renames and has no such call; a failure here only weakens
    /// durability.
    /// </summary>
    private static void FlushDirectory(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        const int ReadOnly = 0;
        int descriptor = OpenDescriptor(directory, ReadOnly);
        if (descriptor >= 0)
        {
            _ = FlushDescriptor(descriptor);
            _ = CloseDescriptor(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenDescriptor(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int FlushDescriptor(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseDescriptor(int descriptor);
}

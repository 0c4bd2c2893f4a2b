using System.Runtime.InteropServices;
using System.Text;

namespace HipiFast.Storage;

/// <summary>
/// Writes a file so that its path always holds either the old content or the whole new content: the bytes go to a temporary file in the same
/// directory, are flushed to the disk, and the temporary file is renamed over the path. Safe to kill at any moment.
/// </summary>
/// <remarks>
/// The temporary file is named <c>NAME.PID-N.tmp</c>. It is removed when the write fails; a killed process leaves it behind
/// (<see cref="DeleteLeftovers"/>). A path directly in <c>/dev</c> is a device and is written in place.
/// </remarks>
public static partial class AtomicFile
{
    private const string TemporarySuffix = ".tmp";
    private const int BufferBytes = 1 << 16;
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static int s_writes;

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
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        string fullPath = Path.GetFullPath(path);
        string? directory = Path.GetDirectoryName(fullPath);
        if (directory is null || Directory.Exists(fullPath))
        {
            throw new IOException($"'{path}' cannot be written: it is a directory.");
        }

        if (!Directory.Exists(directory))
        {
            throw new IOException($"'{path}' cannot be written: the directory '{directory}' does not exist.");
        }

        bool isDevice = directory == "/dev";
        string target = isDevice
            ? fullPath
            : $"{fullPath}.{Environment.ProcessId}-{Interlocked.Increment(ref s_writes)}{TemporarySuffix}";
        try
        {
            using (var stream = new FileStream(target, isDevice ? FileMode.Open : FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferBytes))
            {
                write(stream);
                stream.Flush(flushToDisk: !isDevice);
            }

            if (!isDevice)
            {
                File.Move(target, fullPath, overwrite: true);
                FlushDirectory(directory);
            }
        }
        catch (Exception error)
        {
            if (!isDevice)
            {
                TryDelete(target);
            }

            if (error is IOException or UnauthorizedAccessException)
            {
                throw new IOException($"'{path}' cannot be written: {FileMessages.Reason(error)}.", error);
            }

            throw;
        }
    }

    /// <summary>Removes temporary files that killed processes left; for the owner of a directory, before it writes there again.</summary>
    /// <param name="directory">Directory; nothing happens when it does not exist.</param>
    public static void DeleteLeftovers(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return;
        }

        foreach (string path in Directory.EnumerateFiles(directory, "*" + TemporarySuffix))
        {
            // NAME.PID-N.tmp: what Write makes, and nothing else that happens to end in .tmp.
            ReadOnlySpan<char> stem = Path.GetFileName(path.AsSpan())[..^TemporarySuffix.Length];
            ReadOnlySpan<char> owner = stem[(stem.LastIndexOf('.') + 1)..];
            int dash = owner.IndexOf('-');
            if (owner.Length < stem.Length && dash > 0 && uint.TryParse(owner[..dash], out _) && uint.TryParse(owner[(dash + 1)..], out _))
            {
                TryDelete(path);
            }
        }
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

    /// <summary>Makes the rename itself durable. Windows journals renames and has no such call; a failure here only weakens durability.</summary>
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

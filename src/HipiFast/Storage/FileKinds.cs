using System.Runtime.InteropServices;

namespace HipiFast.Storage;

/// <summary>
/// Tells regular files from directories, devices and pipes without opening them: opening a pipe would wait for its
/// other end.
/// </summary>
internal static partial class FileKinds
{
    private const uint TypeMask = 0xF000;
    private const uint DirectoryType = 0x4000;
    private const uint CharacterDevice = 0x2000;
    private const uint BlockDevice = 0x6000;
    private const uint RegularType = 0x8000;

    // More than the structure that the runtime's own library fills has in any version.
    private const int StatusWords = 64;
    private const int ModeWord = 1;

    /// <summary>What stands at a path.</summary>
    /// <param name="path">The path; links are followed.</param>
    public static FileKind Of(string path)
    {
        string full = Path.GetFullPath(path);
        if (OperatingSystem.IsWindows())
        {
            return Directory.Exists(full)
                ? FileKind.Directory
                : File.Exists(full)
                ? FileKind.Regular
                : FileKind.Missing;
        }

        if (IsOwnStream(full))
        {
            return FileKind.Stream;
        }

        Span<uint> status = stackalloc uint[StatusWords];
        if (Status(full, ref MemoryMarshal.GetReference(status)) != 0)
        {
            return FileKind.Missing;
        }

        return (status[ModeWord] & TypeMask) switch
        {
            RegularType => FileKind.Regular,
            DirectoryType => FileKind.Directory,
            BlockDevice => FileKind.Device,
            CharacterDevice => IsTerminal(full) ? FileKind.Stream : FileKind.Device,
            _ => FileKind.Stream,
        };
    }

    private static bool IsOwnStream(string full) =>
        full is "/dev/stdin" or "/dev/stdout" or "/dev/stderr"
        || full.StartsWith("/dev/fd/", StringComparison.Ordinal)
        || (full.StartsWith("/proc/", StringComparison.Ordinal) && full.Contains("/fd/", StringComparison.Ordinal));

    private static bool IsTerminal(string full) =>
        full is "/dev/tty" or "/dev/console" or "/dev/ptmx"
        || full.StartsWith("/dev/tty", StringComparison.Ordinal)
        || full.StartsWith("/dev/pts/", StringComparison.Ordinal);

    // The runtime's own wrapper of stat, whose result has the same layout on every system: flags, mode, ...
    [LibraryImport("libSystem.Native", EntryPoint = "SystemNative_Stat", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(string path, ref uint status);
}

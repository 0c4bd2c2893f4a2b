using HipiFast.Storage;

namespace HipiFast.Cli;

/// <summary>
/// Tells failures of the machine (a full disk, too many open files, a directory in use) from wrong paths and wrong
/// input.
/// </summary>
internal static class MachineFailure
{
    // EIO, ENOMEM, ENFILE, EMFILE, ENOSPC, EROFS; EDQUOT and ESTALE of Linux, EDQUOT and ESTALE of BSD systems; a file
    // that another process holds.
    private static readonly int[] s_unix = [5, 12, 23, 24, 28, 30, 122, 116, 69, 70, 11, 35];

    // ERROR_TOO_MANY_OPEN_FILES, ERROR_SHARING_VIOLATION, ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL.
    private static readonly int[] s_windows =
    [
        unchecked((int)0x80070004), unchecked((int)0x80070020), unchecked((int)0x80070027), unchecked((int)0x80070070)
    ];

    /// <summary>Whether the machine is to blame for an error, or for what it was caused by.</summary>
    /// <param name="error">The error.</param>
    public static bool Is(Exception error)
    {
        int[] codes = OperatingSystem.IsWindows() ? s_windows : s_unix;
        for (Exception? cause = error; cause is not null; cause = cause.InnerException)
        {
            if (cause is DirectoryInUseException || (cause is IOException && codes.Contains(cause.HResult)))
            {
                return true;
            }
        }

        return false;
    }
}

using System.Text;
using Microsoft.Win32.SafeHandles;

namespace HipiFast.Storage;

/// <summary>
/// Opens files for reading with errors of one sentence each: the one place through which every file that a user may
/// name is read. Only regular files that are not empty are opened; pipes, devices and files of a known other format are
/// refused before anything of them is believed.
/// </summary>
public static class InputFile
{
    /// <summary>Opens a file for reads at given offsets.</summary>
    /// <param name="path">File.</param>
    /// <param name="kind">What was expected there, for the error, for example "safetensors file".</param>
    /// <param name="length">Bytes of the file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">It is a directory or cannot be read.</exception>
    /// <exception cref="InvalidDataException">
    /// It is empty, a pipe or device, or a file of another format that its first bytes tell.
    /// </exception>
    public static SafeFileHandle OpenHandle(string path, string kind, out long length) =>
        OpenHandle(path, kind, anyFormat: false, out length);

    /// <summary><see cref="OpenHandle(string, string, out long)"/> for whoever tells formats apart itself.</summary>
    /// <param name="path">As there.</param>
    /// <param name="kind">As there.</param>
    /// <param name="anyFormat">Whether files of known other formats are opened, too.</param>
    /// <param name="length">As there.</param>
    /// <param name="remedy">How a file of another format is made one of the kind, for the error, or null.</param>
    internal static SafeFileHandle OpenHandle(
        string path, string kind, bool anyFormat, out long length, string? remedy = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
        {
            throw new IOException($"'{path}' is a directory; expected a {kind}.");
        }

        SafeFileHandle? handle = null;
        try
        {
            var file = new FileInfo(path);
            if (file.LinkTarget is not null && file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target)
            {
                file = target;
            }

            // A pipe or device has length 0. Opening a pipe would wait for a writer, so an empty file is settled before
            // it is opened.
            length = file.Length;
            if (length == 0)
            {
                throw new InvalidDataException($"'{path}' is empty or not a regular file; expected a {kind}.");
            }

            handle = File.OpenHandle(
                path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.RandomAccess);
            length = RandomAccess.GetLength(handle);
            if (!anyFormat)
            {
                RefuseOtherFormat(handle, path, kind, remedy);
            }

            return handle;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new FileNotFoundException($"'{path}' does not exist; expected a {kind}.", path, error);
        }
        catch (InvalidDataException)
        {
            handle?.Dispose();
            throw;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            handle?.Dispose();
            throw new IOException($"'{path}' cannot be read: {FileMessages.Reason(error)}.", error);
        }
    }

    /// <summary>Reads a whole file.</summary>
    /// <param name="path">File.</param>
    /// <param name="kind">What was expected there, for the error, for example "configuration file".</param>
    /// <param name="largest">Most bytes that it may have.</param>
    /// <returns>The bytes, after the byte order mark of UTF-8 if there is one.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">It is a directory or cannot be read.</exception>
    /// <exception cref="InvalidDataException">
    /// It is empty, a pipe or device, of another format, or too large.
    /// </exception>
    public static ReadOnlyMemory<byte> ReadAllBytes(string path, string kind, int largest)
    {
        using SafeFileHandle handle = OpenHandle(path, kind, out long length);
        if (length > largest)
        {
            throw new InvalidDataException($"'{path}' has {length} bytes; expected a {kind} of at most {largest}.");
        }

        byte[] bytes = new byte[length];
        int count = 0;
        while (count < bytes.Length && RandomAccess.Read(handle, bytes.AsSpan(count), count) is > 0 and int read)
        {
            count += read;
        }

        int mark = bytes.AsSpan(0, count).StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
        return bytes.AsMemory(mark, count - mark);
    }

    /// <summary>Reads a whole text file, UTF-8 unless a byte order mark says otherwise.</summary>
    /// <param name="path">File.</param>
    /// <param name="kind">What was expected there, for the error, for example "configuration file".</param>
    /// <param name="largest">Most bytes that it may have.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">It is a directory or cannot be read.</exception>
    /// <exception cref="InvalidDataException">
    /// It is empty, a pipe or device, of another format, or too large.
    /// </exception>
    public static string ReadAllText(string path, string kind, int largest) =>
        Encoding.UTF8.GetString(ReadUtf8(path, kind, largest).Span);

    /// <summary><see cref="ReadAllText"/> as UTF-8.</summary>
    /// <param name="path">File.</param>
    /// <param name="kind">As for <see cref="ReadAllText"/>.</param>
    /// <param name="largest">As for <see cref="ReadAllText"/>.</param>
    public static ReadOnlyMemory<byte> ReadUtf8(string path, string kind, int largest)
    {
        ReadOnlyMemory<byte> bytes = ReadAllBytes(path, kind, largest);
        foreach (Encoding wide in (ReadOnlySpan<Encoding>)[Encoding.Unicode, Encoding.BigEndianUnicode])
        {
            if (bytes.Span.StartsWith(wide.Preamble))
            {
                return Encoding.UTF8.GetBytes(wide.GetString(bytes.Span[wide.Preamble.Length..]));
            }
        }

        return bytes;
    }

    private static void RefuseOtherFormat(SafeFileHandle handle, string path, string kind, string? remedy)
    {
        Span<byte> first = stackalloc byte[FileSignature.Bytes];
        string? format = FileSignature.Describe(first[..RandomAccess.Read(handle, first, 0)]);
        if (format is not null && !format.EndsWith(kind, StringComparison.Ordinal))
        {
            remedy ??= kind == SafetensorsFile.Kind
                ? " (in Python, safetensors.numpy.save_file writes one)"
                : string.Empty;
            throw new InvalidDataException($"'{path}' is {format}; expected a {kind}{remedy}.");
        }
    }
}

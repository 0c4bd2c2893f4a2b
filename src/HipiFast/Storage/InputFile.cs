using Microsoft.Win32.SafeHandles;

namespace HipiFast.Storage;

/// <summary>Opens files for reading with errors of one sentence each.</summary>
internal static class InputFile
{
    /// <summary>Opens a file for reads at given offsets.</summary>
    /// <param name="path">File.</param>
    /// <param name="kind">What was expected there, for the error, for example "safetensors file".</param>
    /// <param name="length">Bytes of the file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">It is a directory or cannot be read.</exception>
    public static SafeFileHandle OpenHandle(string path, string kind, out long length)
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

            // A pipe or device has length 0. Opening a pipe would wait for a writer, so an empty file is settled before it is opened.
            length = file.Length;
            if (length == 0)
            {
                throw new InvalidDataException($"'{path}' is empty or not a regular file; expected a {kind}.");
            }

            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.RandomAccess);
            length = RandomAccess.GetLength(handle);
            return handle;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new FileNotFoundException($"'{path}' does not exist; expected a {kind}.", path, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            handle?.Dispose();
            throw new IOException($"'{path}' cannot be read: {FileMessages.Reason(error)}.", error);
        }
    }

    /// <summary>Reads a whole text file, UTF-8 unless a byte order mark says otherwise.</summary>
    /// <param name="path">File.</param>
    /// <param name="kind">What was expected there, for the error, for example "configuration file".</param>
    /// <param name="largest">Most bytes that it may have.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">It is a directory or cannot be read.</exception>
    /// <exception cref="InvalidDataException">It is empty, a pipe or device, or too large.</exception>
    public static string ReadAllText(string path, string kind, int largest)
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

        using StreamReader reader = new(new MemoryStream(bytes, 0, count));
        return reader.ReadToEnd();
    }
}

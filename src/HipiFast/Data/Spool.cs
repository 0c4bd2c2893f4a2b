using HipiFast.Storage;

namespace HipiFast.Data;

/// <summary>
/// Bytes that are written in their order and read at any place, in a temporary file that has no name: nothing is left
/// of
/// it, however the process ends, and memory does not grow with it.
/// </summary>
internal sealed class Spool : IDisposable
{
    private readonly FileStream _stream;

    /// <summary>Makes an empty spool.</summary>
    /// <param name="path">
    /// What the bytes are for: the temporary file lies beside it, where the result has to fit as well. Null for the
    /// system's folder of temporary files.
    /// </param>
    /// <exception cref="IOException">No file can be made there.</exception>
    public Spool(string? path)
    {
        string temporary = TemporaryName.Beside(
            path is null ? Path.Combine(Path.GetTempPath(), "hipifast") : Path.GetFullPath(path));

        // Windows deletes it when it is closed; other systems let go of the name at once.
        _stream = new FileStream(
            temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 20, FileOptions.DeleteOnClose);
        if (!OperatingSystem.IsWindows())
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Bytes written.</summary>
    public long Length { get; private set; }

    /// <summary>Forgets all bytes.</summary>
    public void Clear()
    {
        _stream.SetLength(0);
        Length = 0;
    }

    /// <summary>Adds bytes at the end.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        _stream.Write(bytes);
        Length += bytes.Length;
    }

    /// <summary>Reads bytes that were added before.</summary>
    public void Read(long offset, Span<byte> destination)
    {
        _stream.Flush();
        while (!destination.IsEmpty)
        {
            int read = RandomAccess.Read(_stream.SafeFileHandle, destination, offset);
            if (read == 0)
            {
                throw new EndOfStreamException($"The temporary file ends at byte {offset}.");
            }

            offset += read;
            destination = destination[read..];
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();
}

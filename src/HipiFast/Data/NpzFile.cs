using System.IO.Compression;
using System.Text;
using HipiFast.Storage;
using Microsoft.Win32.SafeHandles;

namespace HipiFast.Data;

/// <summary>
/// An open archive of NumPy. Arrays that are stored as they are are read in place; one that is compressed is unpacked
/// into a temporary file when its first row is asked for. Either way its checksum is looked at then.
/// </summary>
internal sealed class NpzFile : DataFile
{
    /// <summary>What names of text begin with, of entries that are no arrays.</summary>
    public const string MetadataPrefix = "metadata/";

    private const string Suffix = ".npy";
    private const int Stored = 0;
    private const int Deflated = 8;
    private const int LongestText = 1 << 16;
    private const int BlockBytes = 1 << 18;

    // Deflate cannot do better.
    private const long LargestRatio = 1032;

    private readonly SafeFileHandle _handle;
    private readonly Dictionary<string, (ZipEntry Entry, int HeaderBytes)> _arrays;
    private readonly Dictionary<string, Spool?> _opened = [];

    private NpzFile(
        string path, DataFormat format, SafeFileHandle handle, List<DataColumn> columns,
        Dictionary<string, (ZipEntry Entry, int HeaderBytes)> arrays, Dictionary<string, string> unread,
        Dictionary<string, string> metadata)
        : base(path, format, columns)
    {
        _handle = handle;
        _arrays = arrays;
        Unread = unread;
        Metadata = metadata;
    }

    /// <summary>Opens an archive.</summary>
    /// <param name="path">The file.</param>
    /// <param name="format">Its format.</param>
    /// <returns>The archive, for the caller to dispose.</returns>
    public static NpzFile Open(string path, DataFormat format)
    {
        SafeFileHandle handle = InputFile.OpenHandle(path, "NumPy archive (.npz)", anyFormat: true, out long length);
        try
        {
            List<DataColumn> columns = [];
            Dictionary<string, (ZipEntry, int)> arrays = [];
            Dictionary<string, string> unread = [], metadata = [];
            foreach (ZipEntry entry in ZipDirectory.Read(handle, length, path))
            {
                if (entry.Name.EndsWith(Suffix, StringComparison.Ordinal))
                {
                    Add(path, handle, entry, columns, arrays, unread);
                }
                else if (entry.Name.StartsWith(MetadataPrefix, StringComparison.Ordinal) && entry.Bytes <= LongestText
                    && entry.Method == Stored && entry.PackedBytes == entry.Bytes)
                {
                    byte[] text = new byte[entry.Bytes];
                    ReadFully(path, handle, entry.Offset, text);
                    metadata[entry.Name[MetadataPrefix.Length..]] = Encoding.UTF8.GetString(text);
                }
            }

            return columns.Count + unread.Count > 0
                ? new NpzFile(path, format, handle, columns, arrays, unread, metadata)
                : throw new InvalidDataException(
                    $"'{path}' is a zip archive without arrays (.npy); expected what numpy.savez writes.");
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    protected override void ReadCore(DataColumn column, long firstRow, Span<byte> destination)
    {
        (ZipEntry entry, int header) = _arrays[column.Name];
        if (!_opened.TryGetValue(column.Name, out Spool? unpacked))
        {
            unpacked = entry.Method == Deflated ? Unpack(column, entry) : null;
            if (unpacked is null)
            {
                Verify(column, entry);
            }

            _opened.Add(column.Name, unpacked);
        }

        long offset = header + (firstRow * column.RowBytes);
        if (unpacked is not null)
        {
            unpacked.Read(offset, destination);
        }
        else
        {
            ReadFully(Path, _handle, entry.Offset + offset, destination);
        }
    }

    /// <inheritdoc/>
    protected override void Close()
    {
        foreach (Spool? unpacked in _opened.Values)
        {
            unpacked?.Dispose();
        }

        _handle.Dispose();
    }

    private static void Add(
        string path, SafeFileHandle handle, ZipEntry entry, List<DataColumn> columns,
        Dictionary<string, (ZipEntry, int)> arrays, Dictionary<string, string> unread)
    {
        string name = entry.Name[..^Suffix.Length];
        string? problem = entry switch
        {
            { IsEncrypted: true } => "it is encrypted",
            { Method: not (Stored or Deflated) } => $"it is compressed by method {entry.Method} of zip",
            { Method: Stored } when entry.PackedBytes != entry.Bytes => "its two sizes disagree",
            { Method: Deflated } when entry.Bytes / LargestRatio > entry.PackedBytes => "its size is impossible",
            _ when entry.Bytes < 0 => "its size is impossible",
            _ => null,
        };
        NpyHeader? header = problem is null ? NpyHeader.Read(FirstBytes(path, handle, entry)) : null;
        problem ??= header is null ? "it does not begin as an array of NumPy" : header.Problem;
        if (problem is null && (!DataColumn.IsPossible(header!.Shape, header.Type!.Value)
            || Elements(header.Shape) * ElementTypes.Bytes(header.Type.Value) > entry.Bytes - header.Bytes))
        {
            throw new InvalidDataException(
                $"Array {DisplayText.Quote(name)} of '{path}' has {entry.Bytes - header.Bytes} bytes; its shape "
                + $"{TensorInfo.Describe(header.Shape)} of {ElementTypes.Name(header.Type!.Value)} takes more.");
        }

        if (problem is not null)
        {
            unread[name] = problem;
            return;
        }

        columns.Add(new DataColumn(name, header!.Type!.Value, header.Shape));
        if (!arrays.TryAdd(name, (entry, header.Bytes)))
        {
            throw new InvalidDataException($"'{path}' has the array {DisplayText.Quote(name)} twice.");
        }
    }

    private static long Elements(long[] shape)
    {
        TensorInfo.TryCountElements(shape, out long count);
        return count;
    }

    private static byte[] FirstBytes(string path, SafeFileHandle handle, ZipEntry entry)
    {
        // Few headers are longer than that; the whole is read for one that is.
        const int Usual = 256;
        byte[] first = Take(Usual);
        return NpyHeader.Read(first) is null && entry.Bytes > Usual ? Take(NpyHeader.LongestBytes) : first;

        byte[] Take(int most)
        {
            byte[] bytes = new byte[Math.Min(most, entry.Bytes)];
            if (entry.Method == Stored)
            {
                ReadFully(path, handle, entry.Offset, bytes);
                return bytes;
            }

            try
            {
                using Stream content = Content(handle, entry);
                return bytes[..content.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
            }
            catch (InvalidDataException)
            {
                return [];
            }
        }
    }

    private static DeflateStream Content(SafeFileHandle handle, ZipEntry entry) =>
        new(new FileSlice(handle, entry.Offset, entry.PackedBytes), CompressionMode.Decompress);

    private Spool Unpack(DataColumn column, ZipEntry entry)
    {
        Spool unpacked = new(null);
        try
        {
            using Stream content = Content(_handle, entry);
            byte[] block = new byte[(int)Math.Min(BlockBytes, Math.Max(entry.Bytes, 1))];
            uint checksum = 0;
            int read;
            while (unpacked.Length <= entry.Bytes && (read = content.Read(block)) > 0)
            {
                unpacked.Append(block.AsSpan(0, read));
                checksum = Crc32.Append(checksum, block.AsSpan(0, read));
            }

            if (unpacked.Length == entry.Bytes && checksum == entry.Checksum)
            {
                return unpacked;
            }
        }
        catch (InvalidDataException)
        {
            // Not what deflate writes.
        }
        catch
        {
            unpacked.Dispose();
            throw;
        }

        unpacked.Dispose();
        throw Altered(column);
    }

    private void Verify(DataColumn column, ZipEntry entry)
    {
        byte[] block = new byte[(int)Math.Min(BlockBytes, Math.Max(entry.Bytes, 1))];
        uint checksum = 0;
        for (long offset = 0; offset < entry.Bytes; offset += block.Length)
        {
            Span<byte> part = block.AsSpan(0, (int)Math.Min(block.Length, entry.Bytes - offset));
            ReadFully(Path, _handle, entry.Offset + offset, part);
            checksum = Crc32.Append(checksum, part);
        }

        if (checksum != entry.Checksum)
        {
            throw Altered(column);
        }
    }

    private InvalidDataException Altered(DataColumn column) =>
        new($"{Describe(column)} is not as it was written: its size or checksum does not match.");

    private static void ReadFully(string path, SafeFileHandle handle, long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int read = RandomAccess.Read(handle, destination, offset);
            if (read == 0)
            {
                throw new InvalidDataException(
                    $"'{path}' ends at byte {offset}; it has become shorter since it was opened.");
            }

            offset += read;
            destination = destination[read..];
        }
    }

    // A stretch of a file as a stream.
    private sealed class FileSlice(SafeFileHandle handle, long offset, long length) : Stream
    {
        private long _done;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position
        {
            get => _done;
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int start, int count) => Read(buffer.AsSpan(start, count));

        public override int Read(Span<byte> buffer)
        {
            int read = RandomAccess.Read(
                handle, buffer[..(int)Math.Min(buffer.Length, length - _done)], offset + _done);
            _done += read;
            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long where, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int start, int count) => throw new NotSupportedException();
    }
}

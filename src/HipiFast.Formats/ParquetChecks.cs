using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Parquet.Meta;

namespace HipiFast.Formats;

/// <summary>What is looked at of a Parquet file before the library believes it.</summary>
internal static class ParquetChecks
{
    private const int TailBytes = 8;
    private const int MostFooter = 256 << 20;
    private const int MostPageHeader = 1 << 16;

    // Of a page that is packed tighter, or is larger, than any program writes.
    private const long LargestPage = 64 << 20;
    private const long LargestRatio = 1032;

    // Fields of a page's header.
    private const int UnpackedField = 2;
    private const int PackedField = 3;

    /// <summary>Looks at the description at the end of the file.</summary>
    /// <param name="handle">The file.</param>
    /// <param name="path">Its path, for errors.</param>
    /// <exception cref="InvalidDataException">It is not as long as it says, or not one.</exception>
    public static void RequireFooter(SafeFileHandle handle, string path)
    {
        long length = RandomAccess.GetLength(handle);
        Span<byte> tail = stackalloc byte[TailBytes];
        if (length < TailBytes + 4 || RandomAccess.Read(handle, tail, length - TailBytes) != TailBytes
            || !tail[4..].SequenceEqual("PAR1"u8))
        {
            throw Damaged(path, "it does not end as one, and may be truncated");
        }

        uint bytes = BinaryPrimitives.ReadUInt32LittleEndian(tail);
        if (bytes > Math.Min(length - TailBytes - 4, MostFooter))
        {
            throw Damaged(path, $"its description claims {bytes} bytes of {length}");
        }

        byte[] footer = Read(handle, length - TailBytes - bytes, (int)bytes);
        ThriftWalk walk = new(footer);
        if (footer.Length < bytes || !walk.TrySkip(default) || walk.Position != footer.Length)
        {
            throw Damaged(path, "its description is none");
        }
    }

    /// <summary>Looks at the pages of a column of a row group.</summary>
    /// <param name="handle">The file.</param>
    /// <param name="path">Its path, for errors.</param>
    /// <param name="column">What the file says of the column.</param>
    /// <exception cref="InvalidDataException">The pages are not where they are said to be, or of impossible
    /// sizes.</exception>
    public static void RequirePages(SafeFileHandle handle, string path, ColumnMetaData column)
    {
        long length = RandomAccess.GetLength(handle), first = column.DataPageOffset;
        if (column.DictionaryPageOffset is > 0 and long dictionary)
        {
            first = Math.Min(first, dictionary);
        }

        if (first < 0 || column.TotalCompressedSize < 0 || first > length - column.TotalCompressedSize)
        {
            throw Damaged(path, $"pages are said to take {column.TotalCompressedSize} bytes from byte {first}");
        }

        Span<long> fields = stackalloc long[PackedField + 1];
        for (long at = first, end = first + column.TotalCompressedSize; at < end;)
        {
            byte[] header = Read(handle, at, (int)Math.Min(MostPageHeader, end - at));
            fields.Fill(-1);
            ThriftWalk walk = new(header);
            if (!walk.TrySkip(fields))
            {
                throw Damaged(path, $"there is no page at byte {at}");
            }

            long unpacked = fields[UnpackedField], packed = fields[PackedField];
            at += walk.Position;
            if (packed < 0 || packed > end - at || unpacked < 0 || unpacked > LargestPage
                || unpacked > (LargestRatio * packed) + MostPageHeader)
            {
                throw Damaged(path, $"a page of {packed} bytes at byte {at} claims to unpack to {unpacked}");
            }

            at += packed;
        }
    }

    private static byte[] Read(SafeFileHandle handle, long offset, int count)
    {
        byte[] bytes = new byte[count];
        int done = 0, read;
        while (done < count && (read = RandomAccess.Read(handle, bytes.AsSpan(done), offset + done)) > 0)
        {
            done += read;
        }

        return done == count ? bytes : bytes[..done];
    }

    private static InvalidDataException Damaged(string path, string what) =>
        new($"'{path}' is a damaged {ParquetFormat.Kind}: {what}.");
}

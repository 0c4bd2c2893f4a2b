using System.Buffers.Binary;
using System.Text;
using HipiFast.Storage;
using Microsoft.Win32.SafeHandles;

namespace HipiFast.Data;

/// <summary>One entry of a zip archive.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Method">0 for bytes as they are, 8 for deflate; others are not read.</param>
/// <param name="IsEncrypted">Whether it is encrypted, which is not read either.</param>
/// <param name="Checksum">CRC-32 of the content.</param>
/// <param name="PackedBytes">Bytes in the archive.</param>
/// <param name="Bytes">Bytes of the content.</param>
/// <param name="Offset">Where its bytes begin in the archive.</param>
internal readonly record struct ZipEntry(
    string Name, int Method, bool IsEncrypted, uint Checksum, long PackedBytes, long Bytes, long Offset);

/// <summary>
/// The table of contents of a zip archive, with where each entry's bytes begin: what
/// <see cref="System.IO.Compression.ZipArchive"/> keeps to itself, and what reading rows in the middle of an entry
/// needs.
/// </summary>
internal static class ZipDirectory
{
    private const int EndBytes = 22;
    private const int End64LocatorBytes = 20;
    private const int End64Bytes = 56;
    private const int EntryBytes = 46;
    private const int LocalBytes = 30;
    private const int LongestComment = ushort.MaxValue;
    private const int MostEntries = 1 << 16;
    private const int LongestDirectory = 64 << 20;

    /// <summary>Reads the table of contents.</summary>
    /// <param name="handle">The archive.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="path">Its path, for errors.</param>
    /// <returns>The entries.</returns>
    /// <exception cref="InvalidDataException">The archive is damaged.</exception>
    public static List<ZipEntry> Read(SafeFileHandle handle, long length, string path)
    {
        (long offset, long bytes, long count) = FindEnd(handle, length, path);
        if (count > MostEntries || bytes > LongestDirectory || offset < 0 || bytes < 0 || offset > length - bytes
            || count * EntryBytes > bytes)
        {
            throw Damaged(path, $"its table of contents claims {count} entries in {bytes} bytes from byte {offset}");
        }

        byte[] directory = ReadAt(handle, offset, (int)bytes, path);
        List<ZipEntry> entries = new((int)count);
        int at = 0;
        for (long number = 0; number < count; number++)
        {
            ReadOnlySpan<byte> entry = directory.AsSpan(at);
            if (entry.Length < EntryBytes || UInt32(entry, 0) != 0x02014b50)
            {
                throw Damaged(path, $"entry {number} of its table of contents is none");
            }

            int name = UInt16(entry, 28), extra = UInt16(entry, 30), comment = UInt16(entry, 32);
            if (entry.Length < EntryBytes + name + extra + comment)
            {
                throw Damaged(path, $"entry {number} of its table of contents is cut off");
            }

            long size = UInt32(entry, 24), packed = UInt32(entry, 20), local = UInt32(entry, 42);
            Widen(entry.Slice(EntryBytes + name, extra), ref size, ref packed, ref local);
            string text = Encoding.UTF8.GetString(entry.Slice(EntryBytes, name));
            entries.Add(new ZipEntry(
                text, UInt16(entry, 10), (UInt16(entry, 8) & 1) != 0, UInt32(entry, 16), packed, size,
                FindContent(handle, local, packed, length, path, text)));
            at += EntryBytes + name + extra + comment;
        }

        return entries;
    }

    // The last record, behind which only a comment may stand; that of large archives lies before it.
    private static (long Offset, long Bytes, long Count) FindEnd(SafeFileHandle handle, long length, string path)
    {
        int tail = (int)Math.Min(length, EndBytes + LongestComment);
        byte[] bytes = ReadAt(handle, length - tail, tail, path);
        for (int at = tail - EndBytes; at >= 0; at--)
        {
            ReadOnlySpan<byte> end = bytes.AsSpan(at);
            if (UInt32(end, 0) != 0x06054b50 || EndBytes + UInt16(end, 20) > end.Length)
            {
                continue;
            }

            long place = length - tail + at;
            if (place >= End64LocatorBytes)
            {
                byte[] locator = ReadAt(handle, place - End64LocatorBytes, End64LocatorBytes, path);
                if (UInt32(locator, 0) == 0x07064b50)
                {
                    long wide = BinaryPrimitives.ReadInt64LittleEndian(locator.AsSpan(8));
                    if (wide < 0 || wide > length - End64Bytes)
                    {
                        throw Damaged(path, $"its end record is said to lie at byte {wide}");
                    }

                    byte[] end64 = ReadAt(handle, wide, End64Bytes, path);
                    return (
                        BinaryPrimitives.ReadInt64LittleEndian(end64.AsSpan(48)),
                        BinaryPrimitives.ReadInt64LittleEndian(end64.AsSpan(40)),
                        BinaryPrimitives.ReadInt64LittleEndian(end64.AsSpan(32)));
                }
            }

            return (UInt32(end, 16), UInt32(end, 12), UInt16(end, 10));
        }

        throw Damaged(path, "it has no table of contents: it is truncated");
    }

    // Sizes of 4 GB and more stand in an extra field, in the order of those that do not fit.
    private static void Widen(ReadOnlySpan<byte> extra, ref long size, ref long packed, ref long local)
    {
        while (extra.Length >= 4)
        {
            int tag = UInt16(extra, 0), bytes = Math.Min(UInt16(extra, 2), extra.Length - 4);
            ReadOnlySpan<byte> field = extra.Slice(4, bytes);
            if (tag == 1)
            {
                Take(ref field, ref size);
                Take(ref field, ref packed);
                Take(ref field, ref local);
                return;
            }

            extra = extra[(4 + bytes)..];
        }

        static void Take(ref ReadOnlySpan<byte> field, ref long value)
        {
            if (value == uint.MaxValue && field.Length >= 8)
            {
                value = BinaryPrimitives.ReadInt64LittleEndian(field);
                field = field[8..];
            }
        }
    }

    private static long FindContent(
        SafeFileHandle handle, long local, long packed, long length, string path, string name)
    {
        if (local >= 0 && packed >= 0 && local <= length - LocalBytes)
        {
            byte[] header = ReadAt(handle, local, LocalBytes, path);
            long content = local + LocalBytes + UInt16(header, 26) + UInt16(header, 28);
            if (UInt32(header, 0) == 0x04034b50 && content <= length && packed <= length - content)
            {
                return content;
            }
        }

        throw Damaged(path, $"{DisplayText.Quote(name)} is said to lie at byte {local} and to take {packed} bytes");
    }

    private static byte[] ReadAt(SafeFileHandle handle, long offset, int count, string path)
    {
        byte[] bytes = new byte[count];
        int done = 0;
        while (done < count)
        {
            int read = RandomAccess.Read(handle, bytes.AsSpan(done), offset + done);
            if (read == 0)
            {
                throw Damaged(path, $"it ends at byte {offset + done}");
            }

            done += read;
        }

        return bytes;
    }

    private static InvalidDataException Damaged(string path, string what) =>
        new($"'{path}' is a damaged zip archive: {what}.");

    private static int UInt16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint UInt32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}

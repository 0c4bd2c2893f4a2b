using System.Buffers.Binary;
using System.Text;

namespace HipiFast.TorchSharp.Tests;

/// <summary>
/// A shared library for x64 Linux without code, byte by byte: it wants versions of one library, has the loader look up
/// symbols in them, and keeps the addresses found in a table that it exports as <see cref="Table"/>.
/// </summary>
internal static class MadeUpLibrary
{
    public const string Table = "found";

    private const int HeaderSize = 64, SegmentSize = 56, Segments = 3, SymbolSize = 24, RelocationSize = 24,
        RecordSize = 16;

    private const ulong TableEntryRelocation = 6;

    /// <summary>Makes a library.</summary>
    /// <param name="library">The library wanted.</param>
    /// <param name="versions">Versions of it that are asked for.</param>
    /// <param name="symbols">Symbols looked up, each in one of them.</param>
    /// <returns>The file.</returns>
    public static byte[] Make(string library, string[] versions, params (string Name, string Version)[] symbols)
    {
        byte[] image = new byte[4096];
        int at = HeaderSize + (Segments * SegmentSize), count = symbols.Length + 2;
        StringBuilder strings = new("\0");
        int name = String(library);
        int[] versionNames = [.. versions.Select(String)], symbolNames = [.. symbols.Select(s => String(s.Name))];
        int tableName = String(Table);

        // The loader hashes: one bucket, whose one symbol is the last.
        int hash = Take(4 * (3 + count));
        Int(hash, 1);
        Int(hash + 4, (uint)count);
        Int(hash + 8, (uint)(count - 1));

        int table = Take(8 * Math.Max(1, symbols.Length)), symbolTable = Take(SymbolSize * count);
        int symbolVersions = Take(2 * count), relocations = Take(RelocationSize * symbols.Length);
        for (int i = 0; i < symbols.Length; i++)
        {
            Symbol(i + 1, symbolNames[i], section: 0, value: 0, size: 0);
            Half(symbolVersions + (2 * (i + 1)), (ushort)(Array.IndexOf(versions, symbols[i].Version) + 2));
            Word(relocations + (RelocationSize * i), (ulong)(table + (8 * i)));
            Word(relocations + (RelocationSize * i) + 8, ((ulong)(i + 1) << 32) | TableEntryRelocation);
        }

        Symbol(count - 1, tableName, section: 1, (ulong)table, (ulong)(8 * symbols.Length));
        Half(symbolVersions + (2 * (count - 1)), 1);

        int needs = Take(RecordSize * (1 + versions.Length));
        Half(needs, 1);
        Half(needs + 2, (ushort)versions.Length);
        Int(needs + 4, (uint)name);
        Int(needs + 8, RecordSize);
        for (int i = 0; i < versions.Length; i++)
        {
            int need = needs + (RecordSize * (i + 1));
            Int(need, Hash(versions[i]));
            Half(need + 6, (ushort)(i + 2));
            Int(need + 8, (uint)versionNames[i]);
            Int(need + 12, i + 1 < versions.Length ? (uint)RecordSize : 0);
        }

        byte[] text = Encoding.ASCII.GetBytes(strings.ToString());
        int stringTable = Take(text.Length);
        text.CopyTo(image, stringTable);
        (ulong Tag, int Value)[] dynamic =
        [
            (1, name), (4, hash), (5, stringTable), (6, symbolTable), (10, text.Length), (11, SymbolSize),
            (7, relocations), (8, RelocationSize * symbols.Length), (9, RelocationSize), (0x6ffffff0, symbolVersions),
            (0x6ffffffe, needs), (0x6fffffff, 1), (0, 0),
        ];
        int dynamicTable = Take(16 * dynamic.Length);
        for (int i = 0; i < dynamic.Length; i++)
        {
            Word(dynamicTable + (16 * i), dynamic[i].Tag);
            Word(dynamicTable + (16 * i) + 8, (ulong)dynamic[i].Value);
        }

        // 64 bits, little endian; a shared object for x86-64 with headers of segments and none of sections.
        ((ReadOnlySpan<byte>)[0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).CopyTo(image);
        Half(16, 3);
        Half(18, 62);
        Int(20, 1);
        Word(32, HeaderSize);
        Half(52, HeaderSize);
        Half(54, SegmentSize);
        Half(56, Segments);
        Segment(0, type: 1, start: 0, at);
        Segment(1, type: 2, dynamicTable, 16 * dynamic.Length);

        // A stack that is not executed.
        Segment(2, type: 0x6474e551, start: 0, size: 0);
        return image[..at];

        int Take(int size)
        {
            int start = (at + 7) & ~7;
            at = start + size;
            return start;
        }

        int String(string value)
        {
            int start = strings.Length;
            strings.Append(value).Append('\0');
            return start;
        }

        void Symbol(int index, int nameOfIt, ushort section, ulong value, ulong size)
        {
            int symbol = symbolTable + (SymbolSize * index);
            Int(symbol, (uint)nameOfIt);
            image[symbol + 4] = 0x11;
            Half(symbol + 6, section);
            Word(symbol + 8, value);
            Word(symbol + 16, size);
        }

        void Segment(int index, uint type, int start, int size)
        {
            int header = HeaderSize + (SegmentSize * index);
            Int(header, type);
            Int(header + 4, 6);
            Word(header + 8, (ulong)start);
            Word(header + 16, (ulong)start);
            Word(header + 24, (ulong)start);
            Word(header + 32, (ulong)size);
            Word(header + 40, (ulong)size);
            Word(header + 48, type == 1 ? 4096u : 8u);
        }

        void Half(int offset, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(offset), value);

        void Int(int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(offset), value);

        void Word(int offset, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(offset), value);
    }

    // The hash of System V, by which versions are compared.
    private static uint Hash(string version)
    {
        uint hash = 0;
        foreach (char letter in version)
        {
            hash = (hash << 4) + letter;
            uint high = hash & 0xf0000000;
            hash = (hash ^ (high >> 24)) & ~high;
        }

        return hash;
    }
}

using System.Buffers.Binary;
using System.Text;

namespace HipiFast.TorchSharp.Loading;

/// <summary>
/// The versions that a 64-bit ELF shared object wants its symbols in, and changes to them in an image in memory. Of the
/// file only what the dynamic loader reads is read: segments and the dynamic section, no section headers.
/// </summary>
internal sealed class ElfSymbolVersions
{
    private const int ElfHeaderSize = 64, ProgramHeaderSize = 56, DynamicEntrySize = 16, SymbolSize = 24,
        RelocationSize = 24, NeedSize = 16;

    private const uint SegmentLoad = 1, SegmentDynamic = 2;
    private const ushort WeakFlag = 2, HiddenBit = 0x8000;

    private readonly byte[] _image;
    private readonly List<(ulong Address, ulong Offset, ulong Size)> _segments = [];
    private readonly Dictionary<ulong, ulong> _dynamic = [];
    private readonly List<ulong> _needed = [];
    private readonly List<(string Library, string Version, int Index, long Flags)> _versions = [];

    /// <summary>Reads an image.</summary>
    /// <param name="image">The whole file; changes are made in it.</param>
    /// <exception cref="InvalidDataException">It is no such file, or is damaged.</exception>
    public ElfSymbolVersions(byte[] image)
    {
        _image = image;

        // 0x7f ELF, 64 bits, little endian.
        if (!At(0, ElfHeaderSize)[..6].SequenceEqual((ReadOnlySpan<byte>)[0x7f, 0x45, 0x4c, 0x46, 2, 1]))
        {
            throw new InvalidDataException("The file is no 64-bit ELF file of a little-endian machine.");
        }

        ReadSegments();
        ReadVersions();
    }

    /// <summary>Libraries that it wants loaded with it, as it names them.</summary>
    public IEnumerable<string> Libraries => _needed.Select(Text);

    /// <summary>Whether it wants a version of some library.</summary>
    /// <param name="version">As <c>GLIBCXX_3.4.32</c>.</param>
    /// <returns>True when it does.</returns>
    public bool Wants(string version) => _versions.Any(entry => entry.Version == version);

    /// <summary>Symbols of a version that something in the image refers to, so that the loader looks them up.</summary>
    /// <param name="version">The version.</param>
    /// <returns>Their names, each once; empty where the version alone is asked for.</returns>
    public IReadOnlyList<string> Uses(string version) =>
        [.. Referred().Where(symbol => IsOf(symbol, version)).Select(NameOf).Distinct()];

    /// <summary>Asks for a symbol in another version, which the image wants, too.</summary>
    /// <param name="symbol">Name of the symbol, as the linker knows it.</param>
    /// <param name="from">The version it is asked for in now; in any other it stays as it is.</param>
    /// <param name="to">The version to ask for.</param>
    /// <exception cref="InvalidDataException">The image does not want that version of anything.</exception>
    public void Rebind(string symbol, string from, string to)
    {
        foreach (ulong index in Referred().Where(index => IsOf(index, from) && NameOf(index) == symbol).ToArray())
        {
            string library = _versions.First(entry => entry.Version == from).Library;
            int version = _versions.FirstOrDefault(entry => entry.Version == to && entry.Library == library).Index;
            if (version == 0)
            {
                throw new InvalidDataException($"The file asks for nothing of the version {to} of {library}.");
            }

            BinaryPrimitives.WriteUInt16LittleEndian(_image.AsSpan(VersionOffset(index), 2), (ushort)version);
        }
    }

    /// <summary>Lets the loader do without a version: whatever is not there of it must not be used.</summary>
    /// <param name="version">The version.</param>
    public void Weaken(string version)
    {
        foreach ((_, _, _, long flags) in _versions.Where(entry => entry.Version == version))
        {
            Span<byte> field = _image.AsSpan((int)flags, 2);
            BinaryPrimitives.WriteUInt16LittleEndian(
                field, (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(field) | WeakFlag));
        }
    }

    private void ReadSegments()
    {
        ulong headers = Word(32);
        int size = Half(54), count = Half(56);
        if (size < ProgramHeaderSize)
        {
            throw Damaged();
        }

        (ulong Offset, ulong Size)? dynamic = null;
        for (int i = 0; i < count; i++)
        {
            ulong at = headers + ((ulong)i * (ulong)size);
            At(at, ProgramHeaderSize);
            switch (Int(at))
            {
                case SegmentLoad:
                    _segments.Add((Word(at + 16), Word(at + 8), Word(at + 32)));
                    break;
                case SegmentDynamic:
                    dynamic = (Word(at + 8), Word(at + 32));
                    break;
            }
        }

        for (ulong entry = 0; entry + DynamicEntrySize <= (dynamic?.Size ?? 0); entry += DynamicEntrySize)
        {
            (ulong tag, ulong value) = (Word(dynamic!.Value.Offset + entry), Word(dynamic.Value.Offset + entry + 8));
            if (tag == Tag.End)
            {
                break;
            }

            if (tag == Tag.Needed)
            {
                _needed.Add(value);
            }

            _dynamic[tag] = value;
        }
    }

    // Records of libraries, each with a list of versions: offsets to the next, 0 in the last.
    private void ReadVersions()
    {
        if (!_dynamic.TryGetValue(Tag.VersionNeeds, out ulong address))
        {
            return;
        }

        ulong library = Offset(address), next;
        do
        {
            At(library, NeedSize);
            string name = Text(Int(library + 4));
            ulong version = library + Int(library + 8);
            uint following;
            do
            {
                At(version, NeedSize);
                _versions.Add((
                    name, Text(Int(version + 8)), BinaryPrimitives.ReadUInt16LittleEndian(At(version + 6, 2)),
                    (long)(version + 4)));
                following = Int(version + 12);
                version += following;
            }
            while (following != 0);

            next = Int(library + 12);
            library += next;
        }
        while (next != 0);
    }

    // Indices of the symbols of all relocations, among them those of calls.
    private IEnumerable<ulong> Referred()
    {
        foreach ((ulong table, ulong size) in (IEnumerable<(ulong, ulong)>)
            [(Tag.Relocations, Tag.RelocationsSize), (Tag.CallRelocations, Tag.CallRelocationsSize)])
        {
            if (!_dynamic.TryGetValue(table, out ulong address))
            {
                continue;
            }

            ulong offset = Offset(address), bytes = _dynamic.GetValueOrDefault(size);
            for (ulong entry = 0; entry + RelocationSize <= bytes; entry += RelocationSize)
            {
                ulong symbol = Word(offset + entry + 8) >> 32;
                if (symbol != 0)
                {
                    yield return symbol;
                }
            }
        }
    }

    private bool IsOf(ulong symbol, string version)
    {
        foreach ((_, string name, int index, _) in _versions)
        {
            if (name == version
                && (BinaryPrimitives.ReadUInt16LittleEndian(_image.AsSpan(VersionOffset(symbol), 2)) & ~HiddenBit)
                    == index)
            {
                return true;
            }
        }

        return false;
    }

    private int VersionOffset(ulong symbol)
    {
        ulong offset = Offset(Required(Tag.SymbolVersions)) + (2 * symbol);
        At(offset, 2);
        return (int)offset;
    }

    private string NameOf(ulong symbol) => Text(Int(Offset(Required(Tag.Symbols)) + (SymbolSize * symbol)));

    private string Text(ulong index)
    {
        ulong offset = Offset(Required(Tag.Strings)) + index;
        ReadOnlySpan<byte> rest = At(offset, 1);
        rest = _image.AsSpan((int)offset);
        int length = rest.IndexOf((byte)0);
        return length >= 0 ? Encoding.UTF8.GetString(rest[..length]) : throw Damaged();
    }

    private ulong Required(ulong tag) => _dynamic.TryGetValue(tag, out ulong value) ? value : throw Damaged();

    private ulong Offset(ulong address)
    {
        foreach ((ulong start, ulong offset, ulong size) in _segments)
        {
            if (address >= start && address - start < size)
            {
                return address - start + offset;
            }
        }

        throw Damaged();
    }

    private ulong Word(ulong offset) => BinaryPrimitives.ReadUInt64LittleEndian(At(offset, 8));

    private uint Int(ulong offset) => BinaryPrimitives.ReadUInt32LittleEndian(At(offset, 4));

    private ushort Half(ulong offset) => BinaryPrimitives.ReadUInt16LittleEndian(At(offset, 2));

    private ReadOnlySpan<byte> At(ulong offset, uint length) =>
        offset <= (ulong)_image.Length && length <= (ulong)_image.Length - offset
            ? _image.AsSpan((int)offset, (int)length)
            : throw Damaged();

    private static InvalidDataException Damaged() => new("The file is cut off or damaged.");

    // Tags of the dynamic section.
    private static class Tag
    {
        public const ulong End = 0, Needed = 1, Strings = 5, Symbols = 6, Relocations = 7, RelocationsSize = 8,
            CallRelocations = 23, CallRelocationsSize = 2, SymbolVersions = 0x6ffffff0, VersionNeeds = 0x6ffffffe;
    }
}

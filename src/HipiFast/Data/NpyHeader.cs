using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using HipiFast.Storage;

namespace HipiFast.Data;

/// <summary>
/// The header of an array of NumPy: a dictionary of Python, such as
/// <c>{'descr': '&lt;f4', 'fortran_order': False, 'shape': (3, 4), }</c>.
/// </summary>
internal sealed class NpyHeader
{
    /// <summary>Most bytes of a header that is read.</summary>
    public const int LongestBytes = 1 << 16;

    private const int MostExtents = 32;

    private readonly string _text;
    private int _at;

    private NpyHeader(string text) => _text = text;

    /// <summary>Bytes before the first element.</summary>
    public int Bytes { get; private init; }

    /// <summary>Type of the elements; null for one that is not read.</summary>
    public ElementType? Type { get; private set; }

    /// <summary>Extents, outermost first.</summary>
    public long[] Shape { get; private set; } = [];

    /// <summary>Why the array is not read, in a few words that follow its name; null where it is.</summary>
    public string? Problem { get; private set; }

    private static IReadOnlyDictionary<string, ElementType> Types { get; } = new Dictionary<string, ElementType>
    {
        ["f2"] = ElementType.Float16, ["f4"] = ElementType.Float32, ["f8"] = ElementType.Float64,
        ["i1"] = ElementType.Int8, ["i2"] = ElementType.Int16, ["i4"] = ElementType.Int32, ["i8"] = ElementType.Int64,
        ["u1"] = ElementType.UInt8, ["u2"] = ElementType.UInt16, ["u4"] = ElementType.UInt32,
        ["u8"] = ElementType.UInt64, ["b1"] = ElementType.Bool,

        // What ml_dtypes' bfloat16 becomes in a file.
        ["V2"] = ElementType.BFloat16,
    };

    /// <summary>Reads a header.</summary>
    /// <param name="first">The array's first bytes, <see cref="LongestBytes"/> or all of it.</param>
    /// <returns>The header; null where there is none.</returns>
    public static NpyHeader? Read(ReadOnlySpan<byte> first)
    {
        const int Prefix = 8;
        if (first.Length < Prefix + 4 || first[0] != 0x93 || !first[1..].StartsWith("NUMPY"u8) || first[6] is < 1 or > 3)
        {
            return null;
        }

        int lengthBytes = first[6] == 1 ? 2 : 4;
        uint length = lengthBytes == 2
            ? BinaryPrimitives.ReadUInt16LittleEndian(first[Prefix..])
            : BinaryPrimitives.ReadUInt32LittleEndian(first[Prefix..]);
        if (length > first.Length - Prefix - lengthBytes)
        {
            return null;
        }

        NpyHeader header = new(Encoding.UTF8.GetString(first.Slice(Prefix + lengthBytes, (int)length)))
        {
            Bytes = Prefix + lengthBytes + (int)length,
        };
        return header.Parse() ? header : null;
    }

    /// <summary>Writes a header.</summary>
    /// <param name="column">What follows it.</param>
    /// <returns>Its bytes, a multiple of 64.</returns>
    public static byte[] Write(DataColumn column)
    {
        const int Alignment = 64, Fixed = 10;
        string code = Types.First(entry => entry.Value == column.Type).Key;
        string order = ElementTypes.Bytes(column.Type) == 1 ? "|" : "<";
        string shape = string.Join(", ", column.Shape.Select(extent => extent.ToString(CultureInfo.InvariantCulture)));
        string text = $"{{'descr': '{order}{code}', 'fortran_order': False, "
            + $"'shape': ({shape}{(column.Shape.Count == 1 ? "," : string.Empty)}), }}";
        int padding = Alignment - ((Fixed + text.Length + 1) % Alignment);
        text += new string(' ', padding % Alignment) + "\n";
        byte[] bytes = new byte[Fixed + text.Length];
        bytes[0] = 0x93;
        "NUMPY"u8.CopyTo(bytes.AsSpan(1));
        bytes[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), (ushort)text.Length);
        Encoding.ASCII.GetBytes(text, bytes.AsSpan(Fixed));
        return bytes;
    }

    private bool Parse()
    {
        bool hasShape = false, isFortran = false, hasType = false;
        if (!Take('{'))
        {
            return false;
        }

        while (!Take('}'))
        {
            if (Quoted() is not string key || !Take(':'))
            {
                return false;
            }

            switch (key)
            {
                case "descr":
                    hasType = true;
                    if (Quoted() is not string type)
                    {
                        // A list of fields: nothing after it is looked at.
                        Problem = "it holds records of several fields";
                        return true;
                    }

                    SetType(type);
                    break;
                case "fortran_order":
                    isFortran = Word("True");
                    if (!isFortran && !Word("False"))
                    {
                        return false;
                    }

                    break;
                case "shape":
                    if (!TakeShape())
                    {
                        return false;
                    }

                    hasShape = true;
                    break;
                default:
                    return false;
            }

            Take(',');
        }

        if (isFortran && Shape.Length > 1)
        {
            Problem ??= "it is in Fortran order: save numpy.ascontiguousarray(x)";
        }

        return hasType && hasShape;
    }

    private void SetType(string type)
    {
        if (type.Length > 1 && type[0] == '>' && type[1..] is not ("b1" or "i1" or "u1"))
        {
            Problem = $"its elements are big-endian ({FileMessages.Cut(type)})";
        }
        else if (type.Length > 1 && type[0] is '<' or '|' or '=' or '>' && Types.TryGetValue(type[1..], out ElementType known))
        {
            Type = known;
        }
        else
        {
            Problem = $"its type is {FileMessages.Cut(type)}";
        }
    }

    private bool TakeShape()
    {
        if (!Take('('))
        {
            return false;
        }

        List<long> extents = [];
        while (!Take(')'))
        {
            int start = _at;
            while (_at < _text.Length && char.IsAsciiDigit(_text[_at]))
            {
                _at++;
            }

            if (extents.Count == MostExtents || !long.TryParse(
                _text.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out long extent))
            {
                return false;
            }

            extents.Add(extent);

            // Python 2 wrote long integers with an L.
            Take('L');
            Take(',');
        }

        Shape = [.. extents];
        return true;
    }

    private bool Take(char symbol)
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
        {
            _at++;
        }

        bool found = _at < _text.Length && _text[_at] == symbol;
        _at += found ? 1 : 0;
        while (found && _at < _text.Length && char.IsWhiteSpace(_text[_at]))
        {
            _at++;
        }

        return found;
    }

    private bool Word(string word)
    {
        bool found = _text.AsSpan(_at).StartsWith(word);
        _at += found ? word.Length : 0;
        return found;
    }

    private string? Quoted()
    {
        int end = _at < _text.Length && _text[_at] is '\'' or '"' ? _text.IndexOf(_text[_at], _at + 1) : -1;
        if (end < 0)
        {
            return null;
        }

        string content = _text[(_at + 1)..end];
        _at = end + 1;
        return content;
    }
}

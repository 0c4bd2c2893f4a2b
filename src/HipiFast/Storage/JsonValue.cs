using System.Text;
using System.Text.Json;

namespace HipiFast.Storage;

/// <summary>
/// A value of a JSON text that has been checked, as the bytes in which it stands: whatever its size, it takes no memory
/// of its own, and the items of an array are gone through in one pass.
/// </summary>
/// <param name="Utf8">The value's text.</param>
internal readonly record struct JsonValue(ReadOnlyMemory<byte> Utf8)
{
    /// <summary>What kind of value it is.</summary>
    public JsonValueKind ValueKind => Utf8.Span[0] switch
    {
        (byte)'{' => JsonValueKind.Object,
        (byte)'[' => JsonValueKind.Array,
        (byte)'"' => JsonValueKind.String,
        (byte)'t' => JsonValueKind.True,
        (byte)'f' => JsonValueKind.False,
        (byte)'n' => JsonValueKind.Null,
        _ => JsonValueKind.Number,
    };

    /// <summary>Number of an array's items, counted anew at each call.</summary>
    public int Count
    {
        get
        {
            int count = 0;
            foreach (JsonValue _ in this)
            {
                count++;
            }

            return count;
        }
    }

    /// <summary>The text of a string.</summary>
    /// <exception cref="InvalidOperationException">It is not Unicode.</exception>
    public string Text => Token().GetString()!;

    /// <summary>The value as it stands in the file, cut to a readable length.</summary>
    public string RawText => FileMessages.Cut(Encoding.UTF8.GetString(Utf8.Span));

    /// <summary>Reads a whole text.</summary>
    /// <param name="utf8">The text.</param>
    /// <returns>Its one value.</returns>
    /// <exception cref="JsonException">It is not JSON; line and byte say where.</exception>
    public static JsonValue Parse(ReadOnlyMemory<byte> utf8)
    {
        Utf8JsonReader reader = new(utf8.Span);
        reader.Read();
        int start = (int)reader.TokenStartIndex;
        reader.Skip();
        int end = (int)reader.BytesConsumed;

        // Anything but white space after the value makes this throw.
        reader.Read();
        return new JsonValue(utf8[start..end]);
    }

    /// <summary>Reads a text of one object: a file that a person writes, or what stands in its place.</summary>
    /// <typeparam name="T">What it describes.</typeparam>
    /// <param name="utf8">The text.</param>
    /// <param name="source">What the text is, as errors begin: <c>The task family file 'f.json'</c>.</param>
    /// <param name="build">Makes it of the object; an error of its own is one sentence that names the source.</param>
    /// <returns>What it describes.</returns>
    /// <exception cref="InvalidDataException">
    /// It is not JSON, not an object, or holds a string that is no text; one sentence that names the source.
    /// </exception>
    public static T ReadObject<T>(ReadOnlyMemory<byte> utf8, string source, Func<JsonValue, T> build)
    {
        try
        {
            JsonValue root = Parse(utf8);
            return root.ValueKind == JsonValueKind.Object
                ? build(root)
                : throw new InvalidDataException($"{source} holds {root.Describe()}; expected a JSON object.");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException(
                $"{source} is not valid JSON (line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1}).", error);
        }
        catch (InvalidOperationException error)
        {
            // What JSON calls a string may hold half a surrogate pair, which is no text.
            throw new InvalidDataException(
                $"{source} holds a string that is not Unicode text; expected well-formed keys and values.", error);
        }
    }

    /// <summary>What kind of value it is, in words that follow "is": <c>an array of 3</c>.</summary>
    public string Describe() => ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => $"an array of {Count}",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        _ => "null",
    };

    /// <summary>The number as a whole one.</summary>
    /// <param name="value">The number.</param>
    /// <returns>False for a fraction or one out of range.</returns>
    public bool TryGetInt32(out int value) => Token().TryGetInt32(out value);

    /// <summary>The number as a float; infinite beyond its range.</summary>
    public float GetSingle() => Token().GetSingle();

    /// <summary>The members of an object.</summary>
    /// <returns>Names and values in the order of the text; names may repeat.</returns>
    /// <exception cref="InvalidOperationException">A name is not Unicode.</exception>
    public List<(string Name, JsonValue Value)> Members()
    {
        List<(string, JsonValue)> members = [];
        Utf8JsonReader reader = new(Utf8.Span);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            int start = (int)reader.TokenStartIndex;
            reader.Skip();
            members.Add((name, new JsonValue(Utf8[start..(int)reader.BytesConsumed])));
        }

        return members;
    }

    /// <summary>Goes through the items of an array.</summary>
    public Items GetEnumerator() => new(Utf8);

    private Utf8JsonReader Token()
    {
        Utf8JsonReader reader = new(Utf8.Span);
        reader.Read();
        return reader;
    }

    /// <summary>The items of an array, one after the other.</summary>
    public ref struct Items
    {
        private readonly ReadOnlyMemory<byte> _array;
        private Utf8JsonReader _reader;

        internal Items(ReadOnlyMemory<byte> array)
        {
            _array = array;
            _reader = new Utf8JsonReader(array.Span);
            _reader.Read();
        }

        /// <summary>The item in hand.</summary>
        public JsonValue Current { get; private set; }

        /// <summary>Goes to the next item.</summary>
        public bool MoveNext()
        {
            if (!_reader.Read() || _reader.TokenType == JsonTokenType.EndArray)
            {
                return false;
            }

            int start = (int)_reader.TokenStartIndex;
            _reader.Skip();
            Current = new JsonValue(_array[start..(int)_reader.BytesConsumed]);
            return true;
        }
    }
}

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

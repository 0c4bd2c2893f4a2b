using System.Text;
using System.Text.Json;
using HipiFast.Storage;

namespace HipiFast.Benchmarking.Results;

/// <summary>
/// Goes through a JSON text in one pass, value by value, and counts its tokens: what is not asked for is passed over,
/// and what is of another kind than was asked for is as good as missing.
/// </summary>
internal sealed class JsonScan
{
    /// <summary>Reads the next value.</summary>
    /// <typeparam name="T">What it becomes.</typeparam>
    /// <param name="reader">Where the text has been read to; then at the value's last token.</param>
    public delegate T Reader<T>(ref Utf8JsonReader reader);

    /// <summary>Tokens gone through so far.</summary>
    public long Tokens { get; private set; }

    /// <summary>Whether the value in hand is an object; passes over what is none.</summary>
    public bool IsObject(ref Utf8JsonReader reader)
    {
        bool isObject = reader.TokenType == JsonTokenType.StartObject;
        if (!isObject)
        {
            SkipValue(ref reader);
        }

        return isObject;
    }

    /// <summary>Goes to the next member's name of an object, or to its end.</summary>
    public bool Member(ref Utf8JsonReader reader) =>
        Next(ref reader) && reader.TokenType == JsonTokenType.PropertyName;

    /// <summary>The next value's text; null where it is none.</summary>
    public string? Text(ref Utf8JsonReader reader)
    {
        Next(ref reader);
        string? text = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        SkipValue(ref reader);
        return text;
    }

    /// <summary>The next value as a number; NaN where it is none.</summary>
    public double Number(ref Utf8JsonReader reader)
    {
        Next(ref reader);
        double number = reader.TokenType == JsonTokenType.Number ? reader.GetDouble() : double.NaN;
        SkipValue(ref reader);
        return number;
    }

    /// <summary>The next value as it stands in the text, cut to a readable length.</summary>
    public string RawText(ref Utf8JsonReader reader, ReadOnlySpan<byte> utf8)
    {
        const int Longest = 400;
        Next(ref reader);
        int start = (int)reader.TokenStartIndex;
        SkipValue(ref reader);
        int length = (int)reader.BytesConsumed - start;
        return FileMessages.Cut(Encoding.UTF8.GetString(utf8.Slice(start, Math.Min(length, Longest))));
    }

    /// <summary>The text of one member of the next value; null where there is none.</summary>
    public string? TextWithin(ref Utf8JsonReader reader, ReadOnlySpan<byte> member) =>
        Within(ref reader, member, Text, null);

    /// <summary>The number of one member of the next value; NaN where there is none.</summary>
    public double NumberWithin(ref Utf8JsonReader reader, ReadOnlySpan<byte> member) =>
        Within(ref reader, member, Number, double.NaN);

    /// <summary>Passes over the value of the member whose name is in hand.</summary>
    public void Skip(ref Utf8JsonReader reader)
    {
        Next(ref reader);
        SkipValue(ref reader);
    }

    /// <summary>Goes to the last token of the value whose first one is in hand.</summary>
    public void SkipValue(ref Utf8JsonReader reader)
    {
        if (reader.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject)
        {
            int depth = reader.CurrentDepth;
            while (Next(ref reader) && reader.CurrentDepth > depth)
            {
            }
        }
    }

    /// <summary>Goes to the next token.</summary>
    public bool Next(ref Utf8JsonReader reader)
    {
        Tokens++;
        return reader.Read();
    }

    private T Within<T>(ref Utf8JsonReader reader, ReadOnlySpan<byte> member, Reader<T> read, T otherwise)
    {
        T found = otherwise;
        Next(ref reader);
        bool isObject = IsObject(ref reader);
        while (isObject && Member(ref reader))
        {
            if (reader.ValueTextEquals(member))
            {
                found = read(ref reader);
            }
            else
            {
                Skip(ref reader);
            }
        }

        return found;
    }
}

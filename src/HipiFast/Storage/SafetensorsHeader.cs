using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace HipiFast.Storage;

/// <summary>
/// The JSON header of a safetensors file: <c>{"__metadata__": {"k": "v"}, "name": {"dtype": "F32", "shape": [2, 3],
/// "data_offsets": [0, 24]}}</c>, offsets counted from the first byte after the header. Tensors must tile the data: no
/// overlap, no hole, no bytes left over.
/// </summary>
/// <remarks>
/// Nothing in the header is believed before it is checked. What is allocated is bounded by the header: the format's own
/// limit on its length, <see cref="MaxRank"/> extents, <see cref="MaxMetadataEntries"/> metadata entries,
/// <see cref="MaxTensors"/> tensors. Tensors of types that are not read here are listed and left alone. Offsets that
/// are no multiple of the element size are accepted, as the format has no such rule and tensors are copied, never
/// mapped.
/// </remarks>
internal static class SafetensorsHeader
{
    /// <summary>Bytes of the header length that precede the header.</summary>
    public const int PrefixBytes = 8;

    /// <summary>Longest header, the limit of the format's own implementation.</summary>
    public const int MaxBytes = 100_000_000;

    /// <summary>Most extents of a shape.</summary>
    public const int MaxRank = 64;

    /// <summary>
    /// Most entries of <c>__metadata__</c>; each may be only eight bytes in the file but takes objects here.
    /// </summary>
    public const int MaxMetadataEntries = 65_536;

    /// <summary>Most tensors; an empty one may be only fifty bytes in the file but takes objects here.</summary>
    public const int MaxTensors = 65_536;

    // {"":{"dtype":"U8","shape":[],"data_offsets":[0,0]}}
    private const int ShortestEntry = 48;

    private const string MetadataName = "__metadata__";

    // Legal headers nest three deep; one more lets the parser meet the surplus bracket and say which tensor it is in.
    private const int MaxDepth = 4;

    /// <summary>Reads and checks the header.</summary>
    /// <param name="file">The file's path, for errors.</param>
    /// <param name="header">The JSON text.</param>
    /// <param name="dataLength">Bytes of the file after the header.</param>
    /// <param name="metadata">Receives the metadata.</param>
    /// <returns>The tensors in the header's order, by name.</returns>
    /// <exception cref="InvalidDataException">
    /// One sentence that names the file and, where there is one, the tensor.
    /// </exception>
    public static Dictionary<string, TensorInfo> Parse(
        string file, ReadOnlySpan<byte> header, long dataLength, Dictionary<string, string> metadata)
    {
        if (header.IsEmpty || header[0] != (byte)'{')
        {
            throw new InvalidDataException($"The safetensors header of '{file}' does not begin with '{{'.");
        }

        if (!Utf8.IsValid(header))
        {
            throw new InvalidDataException($"The safetensors header of '{file}' is not valid UTF-8.");
        }

        // No entry is shorter, so the table never grows, and is never much larger than the header.
        var tensors = new Dictionary<string, TensorInfo>(Math.Min(header.Length / ShortestEntry, MaxTensors));
        long[] shape = [];
        var reader = new Utf8JsonReader(header, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            reader.Read();
            bool hasMetadata = false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = Text(ref reader, file);
                if (name == MetadataName)
                {
                    if (hasMetadata)
                    {
                        throw new InvalidDataException(
                            $"The safetensors header of '{file}' has two entries {MetadataName}.");
                    }

                    hasMetadata = true;
                    ParseMetadata(ref reader, file, metadata);
                }
                else if (tensors.Count == MaxTensors)
                {
                    throw new InvalidDataException($"'{file}' has more than {MaxTensors} tensors.");
                }
                else if (
                    !tensors.TryAdd(name, ParseTensor(ref reader, file, name, header.Length, dataLength, ref shape)))
                {
                    throw new InvalidDataException($"Tensor {DisplayText.Quote(name)} is twice in '{file}'.");
                }
            }

            // The closing brace has been read; anything but white space after it makes this throw.
            reader.Read();
        }
        catch (JsonException)
        {
            throw new InvalidDataException(
                $"The safetensors header of '{file}' is not valid JSON near byte "
                + $"{PrefixBytes + reader.BytesConsumed}.");
        }

        CheckTiling(file, tensors, PrefixBytes + (long)header.Length, dataLength);
        return tensors;
    }

    /// <summary>
    /// Writes prefix and header for tensors laid out in the given order, and pads with spaces to a multiple of eight
    /// bytes.
    /// </summary>
    /// <param name="tensors">Tensors in the order of their data; their offsets are not used.</param>
    /// <param name="metadata">Metadata in the order to write.</param>
    /// <exception cref="ArgumentException">The header would be longer than <see cref="MaxBytes"/>.</exception>
    public static byte[] Format(
        IEnumerable<TensorInfo> tensors, IReadOnlyCollection<KeyValuePair<string, string>> metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.GetSpan(PrefixBytes)[..PrefixBytes].Clear();
        buffer.Advance(PrefixBytes);
        using (var writer = new Utf8JsonWriter(
            buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            if (metadata.Count > 0)
            {
                writer.WriteStartObject(MetadataName);
                foreach ((string key, string value) in metadata)
                {
                    writer.WriteString(key, value);
                }

                writer.WriteEndObject();
            }

            long begin = 0;
            foreach (TensorInfo tensor in tensors)
            {
                writer.WriteStartObject(tensor.Name);
                writer.WriteString("dtype", tensor.TypeName);
                writer.WriteStartArray("shape");
                foreach (long extent in tensor.Shape)
                {
                    writer.WriteNumberValue(extent);
                }

                writer.WriteEndArray();
                writer.WriteStartArray("data_offsets");
                writer.WriteNumberValue(begin);
                begin = checked(begin + tensor.ByteLength);
                writer.WriteNumberValue(begin);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        int padding = -buffer.WrittenCount & (PrefixBytes - 1);
        buffer.GetSpan(PrefixBytes)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        byte[] bytes = buffer.WrittenSpan.ToArray();
        int headerBytes = bytes.Length - PrefixBytes;
        if (headerBytes > MaxBytes)
        {
            throw new ArgumentException(
                $"Names and metadata make a safetensors header of {headerBytes} bytes; the format allows {MaxBytes}.");
        }

        System.Buffers.Binary.BinaryPrimitives.WriteInt64LittleEndian(bytes, headerBytes);
        return bytes;
    }

    /// <summary>Whether a name is the format's own and cannot name a tensor.</summary>
    public static bool IsReserved(string name) => name == MetadataName;

    private static void ParseMetadata(ref Utf8JsonReader reader, string file, Dictionary<string, string> metadata)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new InvalidDataException(
                $"Entry {MetadataName} of '{file}' is {Describe(reader.TokenType)}; expected an object of strings.");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = Text(ref reader, file);
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw new InvalidDataException(
                    $"Metadata {DisplayText.Quote(key)} of '{file}' is {Describe(reader.TokenType)}; expected a "
                    + "string.");
            }

            if (metadata.Count == MaxMetadataEntries)
            {
                throw new InvalidDataException($"'{file}' has more than {MaxMetadataEntries} metadata entries.");
            }

            if (!metadata.TryAdd(key, Text(ref reader, file)))
            {
                throw new InvalidDataException($"Metadata {DisplayText.Quote(key)} is twice in '{file}'.");
            }
        }
    }

    // Equal shapes in a row share one array: the latest is that of the tensor before, then this tensor's.
    private static TensorInfo ParseTensor(
        ref Utf8JsonReader reader, string file, string name, int headerLength, long dataLength, ref long[] latest)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Invalid(
                file, name,
                $"is described by {Describe(reader.TokenType)}; expected an object with dtype, shape and data_offsets");
        }

        TensorType? type = null;
        string typeName = string.Empty;
        long[]? shape = null;
        long begin = -1, end = -1;
        Span<long> numbers = stackalloc long[MaxRank];
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool repeated;
            if (Is(ref reader, file, "dtype"u8))
            {
                repeated = type is not null;
                type = ParseType(ref reader, file, name, out typeName);
            }
            else if (Is(ref reader, file, "shape"u8))
            {
                repeated = shape is not null;
                Span<long> extents = numbers[..ParseIntegers(ref reader, file, name, "shape", numbers)];
                shape = extents.SequenceEqual(latest) ? latest : latest = extents.ToArray();
            }
            else if (Is(ref reader, file, "data_offsets"u8))
            {
                repeated = begin >= 0;
                if (ParseIntegers(ref reader, file, name, "data_offsets", numbers[..2]) != 2)
                {
                    throw Invalid(file, name, "has fewer than two data_offsets; expected begin and end");
                }

                (begin, end) = (numbers[0], numbers[1]);
            }
            else
            {
                string entry = DisplayText.Quote(Text(ref reader, file));
                throw Invalid(file, name, $"has an unknown entry {entry}; expected dtype, shape and data_offsets");
            }

            if (repeated)
            {
                throw Invalid(file, name, "has an entry twice; expected dtype, shape and data_offsets once each");
            }
        }

        if (type is null || shape is null || begin < 0)
        {
            string missing = type is null ? "dtype" : shape is null ? "shape" : "data_offsets";
            throw Invalid(file, name, $"has no {missing}");
        }

        if (begin > end)
        {
            throw Invalid(file, name, $"begins at data byte {begin} and ends before it, at {end}");
        }

        if (end > dataLength)
        {
            throw Invalid(
                file, name,
                $"ends at data byte {end}, but the file has {dataLength} bytes of data: it is truncated or wrong");
        }

        int size = TensorTypes.Size(type.Value);
        if (!TensorInfo.TryCountElements(shape, out long count) || count > long.MaxValue / size)
        {
            throw Invalid(file, name, $"has shape {TensorInfo.Describe(shape)}, more elements than a file can hold");
        }

        if (type != TensorType.Other && end - begin != count * size)
        {
            throw Invalid(
                file, name,
                $"has {end - begin} bytes; shape {TensorInfo.Describe(shape)} of {typeName} takes {count * size}");
        }

        return new TensorInfo(
            name, type.Value, shape, PrefixBytes + headerLength + begin, end - begin) { TypeName = typeName };
    }

    private static TensorType ParseType(ref Utf8JsonReader reader, string file, string name, out string formatName)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.String)
        {
            throw Invalid(file, name, $"has {Describe(reader.TokenType)} as dtype; expected a string");
        }

        foreach (TensorType type in TensorTypes.Ours)
        {
            formatName = TensorTypes.FormatName(type);
            if (reader.ValueIsEscaped ? Text(ref reader, file) == formatName : reader.ValueTextEquals(formatName))
            {
                return type;
            }
        }

        formatName = Text(ref reader, file);
        return TensorType.Other;
    }

    /// <summary>Reads an array of integers, 0 or more, no longer than <paramref name="values"/>.</summary>
    private static int ParseIntegers(
        ref Utf8JsonReader reader, string file, string name, string entry, scoped Span<long> values)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw Invalid(file, name, $"has {Describe(reader.TokenType)} as {entry}; expected an array of integers");
        }

        int count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (count == values.Length)
            {
                throw Invalid(file, name, $"has more than {values.Length} numbers in {entry}");
            }

            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out values[count]) || values[count] < 0)
            {
                string found = reader.TokenType == JsonTokenType.Number
                    ? Number(ref reader)
                    : Describe(reader.TokenType);
                throw Invalid(file, name, $"has {found} in {entry}; expected integers from 0 to 2^63 - 1");
            }

            count++;
        }

        return count;
    }

    private static void CheckTiling(
        string file, Dictionary<string, TensorInfo> tensors, long dataStart, long dataLength)
    {
        TensorInfo[] ordered = [.. tensors.Values];
        Array.Sort(ordered, static (a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset)
            : a.ByteLength.CompareTo(b.ByteLength));
        long end = dataStart;
        TensorInfo? previous = null;
        foreach (TensorInfo tensor in ordered)
        {
            if (tensor.Offset < end)
            {
                throw Invalid(
                    file, tensor.Name,
                    $"overlaps tensor {DisplayText.Quote(previous!.Name)}, which ends at data byte {end - dataStart}");
            }

            if (tensor.Offset > end)
            {
                long hole = tensor.Offset - end;
                throw Invalid(
                    file, tensor.Name,
                    $"begins at data byte {tensor.Offset - dataStart}, after a hole of {hole} bytes");
            }

            end = tensor.Offset + tensor.ByteLength;
            previous = tensor;
        }

        long surplus = dataStart + dataLength - end;
        if (surplus != 0)
        {
            throw new InvalidDataException(
                $"'{file}' has {surplus} bytes of data after its last tensor that belong to none.");
        }
    }

    // Whether a name is this one, without a string for it unless it is written with escapes.
    private static bool Is(ref Utf8JsonReader reader, string file, ReadOnlySpan<byte> name) => reader.ValueIsEscaped
        ? Text(ref reader, file) == System.Text.Encoding.UTF8.GetString(name)
        : reader.ValueSpan.SequenceEqual(name);

    private static string Text(ref Utf8JsonReader reader, string file)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair as an escape: valid JSON, but no text.
            long position = PrefixBytes + reader.TokenStartIndex;
            throw new InvalidDataException(
                $"The safetensors header of '{file}' holds a string that is not valid Unicode near byte {position}.");
        }
    }

    private static string Number(ref Utf8JsonReader reader) =>
        DisplayText.Quote(
            System.Text.Encoding.ASCII.GetString(reader.ValueSpan[..Math.Min(reader.ValueSpan.Length, 100)]));

    private static string Describe(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.True or JsonTokenType.False => "true or false",
        JsonTokenType.Null => "null",
        _ => string.Create(CultureInfo.InvariantCulture, $"{token}"),
    };

    private static InvalidDataException Invalid(string file, string name, string what) =>
        new($"{FileMessages.Tensor(name, file)} {what}.");
}

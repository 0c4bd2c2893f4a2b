using System.Text.Json;
using HipiFast.Storage;

namespace HipiFast.Options;

/// <summary>
/// Some keys with values: what one source (a file, the command line) says. Later layers win over earlier ones.
/// </summary>
/// <typeparam name="TRecord">The record whose keys they are.</typeparam>
public sealed class OptionLayer<TRecord>
    where TRecord : class, new()
{
    private const int LargestFile = 1 << 20;

    private readonly Dictionary<OptionKey<TRecord>, object?> _values = [];

    /// <summary>The keys that the layer gives.</summary>
    public IReadOnlyCollection<OptionKey<TRecord>> Keys => _values.Keys;

    /// <summary>Reads a JSON file of keys, all or some of them.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The layer.</returns>
    /// <exception cref="InvalidDataException">
    /// The file is not JSON, a key is unknown, or a value is of a wrong type or out of range: one sentence.
    /// </exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">It is a directory or cannot be read.</exception>
    public static OptionLayer<TRecord> Read(string path) => Parse(ReadText(path), $" in {path}");

    /// <summary>The text of a configuration file.</summary>
    internal static string ReadText(string path) =>
        InputFile.ReadAllText(path, "configuration file (JSON)", LargestFile);

    /// <summary>Reads keys from JSON text.</summary>
    /// <param name="json">An object of keys.</param>
    /// <param name="where">Where the text stood, for messages (" in FILE").</param>
    /// <returns>The layer.</returns>
    /// <exception cref="InvalidDataException">As for <see cref="Read"/>.</exception>
    public static OptionLayer<TRecord> Parse(string json, string where)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(
                json,
                new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                string kind = document.RootElement.ValueKind.ToString().ToLowerInvariant();
                throw new InvalidDataException($"Found a JSON {kind}{where}; expected an object of keys.");
            }

            OptionLayer<TRecord> layer = new();
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                OptionKey<TRecord> key = OptionKeys<TRecord>.Find(property.Name, where);
                if (!layer._values.TryAdd(key, key.FromJson(property.Value, where)))
                {
                    throw new InvalidDataException($"The key '{key.Name}' stands twice{where}; expected it once.");
                }
            }

            return layer;
        }
        catch (JsonException error)
        {
            long line = (error.LineNumber ?? 0) + 1;
            throw new InvalidDataException(
                $"Found text that is not JSON{where} at line {line}; expected an object of keys.", error);
        }
        catch (InvalidOperationException error)
        {
            // What JSON calls a string may hold half a surrogate pair, which is no text.
            throw new InvalidDataException(
                $"Found a string that is not Unicode text{where}; expected well-formed keys and values.", error);
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException(error.Message, error);
        }
    }

    /// <summary>Gives a key a value.</summary>
    /// <param name="key">The key.</param>
    /// <param name="text">The value as on the command line.</param>
    /// <exception cref="ArgumentException">The value is of a wrong type or out of range.</exception>
    public void Set(OptionKey<TRecord> key, string text)
    {
        ArgumentNullException.ThrowIfNull(key);
        _values[key] = key.Parse(text);
    }

    /// <summary>Gives a key a value.</summary>
    /// <param name="name">Name of the key, snake_case.</param>
    /// <param name="text">The value as on the command line.</param>
    /// <exception cref="ArgumentException">
    /// There is no such key, or the value is of a wrong type or out of range.
    /// </exception>
    public void Set(string name, string text) => Set(OptionKeys<TRecord>.Find(name), text);

    /// <summary>The value of a key, when the layer gives it.</summary>
    /// <typeparam name="T">Type of the value.</typeparam>
    /// <param name="name">Name of the key, snake_case.</param>
    /// <param name="value">The value.</param>
    /// <returns>Whether the layer gives it.</returns>
    public bool TryGet<T>(string name, out T? value)
    {
        bool given = _values.TryGetValue(OptionKeys<TRecord>.Find(name), out object? found);
        value = given ? (T?)found : default;
        return given;
    }

    /// <summary>A record with this layer's values in place of its own.</summary>
    /// <param name="record">The record; not changed.</param>
    /// <returns>A copy.</returns>
    public TRecord Apply(TRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        foreach ((OptionKey<TRecord> key, object? value) in _values)
        {
            record = key.With(record, value);
        }

        return record;
    }
}

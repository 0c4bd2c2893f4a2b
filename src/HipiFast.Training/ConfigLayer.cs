using System.Text.Json;
using HipiFast.Relabeling;
using HipiFast.Storage;

namespace HipiFast.Training;

/// <summary>Some keys with values: what one source (a file, the command line) says. Later layers win over earlier ones.</summary>
public sealed class ConfigLayer
{
    private const int LargestFile = 1 << 20;

    private readonly Dictionary<ConfigKey, object?> _values = [];

    /// <summary>The keys that the layer gives.</summary>
    public IReadOnlyCollection<ConfigKey> Keys => _values.Keys;

    /// <summary>Reads a JSON file of keys, all or some of them.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The layer.</returns>
    /// <exception cref="InvalidDataException">The file is not JSON, a key is unknown, or a value is of a wrong type or out of range: one
    /// sentence.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">It is a directory or cannot be read.</exception>
    public static ConfigLayer Read(string path)
    {
        return Parse(ReadText(path), $" in {path}");
    }

    /// <summary>The text of a configuration file.</summary>
    internal static string ReadText(string path) => InputFile.ReadAllText(path, "configuration file (JSON)", LargestFile);

    /// <summary>Reads keys from JSON text.</summary>
    /// <param name="json">An object of keys.</param>
    /// <param name="where">Where the text stood, for messages (" in FILE").</param>
    /// <returns>The layer.</returns>
    /// <exception cref="InvalidDataException">As for <see cref="Read"/>.</exception>
    public static ConfigLayer Parse(string json, string where)
    {
        try
        {
            using JsonDocument document =
                JsonDocument.Parse(json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new InvalidDataException(
                    $"Found a JSON {document.RootElement.ValueKind.ToString().ToLowerInvariant()}{where}; expected an object of keys.");
            }

            ConfigLayer layer = new();
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                ConfigKey key = ConfigKey.Find(property.Name, where);
                if (!layer._values.TryAdd(key, key.FromJson(property.Value, where)))
                {
                    throw new InvalidDataException($"The key '{key.Name}' stands twice{where}; expected it once.");
                }
            }

            return layer;
        }
        catch (JsonException error)
        {
            throw new InvalidDataException(
                $"Found text that is not JSON{where} at line {(error.LineNumber ?? 0) + 1}; expected an object of keys.", error);
        }
        catch (InvalidOperationException error)
        {
            // What JSON calls a string may hold half a surrogate pair, which is no text.
            throw new InvalidDataException($"Found a string that is not Unicode text{where}; expected well-formed keys and values.", error);
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
    public void Set(ConfigKey key, string text)
    {
        ArgumentNullException.ThrowIfNull(key);
        _values[key] = key.Parse(text);
    }

    /// <summary>The value of a key, when the layer gives it.</summary>
    /// <typeparam name="T">Type of the value.</typeparam>
    /// <param name="property">Name of the property of <see cref="TrainingConfig"/>.</param>
    /// <param name="value">The value.</param>
    /// <returns>Whether the layer gives it.</returns>
    public bool TryGet<T>(string property, out T? value)
    {
        foreach ((ConfigKey key, object? found) in _values)
        {
            if (key.Name == ConfigKey.Kebab(property).Replace('-', '_'))
            {
                value = (T?)found;
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <summary>The configuration with this layer's values in place of its own.</summary>
    /// <param name="config">The configuration; not changed.</param>
    /// <returns>A copy.</returns>
    public TrainingConfig Apply(TrainingConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        TrainingConfig result = config with { };
        foreach ((ConfigKey key, object? value) in _values)
        {
            key.Set(result, value);
        }

        return result;
    }
}

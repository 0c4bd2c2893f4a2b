using System.Reflection;
using HipiFast.Storage;

namespace HipiFast.Options;

/// <summary>The keys of a record of options, as its properties and those of its parts declare them.</summary>
/// <typeparam name="TRecord">The record.</typeparam>
public static class OptionKeys<TRecord>
    where TRecord : class, new()
{
    /// <summary>All keys, in the order in which files and help list them.</summary>
    public static IReadOnlyList<OptionKey<TRecord>> All { get; } = InOrder(Collect(typeof(TRecord), [], isPart: false));

    /// <summary>The key of a JSON name.</summary>
    /// <param name="name">snake_case.</param>
    /// <param name="where">Where the name stood, for the message.</param>
    /// <returns>The key.</returns>
    /// <exception cref="ArgumentException">There is no such key; the message suggests the nearest.</exception>
    public static OptionKey<TRecord> Find(string name, string where = "") =>
        All.FirstOrDefault(key => key.Name == name)
        ?? throw new ArgumentException(
            $"Unknown key '{name}'{where}{NearestName.Suggestion(name, All.Select(key => key.Name))}.");

    /// <summary>A record as JSON, every key given.</summary>
    /// <param name="record">The record.</param>
    /// <returns>Indented text with a final line end.</returns>
    public static string ToJson(TRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return JsonText.Write(writer =>
        {
            writer.WriteStartObject();
            foreach (OptionKey<TRecord> key in All)
            {
                key.WriteJson(writer, record);
            }

            writer.WriteEndObject();
        });
    }

    /// <summary>Throws when a key has a value that could not be typed.</summary>
    /// <param name="record">The record.</param>
    /// <exception cref="ArgumentException">
    /// One sentence naming the key, what was found and what was expected.
    /// </exception>
    internal static void Check(TRecord record)
    {
        foreach (OptionKey<TRecord> key in All)
        {
            key.Check(record);
        }
    }

    private static IEnumerable<OptionKey<TRecord>> Collect(Type record, PropertyInfo[] path, bool isPart)
    {
        foreach (OptionProperty option in OptionProperty.Of(record))
        {
            if (isPart && !option.IsListed)
            {
                continue;
            }

            if (option.Rule is not null)
            {
                yield return new OptionKey<TRecord>(path, option);
                continue;
            }

            PropertyInfo[] further = [.. path, option.Property];
            foreach (OptionKey<TRecord> key in Collect(option.Property.PropertyType, further, isPart: true))
            {
                yield return key;
            }
        }
    }

    private static List<OptionKey<TRecord>> InOrder(IEnumerable<OptionKey<TRecord>> declared)
    {
        List<OptionKey<TRecord>> keys = [.. declared];
        foreach (OptionKey<TRecord> key in keys.Where(key => key.After is not null).ToArray())
        {
            keys.Remove(key);
            keys.Insert(keys.FindIndex(other => other.Name == key.After) + 1, key);
        }

        return keys;
    }
}

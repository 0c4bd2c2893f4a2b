using System.Text;
using System.Text.Json;

namespace HipiFast.Storage;

/// <summary>JSON as it is written everywhere: indented, with line feeds on every system.</summary>
internal static class JsonText
{
    /// <summary>How it is written.</summary>
    public static JsonWriterOptions Options => new() { Indented = true, NewLine = "\n" };

    /// <summary>Writes a document.</summary>
    /// <param name="content">Writes its one value.</param>
    /// <returns>The text, with a final line end.</returns>
    public static string Write(Action<Utf8JsonWriter> content)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, Options))
        {
            content(writer);
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length) + "\n";
    }
}

using System.Text;

namespace HipiFast.Storage;

/// <summary>Wording shared by the errors about files: names are quoted, cut to a readable length and free of control characters.</summary>
internal static class FileMessages
{
    private const int LongestName = 80;

    /// <summary>A name from a file as it can stand in a sentence, whatever bytes the file held.</summary>
    public static string Quote(string name) => $"'{Cut(name)}'";

    /// <summary><see cref="Quote"/> without the quotes.</summary>
    public static string Cut(string name)
    {
        var text = new StringBuilder();
        foreach (char c in name.AsSpan(0, Math.Min(name.Length, LongestName)))
        {
            text.Append(char.IsControl(c) || char.IsSurrogate(c) ? '?' : c);
        }

        return text.Append(name.Length > LongestName ? "..." : "").ToString();
    }

    /// <summary>How errors name a tensor of a file: <c>Tensor 'x' of 'agent.safetensors'</c>.</summary>
    public static string Tensor(string name, string file) => $"Tensor {Quote(name)} of '{file}'";

    /// <summary>The reason of a failed file operation without the runtime's final full stop, so that it can end a sentence of ours.</summary>
    public static string Reason(Exception error) => error switch
    {
        UnauthorizedAccessException => "permission denied",
        PathTooLongException => "the path is too long",
        _ => error.Message.ReplaceLineEndings(" ").TrimEnd('.', ' '),
    };
}

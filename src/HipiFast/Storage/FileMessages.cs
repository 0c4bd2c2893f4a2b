namespace HipiFast.Storage;

/// <summary>Wording shared by the errors about files.</summary>
internal static class FileMessages
{
    /// <summary><see cref="DisplayText.Quote"/> without the quotes.</summary>
    public static string Cut(string name) => DisplayText.Quote(name)[1..^1];

    /// <summary>How errors name a tensor of a file: <c>Tensor 'x' of 'agent.safetensors'</c>.</summary>
    public static string Tensor(string name, string file) => $"Tensor {DisplayText.Quote(name)} of '{file}'";

    /// <summary>
    /// The reason of a failed file operation without the runtime's final full stop, so that it can end a sentence of
    /// ours.
    /// </summary>
    public static string Reason(Exception error) => error switch
    {
        UnauthorizedAccessException => "permission denied",
        PathTooLongException => "the path is too long",
        _ => WithoutPath(error.Message.ReplaceLineEndings(" ")).TrimEnd('.', ' '),
    };

    // The runtime adds the path that it was given, which is a temporary one.
    private static string WithoutPath(string message)
    {
        int path = message.LastIndexOf(" : '", StringComparison.Ordinal);
        return path > 0 && message.EndsWith('\'') ? message[..path] : message;
    }
}

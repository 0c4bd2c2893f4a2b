using System.Text;

namespace HipiFast.Cli;

/// <summary>A writer that passes everything on until that fails, says so once, and swallows what comes after.</summary>
/// <param name="inner">Where text goes; null when it was never open.</param>
/// <param name="lost">Told why, at the first text that cannot be written.</param>
internal sealed class EnduringWriter(TextWriter? inner, Action<string> lost) : TextWriter
{
    private TextWriter? _inner = inner;
    private bool _isLost;

    /// <inheritdoc/>
    public override Encoding Encoding => _inner?.Encoding ?? Encoding.UTF8;

    /// <inheritdoc/>
    public override void Write(char value) => Write(new ReadOnlySpan<char>(in value));

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    /// <inheritdoc/>
    public override void Write(string? value) => Write(value.AsSpan());

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer)
    {
        if (_inner is null && !buffer.IsEmpty)
        {
            Lose("it is closed");
            return;
        }

        try
        {
            _inner?.Write(buffer);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            _inner = null;
            Lose(error.Message.TrimEnd('.'));
        }
    }

    /// <inheritdoc/>
    public override void WriteLine(string? value) => Write(value + NewLine);

    /// <inheritdoc/>
    public override void Flush()
    {
        try
        {
            _inner?.Flush();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            _inner = null;
            Lose(error.Message.TrimEnd('.'));
        }
    }

    private void Lose(string reason)
    {
        if (!_isLost)
        {
            _isLost = true;
            lost(reason);
        }
    }
}

using Microsoft.Win32.SafeHandles;

namespace HipiFast.Storage;

/// <summary>
/// Reads a file line by line with a buffer of one line's greatest length; the last line must have its end.
/// </summary>
/// <param name="handle">The file.</param>
/// <param name="path">Its path, for errors.</param>
/// <param name="length">Its length.</param>
internal sealed class CsvLines(SafeFileHandle handle, string path, long length)
{
    private const int LongestLine = 1 << 16;

    private readonly byte[] _buffer = new byte[Math.Min(length, LongestLine)];
    private long _offset;
    private int _line;
    private int _start;
    private int _end;

    /// <summary>Reads a line.</summary>
    /// <param name="line">The line without its end (<c>\n</c> or <c>\r\n</c>), valid until the next call.</param>
    /// <returns>False at the end of the file.</returns>
    /// <exception cref="InvalidDataException">The line is too long, or the file ends within it.</exception>
    public bool Next(out ReadOnlySpan<byte> line)
    {
        _line++;
        int end;
        while ((end = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n')) < 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            int read = RandomAccess.Read(handle, _buffer.AsSpan(_end), _offset);
            if (read == 0)
            {
                line = default;
                return _end == 0
                    ? false
                    : throw new InvalidDataException(
                        _end == LongestLine
                            ? $"Line {_line} of '{path}' is longer than {LongestLine} bytes."
                            : $"'{path}' ends in the middle of line {_line}: it was cut; expected a line end after the "
                                + "last number.");
            }

            _offset += read;
            _end += read;
        }

        line = _buffer.AsSpan(_start, end);
        _start += end + 1;
        if (line.EndsWith((byte)'\r'))
        {
            line = line[..^1];
        }

        return true;
    }
}

using System.Text;

namespace HipiFast.Native;

/// <summary>What callers hand over, looked at before anything else is done with it.</summary>
internal static unsafe class Arguments
{
    private const int MostTextBytes = 64 << 20;

    /// <summary>Text, UTF-8 with a final zero.</summary>
    /// <exception cref="ArgumentException">It is null, not UTF-8 or longer than 64 MiB.</exception>
    public static string Text(byte* text, string what)
    {
        Require(text, what);
        int length = 0;
        while (text[length] != 0)
        {
            if (++length > MostTextBytes)
            {
                throw new ArgumentException(
                    $"The {what} has no end within {MostTextBytes} bytes; expected a final zero.");
            }
        }

        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(text, length);
        }
        catch (DecoderFallbackException error)
        {
            throw new ArgumentException($"The {what} is not UTF-8.", error);
        }
    }

    /// <summary>Text that may be left out.</summary>
    public static string? OptionalText(byte* text, string what) => text == null ? null : Text(text, what);

    /// <summary>Throws at null.</summary>
    public static void Require(void* pointer, string what)
    {
        if (pointer == null)
        {
            throw new ArgumentException($"The {what} is null; expected its address.");
        }
    }

    /// <summary>Throws at a count that is too small, or beyond what one call takes.</summary>
    public static int Count(long count, string what, int least = 1) => count >= least && count <= int.MaxValue
        ? (int)count
        : throw new ArgumentException($"There are {count} {what}; expected {least} to {int.MaxValue}.");

    /// <summary>A matrix that must be there.</summary>
    public static Span<float> Matrix(float* values, long rows, long columns, string what)
    {
        Require(values, what);
        if ((long)values % sizeof(float) != 0)
        {
            throw new ArgumentException($"The {what} does not lie at a multiple of {sizeof(float)} bytes.");
        }

        return new Span<float>(values, Entries(rows, columns, what));
    }

    /// <summary>Entries of a matrix; throws where they are more than one call takes.</summary>
    public static int Entries(long rows, long columns, string what = "matrix")
    {
        long length = rows * columns;
        return length is >= 0 and <= int.MaxValue
            ? (int)length
            : throw new ArgumentException(
                $"The {what} has {rows} x {columns} entries; expected {int.MaxValue} at the most.");
    }
}

using System.Globalization;

namespace HipiFast.Storage;

/// <summary>
/// The checksum of a safetensors file, in its own metadata: <c>"checksum": "crc32c:9a3f00c1"</c>, the CRC-32C of the
/// whole file with the eight digits taken as zeros. Whatever bit of the file changes, it no longer matches.
/// </summary>
/// <remarks>
/// A file without it, or with another program's entry of that name, is read unchecked. The entry is found by its bytes
/// as <see cref="SafetensorsHeader.Format"/> writes them: a quote inside a string of the header has a backslash before
/// it, so no text can look like it.
/// </remarks>
internal static class SafetensorsChecksum
{
    /// <summary>Metadata key.</summary>
    public const string Key = "checksum";

    /// <summary>Value before the checksum is known.</summary>
    public const string Blank = "crc32c:00000000";

    private const int Digits = 8;

    private static ReadOnlySpan<byte> Entry => "\"checksum\":\"crc32c:"u8;

    /// <summary>Puts the checksum in place of the zeros.</summary>
    /// <param name="header">A header with <see cref="Blank"/>.</param>
    /// <param name="checksum">The checksum.</param>
    public static void Write(Span<byte> header, uint checksum)
    {
        Span<byte> digits = header.Slice(header.IndexOf(Entry) + Entry.Length, Digits);
        checksum.TryFormat(digits, out _, "x8", CultureInfo.InvariantCulture);
    }

    /// <summary>Takes the checksum out of a header, which then is as it was when the checksum was computed.</summary>
    /// <param name="header">The header; its digits become zeros.</param>
    /// <param name="checksum">
    /// What the digits say; null where they are not as they are written, which no file that is whole has.
    /// </param>
    /// <returns>False for a header without a checksum.</returns>
    public static bool TryTake(Span<byte> header, out uint? checksum)
    {
        checksum = null;
        int at = header.IndexOf(Entry);
        if (at < 0 || at + Entry.Length + Digits > header.Length)
        {
            return false;
        }

        Span<byte> digits = header.Slice(at + Entry.Length, Digits);
        if (!digits.ContainsAnyExcept("0123456789abcdef"u8))
        {
            checksum = uint.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        }

        digits.Fill((byte)'0');
        return true;
    }
}

namespace HipiFast.Storage;

/// <summary>Recognises files of other formats by their first bytes, so that an error can say what was given.</summary>
internal static class FileSignature
{
    /// <summary>First bytes of a file that <see cref="Describe"/> looks at.</summary>
    public const int Bytes = 16;

    /// <summary>What <see cref="Describe"/> says of a safetensors file.</summary>
    public const string Safetensors = "a safetensors file";

    /// <summary>What it says of an HDF5 file.</summary>
    public const string Hdf5 = "an HDF5 file";

    /// <summary>What it says of a Parquet file.</summary>
    public const string Parquet = "a Parquet file";

    // A safetensors file may begin with any eight bytes, which are a length; the brace after them tells it from the
    // others.
    private const int BraceAt = SafetensorsHeader.PrefixBytes;

    /// <summary>What a file is, with its article: <c>a zip archive ...</c>.</summary>
    /// <param name="first">The file's first bytes, up to <see cref="Bytes"/>.</param>
    /// <returns>Null for a format that is not known here, which text is too.</returns>
    public static string? Describe(ReadOnlySpan<byte> first) => first switch
    {
        _ when IsSafetensors(first) => Safetensors,
        _ when first.StartsWith("PK\u0003\u0004"u8) || first.StartsWith("PK\u0005\u0006"u8) =>
            "a zip archive, as NumPy's .npz and PyTorch's .pt are",
        _ when first.StartsWith((ReadOnlySpan<byte>)[0x93, .. "NUMPY"u8]) => "an array of NumPy (.npy)",
        _ when first.StartsWith((ReadOnlySpan<byte>)[0x89, .. "HDF\r\n"u8]) => Hdf5,
        _ when first.Length > 1 && first[0] == 0x80 && first[1] is >= 2 and <= 5 => "a pickle of Python",
        _ when first.StartsWith("PAR1"u8) => Parquet,
        _ when first.StartsWith("ARROW1"u8) => "an Arrow file",
        _ when first.StartsWith("GGUF"u8) => "a GGUF file",
        _ when first.StartsWith("MATLAB 5.0"u8) => "a MATLAB file",
        _ when first.StartsWith("SQLite format 3"u8) => "an SQLite database",
        _ when first.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B, 8]) => "a file compressed by gzip",
        _ when first.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]) => "a file compressed by Zstandard",
        _ when first.StartsWith("BZh"u8) => "a file compressed by bzip2",
        _ when first.StartsWith((ReadOnlySpan<byte>)[0xFD, .. "7zXZ"u8]) => "a file compressed by xz",
        _ when first.StartsWith("version https:"u8) => "a pointer of Git LFS, without the file itself",
        _ => null,
    };

    private static bool IsSafetensors(ReadOnlySpan<byte> first) =>
        first.Length > BraceAt && first[BraceAt] == '{' && first[..BraceAt].EndsWith((byte)0);
}

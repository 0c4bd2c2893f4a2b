using HipiFast.Storage;
using Microsoft.Win32.SafeHandles;

namespace HipiFast.Data;

/// <summary>The formats that are known, found by a file's first bytes or by its name.</summary>
public static class DataFormats
{
    private static readonly Lock s_lock = new();
    private static readonly List<DataFormat> s_formats = [new SafetensorsFormat(), new NpzFormat()];

    /// <summary>All formats, built in and registered.</summary>
    public static IReadOnlyList<DataFormat> All
    {
        get
        {
            lock (s_lock)
            {
                return [.. s_formats];
            }
        }
    }

    /// <summary>The kind of file, for errors.</summary>
    internal static string Kind => $"file of transitions ({string.Join(", ", All.Select(format => format.Name))})";

    /// <summary>Adds a format; one of the same name is replaced.</summary>
    /// <param name="format">The format.</param>
    public static void Register(DataFormat format)
    {
        ArgumentNullException.ThrowIfNull(format);
        lock (s_lock)
        {
            s_formats.RemoveAll(known => known.Name == format.Name);
            s_formats.Add(format);
        }
    }

    /// <summary>Opens a file of whichever format its first bytes tell.</summary>
    /// <param name="path">File.</param>
    /// <returns>The file, for the caller to dispose.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It breaks its format, or is of none that is known.</exception>
    /// <exception cref="IOException">The path is a directory or cannot be read.</exception>
    public static DataFile Open(string path)
    {
        byte[] first = FirstBytes(path);
        if (All.FirstOrDefault(format => format.Matches(first)) is DataFormat found)
        {
            return found.Open(path);
        }

        string? described = FileSignature.Describe(first);
        return described is null
            ? All[0].Open(path)
            : throw new InvalidDataException(
                $"'{path}' is {described}; expected a {Kind}"
                + (IsOptional(described)
                    ? ": HipiFast.Formats reads it, once its Registration.Register() has been called."
                    : "."));
    }

    /// <summary>Whether a file is of a format that is known to exist, in an assembly that has not been
    /// registered.</summary>
    /// <param name="path">File.</param>
    /// <returns>What it is, with its article; null for any other file.</returns>
    internal static string? LacksFormatOf(string path)
    {
        byte[] first = FirstBytes(path);
        return All.Any(format => format.Matches(first)) || FileSignature.Describe(first) is not string described
            || !IsOptional(described)
                ? null
                : described;
    }

    private static bool IsOptional(string described) => described is FileSignature.Hdf5 or FileSignature.Parquet;

    /// <summary>The format that a file to be written has by its name.</summary>
    /// <param name="path">File.</param>
    /// <returns>The format, or null where no format has such an ending.</returns>
    public static DataFormat? OfName(string path) => All.FirstOrDefault(format => format.Extensions.Any(
        extension => path.EndsWith(extension, StringComparison.OrdinalIgnoreCase)));

    /// <summary>The first bytes of a file, as far as they tell its format.</summary>
    /// <param name="path">File.</param>
    internal static byte[] FirstBytes(string path)
    {
        using SafeFileHandle handle = InputFile.OpenHandle(path, Kind, anyFormat: true, out _);
        byte[] first = new byte[FileSignature.Bytes];
        return first[..RandomAccess.Read(handle, first, 0)];
    }
}

using System.IO.Compression;
using HipiFast.Storage;

namespace HipiFast.Data;

/// <summary>Archives of NumPy: what <c>numpy.savez</c> and <c>numpy.savez_compressed</c> write.</summary>
internal sealed class NpzFormat : DataFormat
{
    private const string Suffix = ".npy";

    // The earliest that a zip archive can say, so that the same arrays are the same bytes.
    private static readonly DateTimeOffset s_time = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <inheritdoc/>
    public override string Name => "npz";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Extensions { get; } = [".npz"];

    /// <inheritdoc/>
    public override string ColumnNoun => "Array";

    /// <inheritdoc/>
    public override bool Matches(ReadOnlySpan<byte> first) =>
        first.StartsWith("PK\u0003\u0004"u8) || first.StartsWith("PK\u0005\u0006"u8);

    /// <inheritdoc/>
    public override DataFile Open(string path) => NpzFile.Open(path, this);

    /// <inheritdoc/>
    public override void Write(string path, DataTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        AtomicFile.Write(path, stream =>
        {
            using ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true);
            foreach (DataSource source in table.Columns.Concat(table.Extras))
            {
                using Stream content = Begin(archive, source.Column.Name + Suffix);
                content.Write(NpyHeader.Write(source.Column));
                source.CopyTo(content);
            }

            // Text beside arrays, which NumPy leaves alone unless it is asked for.
            foreach ((string name, string text) in table.Metadata)
            {
                using Stream content = Begin(archive, NpzFile.MetadataPrefix + name);
                content.Write(System.Text.Encoding.UTF8.GetBytes(text));
            }
        });
    }

    private static Stream Begin(ZipArchive archive, string name)
    {
        ZipArchiveEntry entry = archive.CreateEntry(name, CompressionLevel.NoCompression);
        entry.LastWriteTime = s_time;
        return entry.Open();
    }
}

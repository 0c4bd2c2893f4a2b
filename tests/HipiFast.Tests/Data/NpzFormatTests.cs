using System.IO.Compression;
using HipiFast.Data;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Data;

/// <summary>Archives of NumPy.</summary>
public sealed class NpzFormatTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Path => _directory["x.npz"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void WhatIsWrittenIsRead()
    {
        DataTable table = new() { Rows = 5 };
        table.Metadata["note"] = "text";
        table.Columns.Add(DataArrays.Of("a", DataArrays.Count(15), 5, 3));
        table.Columns.Add(DataArrays.Of("b", new double[] { 1, 2, 3, 4, 5 }));
        table.Columns.Add(DataArrays.Of("c", ElementType.BFloat16, new ushort[] { 0x3F80, 0, 0, 0, 0xBF80 }));
        table.Columns.Add(DataArrays.Of("d", new bool[] { true, false, true, false, true }));
        table.Columns.Add(DataArrays.Of("e", new Half[] { (Half)1, (Half)2, (Half)3, (Half)4, (Half)5 }));
        table.Extras.Add(DataArrays.Of("f", new long[] { 7, 8 }, 1, 2));
        new NpzFormat().Write(Path, table);
        byte[] bytes = File.ReadAllBytes(Path);
        new NpzFormat().Write(Path, table);
        Assert.Equal(bytes, File.ReadAllBytes(Path));

        using DataFile file = DataFormats.Open(Path);
        Assert.Equal("npz", file.Format.Name);
        Assert.Equal("text", file.Metadata["note"]);
        Assert.Equal(DataArrays.Count(15), DataArrays.Read<float>(file, "a"));
        Assert.Equal([1, 2, 3, 4, 5], DataArrays.Read<double>(file, "b"));
        Assert.Equal(ElementType.BFloat16, file.Find("c")!.Type);
        Assert.Equal([true, false, true, false, true], DataArrays.Read<bool>(file, "d"));
        Assert.Equal((Half)5, DataArrays.Read<Half>(file, "e")[4]);
        Assert.Equal([1L, 2L], file.Find("f")!.Shape);
        float[] row = new float[3];
        file.ReadRows(
            file.Find("a")!, 4, System.Runtime.InteropServices.MemoryMarshal.AsBytes(row.AsSpan()));
        Assert.Equal([12, 13, 14], row);
    }

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Optimal)]
    public void AnAlteredArrayIsRefused(CompressionLevel level)
    {
        // What compresses to itself nearly, so that the change hits the numbers.
        float[] values = [.. Enumerable.Range(0, 4000).Select(i => (float)Math.Sin(i * i))];
        Archive(level, ("a", NpyHeader.Write(new DataColumn("a", ElementType.Float32, [4000])), Bytes(values)));
        using (DataFile file = DataFormats.Open(Path))
        {
            Assert.Equal(values, DataArrays.Read<float>(file, "a"));
        }

        byte[] bytes = File.ReadAllBytes(Path);
        bytes[bytes.Length / 2] ^= 4;
        File.WriteAllBytes(Path, bytes);
        using DataFile altered = DataFormats.Open(Path);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => DataArrays.Read<float>(altered, "a"));
        Assert.Equal(
            $"Array 'a' of '{Path}' is not as it was written: its size or checksum does not match.", error.Message);
    }

    [Theory]
    [InlineData("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", "big-endian")]
    [InlineData("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", "Fortran order")]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", "type is |O")]
    [InlineData("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,), }", "several fields")]
    [InlineData("{'shape': (2,), 'fortran_order': False}", "does not begin as an array")]
    public void WhatIsNotReadIsLeftAloneWithItsReason(string header, string reason)
    {
        Archive(CompressionLevel.NoCompression, ("a", Header(header), new byte[8]));
        using DataFile file = DataFormats.Open(Path);
        Assert.Empty(file.Columns);
        Assert.Contains(reason, file.Unread["a"], StringComparison.Ordinal);
        InvalidDataException error = Assert.Throws<InvalidDataException>(
            () => TransitionReader.Open(Path, ColumnMap.Parse("observation=a")));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AShapeThatTakesMoreThanThereIsIsRefused()
    {
        Archive(
            CompressionLevel.NoCompression,
            ("a", Header("{'descr': '<f4', 'fortran_order': False, 'shape': (3000000000, 4), }"), new byte[8]));
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => DataFormats.Open(Path));
        Assert.Equal(
            $"Array 'a' of '{Path}' has 8 bytes; its shape [3000000000, 4] of float32 takes more.", error.Message);
    }

    [Fact]
    public void OtherZipArchivesAreNamed()
    {
        Archive(CompressionLevel.Optimal);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => DataFormats.Open(Path));
        Assert.Contains("without arrays", error.Message, StringComparison.Ordinal);
    }

    private static byte[] Header(string text)
    {
        byte[] content = System.Text.Encoding.ASCII.GetBytes(text + "\n");
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)content.Length, (byte)(content.Length >> 8), .. content];
    }

    private static byte[] Bytes(float[] values) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private void Archive(CompressionLevel level, params (string Name, byte[] Header, byte[] Values)[] arrays)
    {
        using ZipArchive archive = new(File.Create(Path), ZipArchiveMode.Create);
        archive.CreateEntry("readme.txt").Open().Dispose();
        foreach ((string name, byte[] header, byte[] values) in arrays)
        {
            using Stream content = archive.CreateEntry(name + ".npy", level).Open();
            content.Write(header);
            content.Write(values);
        }
    }
}

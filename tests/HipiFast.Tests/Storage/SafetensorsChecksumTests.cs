using System.Text;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Storage;

/// <summary>
/// A file that was saved says in its metadata what it was: any bit of it that changes is noticed when it is opened.
/// </summary>
public sealed class SafetensorsChecksumTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string FilePath => _directory["x.safetensors"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void EveryFlippedBitIsRefusedOrLeavesNoMark()
    {
        SafetensorsWriter writer = new();
        writer.Add<float>("a", [1f, 2f, 3f], 3);
        writer.Add<byte>("b", [0, 1], 2);
        writer.Metadata["k"] = "v";
        writer.Save(FilePath);
        byte[] bytes = File.ReadAllBytes(FilePath);
        int unchecked_ = 0;
        for (int bit = 0; bit < 8 * bytes.Length; bit++)
        {
            byte[] flipped = [.. bytes];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                using SafetensorsFile file = SafetensorsFile.Open("x", flipped);

                // Only a bit of the entry that names the checksum makes it a file without one, and then all else is as
                // it was.
                unchecked_++;
                float[] values = new float[3];
                file.Read<float>("a", values);
                Assert.Equal([1f, 2f, 3f], values);
                Assert.Equal("v", file.Metadata["k"]);
            }
            catch (InvalidDataException)
            {
                // Refused, as it should be.
            }
        }

        Assert.InRange(unchecked_, 0, 8 * "checksum:crc32c:".Length);
    }

    [Fact]
    public void TheErrorSaysWhatAProgramMustDoThatWritesTheFileAnew()
    {
        SafetensorsBytes.Sample().Save(FilePath);
        byte[] bytes = File.ReadAllBytes(FilePath);
        bytes[^1] ^= 1;
        File.WriteAllBytes(FilePath, bytes);
        Assert.Equal(
            $"'{FilePath}' is not as it was written: its checksum does not match (a program that writes a safetensors "
            + "file anew must leave out the "
            + "metadata 'checksum').",
            Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(FilePath)).Message);
        using SafetensorsFile header = SafetensorsFile.OpenHeader(FilePath);
        Assert.Equal("pt", header.Metadata["format"]);
    }

    [Fact]
    public void AFileWithoutOneIsReadAndMetadataDoNotShowIt()
    {
        File.WriteAllBytes(FilePath, SafetensorsBytes.Of(SafetensorsBytes.Sample()));
        using (SafetensorsFile plain = SafetensorsFile.Open(FilePath))
        {
            Assert.Equal(["format", "note"], plain.Metadata.Keys.Order());
        }

        SafetensorsBytes.Sample().Save(FilePath);
        Assert.Contains("\"checksum\":\"crc32c:", Encoding.UTF8.GetString(File.ReadAllBytes(FilePath)));
        using SafetensorsFile file = SafetensorsFile.Open(FilePath);
        Assert.Equal(["format", "note"], file.Metadata.Keys.Order());
    }

    [Fact]
    public void TextThatLooksLikeTheEntryIsNotTakenForIt()
    {
        SafetensorsWriter writer = new();
        writer.Metadata["a"] = "\"checksum\":\"crc32c:00000000";
        writer.Metadata["\"checksum\":\"crc32c:"] = "b";
        writer.Save(FilePath);
        using SafetensorsFile file = SafetensorsFile.Open(FilePath);
        Assert.Equal("\"checksum\":\"crc32c:00000000", file.Metadata["a"]);
    }

    [Theory]
    [InlineData("123456789", 0xE3069283)]
    [InlineData("", 0)]
    public void ChecksumsOfPartsAreThatOfTheWhole(string text, uint expected)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        Assert.Equal(expected, Crc32C.Compute(bytes));
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            Assert.Equal(expected, Crc32C.Append(Crc32C.Compute(bytes.AsSpan(0, cut)), bytes.AsSpan(cut)));
        }
    }
}

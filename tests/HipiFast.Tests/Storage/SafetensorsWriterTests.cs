using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Storage;

public sealed class SafetensorsWriterTests
{
    [Fact]
    public void BytesFollowThePublishedFormat()
    {
        var writer = new SafetensorsWriter();
        writer.Add<byte>("flags", [9], 1);
        writer.Add<float>("b", [1f, 2f], 2);
        writer.Add<float>("a", [-1f], 1, 1);
        writer.Add<long>("n", [258], 1);
        writer.Metadata["z"] = "1";
        writer.Metadata["k"] = "v";
        byte[] file = SafetensorsBytes.Of(writer);

        const string Header =
            """{"__metadata__":{"k":"v","z":"1"},"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},""" +
            """ "a":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]},""" +
            """ "b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}"""
            + ""","flags":{"dtype":"U8","shape":[1],"data_offsets":[20,21]}}""";
        string padded = Header.Replace(" ", "");
        padded = padded.PadRight((padded.Length + 7) / 8 * 8);
        Assert.Equal(padded.Length, BinaryPrimitives.ReadInt64LittleEndian(file));
        Assert.Equal(padded, Encoding.UTF8.GetString(file, 8, padded.Length));
        Assert.Equal(
            [2, 1, 0, 0, 0, 0, 0, 0, /* -1 */ 0, 0, 0x80, 0xBF, /* 1 */ 0, 0, 0x80, 0x3F, /* 2 */ 0, 0, 0, 0x40, 9],
            file[(8 + padded.Length)..]);
    }

    [Fact]
    public void EveryHeaderIsAlignedAndEveryTensorToItsElements()
    {
        for (int length = 0; length < 20; length++)
        {
            var writer = new SafetensorsWriter();
            writer.Add<byte>(new string('a', length), [1, 2, 3], 3);
            writer.Add<double>("double", [1.0], 1);
            writer.Add<int>("int", [1], 1);
            byte[] file = SafetensorsBytes.Of(writer);
            long headerLength = BinaryPrimitives.ReadInt64LittleEndian(file);
            Assert.Equal(0, headerLength % 8);
            using JsonDocument header = JsonDocument.Parse(file.AsMemory(8, (int)headerLength));
            Assert.Equal(0, header.RootElement.GetProperty("double").GetProperty("data_offsets")[0].GetInt32());
            Assert.Equal(8, header.RootElement.GetProperty("int").GetProperty("data_offsets")[0].GetInt32());
        }
    }

    [Fact]
    public void BytesDoNotDependOnTheOrderOfAdding()
    {
        byte[] Write(params string[] names)
        {
            var writer = new SafetensorsWriter();
            foreach (string name in names)
            {
                writer.Add<int>(name, [name.Length], 1);
                writer.Metadata[name] = name;
            }

            return SafetensorsBytes.Of(writer);
        }

        Assert.Equal(Write("a", "B", "é", "cc"), Write("cc", "é", "B", "a"));
    }

    [Fact]
    public void ShapeAndValuesMustAgree()
    {
        var writer = new SafetensorsWriter();
        Expect("Tensor 'a' of shape [2, 3] takes 6 values; found 5.", () => writer.Add<float>("a", new float[5], 2, 3));
        Expect("Tensor 'a' of shape [] takes 1 values; found 5.", () => writer.Add<float>("a", new float[5]));
        Expect(
            "Tensor 'a' has shape [-1]; expected up to 64 extents, 0 or more, and less than 2^63",
            () => writer.Add<float>("a", [], -1));
        Expect("Tensor 'a' has shape [4294967296, 4294967296]; expected up to", () => writer.Add<float>(
            "a", [], 1L << 32, 1L << 32));
        Expect(
            "Tensor 'a' has shape [4611686018427387904]; expected up to", () => writer.Add<float>("a", [], 1L << 62));
    }

    [Fact]
    public void NamesMustBeNewAndNotTheFormatsOwn()
    {
        var writer = new SafetensorsWriter();
        writer.Add<float>("a", [1f], 1);
        Expect("Tensor 'a' has been added already.", () => writer.Add<float>("a", [1f], 1));
        Expect(
            "The name '__metadata__' is reserved by the safetensors format.",
            () => writer.Add<float>("__metadata__", [1f], 1));
        Expect(
            "The tensor name 'x\\ud800' is not valid Unicode: it has half a surrogate pair.",
            () => writer.Add<float>("x\ud800", [1f], 1));
        Assert.Throws<NotSupportedException>(() => writer.Add<decimal>("d", [1m], 1));
    }

    [Fact]
    public void AFailedSaveLeavesTheOldFile()
    {
        using var directory = new TemporaryDirectory();
        string path = directory["a.safetensors"];
        SafetensorsBytes.Sample().Save(path);
        byte[] before = File.ReadAllBytes(path);
        SafetensorsWriter writer = SafetensorsBytes.Sample();
        writer.Metadata["broken"] = "\udc00";
        Assert.Throws<ArgumentException>(() => writer.Save(path));
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(directory.Root));
    }

    [Fact]
    public unsafe void TensorsAboveTwoGigabytesAreWrittenWhole()
    {
        // The stream only counts, so the values need not exist.
        const long Elements = 1_250_000_000;
        float value = 0;
        var writer = new SafetensorsWriter();
        writer.AddReference("x", &value, Elements);
        var counter = new CountingStream();
        writer.Write(counter);
        Assert.InRange(counter.Length - (4 * Elements), 8, 200);
        Assert.Contains("[0,5000000000]", counter.Header);
    }

    private static void Expect(string message, Action action)
    {
        var error = Assert.ThrowsAny<ArgumentException>(action);
        Assert.StartsWith(message, error.Message);
    }

    /// <summary>Keeps the first write, which is the header, and counts the rest.</summary>
    private sealed class CountingStream : Stream
    {
        private long _length;

        public string Header { get; private set; } = "";

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => _length;

        public override long Position
        {
            get => _length;
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (_length == 0)
            {
                Header = Encoding.UTF8.GetString(buffer[8..]);
            }

            _length += buffer.Length;
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}

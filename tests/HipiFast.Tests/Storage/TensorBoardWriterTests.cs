using System.Buffers.Binary;
using System.Text;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Storage;

public sealed class TensorBoardWriterTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void ChecksumIsThePublishedCrc32C()
    {
        // The check value of the catalogue of CRC algorithms, and the vectors of RFC 3720, B.4.
        Assert.Equal(0xE3069283u, Crc32C.Compute("123456789"u8));
        Assert.Equal(0u, Crc32C.Compute([]));
        Assert.Equal(0x8A9136AAu, Crc32C.Compute(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Compute(Enumerable.Repeat((byte)0xFF, 32).ToArray()));
        Assert.Equal(0x46DD794Eu, Crc32C.Compute(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray()));
        Assert.Equal(
            unchecked(((0xE3069283u >> 15) | (0xE3069283u << 17)) + 0xA282EAD8u), Crc32C.ComputeMasked("123456789"u8));
    }

    [Fact]
    public void ScalarsDecodeToWhatWasWritten()
    {
        var clock = new FixedClock(new DateTimeOffset(2020, 1, 2, 3, 4, 5, 500, TimeSpan.Zero));
        using (var writer = new TensorBoardWriter(_directory.Root, clock: clock))
        {
            writer.Scalar("eval/success_rate", 0.75f, 1000);
            writer.Scalar("train/é", float.NaN, 5_000_000_000);
            Assert.StartsWith("events.out.tfevents.1577934245.hipifast.", Path.GetFileName(writer.Path));
        }

        List<Event> events = Read(Directory.GetFiles(_directory.Root).Single());
        Assert.Equal(3, events.Count);
        Assert.Equal("brain.Event:2", events[0].FileVersion);
        Assert.Equal(new Event(1577934245.5, 1000, null, "eval/success_rate", 0.75f, 0), events[1]);
        Assert.Equal(new Event(1577934245.5, 5_000_000_000, null, "train/é", float.NaN, 0), events[2]);
    }

    [Fact]
    public void AResumedRunAsksToForgetLaterSteps()
    {
        using (var first = new TensorBoardWriter(_directory.Root))
        using (var second = new TensorBoardWriter(_directory.Root, resumeStep: 300))
        {
            Assert.NotEqual(first.Path, second.Path);
            List<Event> events = Read(second.Path);
            Assert.Equal(2, events.Count);
            Assert.Equal(300, events[1].Step);
            Assert.Equal(1, events[1].SessionStatus);
        }

        Assert.Equal(2, Directory.GetFiles(_directory.Root).Length);
    }

    [Fact]
    public void FlushedScalarsAreVisibleWhileTheFileIsOpen()
    {
        using var writer = new TensorBoardWriter(_directory.Root);
        writer.Scalar("a", 1f, 1);
        writer.Flush();
        Assert.Equal(2, Read(writer.Path).Count);
    }

    [Fact]
    public void AMissingDirectoryIsOneSentence()
    {
        string message = Assert.Throws<IOException>(() => new TensorBoardWriter(_directory["absent"])).Message;
        Assert.Contains("cannot be written", message);
        Assert.Contains("absent", message);
    }

    private static List<Event> Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] file = new byte[stream.Length];
        stream.ReadExactly(file);
        var events = new List<Event>();
        for (int at = 0; at < file.Length;)
        {
            int length = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at)));
            Assert.Equal(
                Crc32C.ComputeMasked(file.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)));
            Assert.Equal(Crc32C.ComputeMasked(
                file.AsSpan(at + 12, length)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length)));
            events.Add(Event.Parse(file.AsSpan(at + 12, length)));
            at += length + 16;
        }

        return events;
    }

    /// <summary>What the tests look at of TensorFlow's Event message.</summary>
    private sealed record Event(
        double WallTime, long Step, string? FileVersion, string? Tag, float Value, long SessionStatus)
    {
        public static Event Parse(ReadOnlySpan<byte> message)
        {
            Dictionary<int, byte[]> fields = Fields(message);
            Dictionary<int, byte[]> summary = Fields(fields.GetValueOrDefault(5, []));
            Dictionary<int, byte[]> value = Fields(summary.GetValueOrDefault(1, []));
            Dictionary<int, byte[]> session = Fields(fields.GetValueOrDefault(7, []));
            return new Event(
                BinaryPrimitives.ReadDoubleLittleEndian(fields[1]),
                BinaryPrimitives.ReadInt64LittleEndian(fields[2]),
                fields.TryGetValue(3, out byte[]? version) ? Encoding.UTF8.GetString(version) : null,
                value.TryGetValue(1, out byte[]? tag) ? Encoding.UTF8.GetString(tag) : null,
                value.TryGetValue(2, out byte[]? number) ? BinaryPrimitives.ReadSingleLittleEndian(number) : 0,
                session.TryGetValue(1, out byte[]? status) ? BinaryPrimitives.ReadInt64LittleEndian(status) : 0);
        }

        // Values by field number; varints widened to eight bytes.
        private static Dictionary<int, byte[]> Fields(ReadOnlySpan<byte> message)
        {
            var fields = new Dictionary<int, byte[]>();
            while (!message.IsEmpty)
            {
                ulong key = Varint(ref message);
                int length = (key & 7) switch
                {
                    0 => 0,
                    1 => 8,
                    2 => checked((int)Varint(ref message)),
                    5 => 4,
                    _ => throw new InvalidDataException($"Wire type {key & 7}."),
                };
                byte[] value = message[..length].ToArray();
                message = message[length..];
                if ((key & 7) == 0)
                {
                    value = BitConverter.GetBytes(Varint(ref message));
                }

                fields.Add((int)(key >> 3), value);
            }

            return fields;
        }

        private static ulong Varint(ref ReadOnlySpan<byte> message)
        {
            ulong value = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte next = message[0];
                message = message[1..];
                value |= (ulong)(next & 0x7F) << shift;
                if (next < 0x80)
                {
                    return value;
                }
            }
        }
    }

    private sealed class FixedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}

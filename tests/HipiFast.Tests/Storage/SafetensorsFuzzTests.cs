using System.Buffers.Binary;
using System.Text;
using HipiFast.Kernels.Random;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Storage;

/// <summary>
/// Mutated files open, and then every tensor reads, or are refused with an <see cref="InvalidDataException"/>; nothing
/// else.
/// </summary>
public sealed class SafetensorsFuzzTests
{
    private const int InMemoryFiles = 100_000;
    private const int DiskFiles = 300;

    // What an exception, its stack trace and the smallest dictionary cost, however small the file.
    private const int FixedAllowance = 16 * 1024;

    private const int AllowancePerByte = 8;

    // Pieces that hostile headers are made of; spliced in at random places of a valid header.
    private static readonly byte[][] s_pieces =
    [
        .. new[]
        {
            "[", "]", "{", "}", ",", ":", "\"", "\\", "null", "true", "NaN", "-Infinity", "-1", "0", "1e999", "1.5",
            "9223372036854775807",
            "9223372036854775808", "18446744073709551615", "4294967296", "\"dtype\":", "\"shape\":",
            "\"data_offsets\":", "\"__metadata__\":{",
            "\"F32\"", "\"BF16\"", "\"BOOL\"", "\\ud800", "\\u0000",
            "\"\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},", "[[[[[[[[",
            "{\"a\":{\"a\":{\"a\":{\"a\":{", "/*", "\0\0\0\0", " ", "[0,0]",
            "[9223372036854775807,9223372036854775807]", "\uFEFF",
            "\"task\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,8],\"data_offsets\":[0,9223372036854775807]},",
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF, 0xFE], [0xC0, 0x80], [0xED, 0xA0, 0x80],
    ];

    [Fact]
    public void HundredThousandMutatedFiles()
    {
        byte[][] originals = Originals();
        int opened = 0, refused = 0;
        for (uint number = 0; number < InMemoryFiles; number++)
        {
            byte[] file = Mutate(originals, number);
            if (OpensOrIsRefused(() => SafetensorsFile.Open("fuzz", file), file.Length, number))
            {
                opened++;
            }
            else
            {
                refused++;
            }
        }

        // Both branches must have been tried in earnest, or the mutations are too wild or too tame to mean something.
        Assert.InRange(opened, InMemoryFiles / 20, InMemoryFiles);
        Assert.InRange(refused, InMemoryFiles / 2, InMemoryFiles);
    }

    [Fact]
    public void SomeHundredsThroughTheDisk()
    {
        using var directory = new TemporaryDirectory();
        byte[][] originals = Originals();
        string path = directory["fuzz.safetensors"];
        for (uint number = 0; number < DiskFiles; number++)
        {
            byte[] file = Mutate(originals, number);
            File.WriteAllBytes(path, file);
            OpensOrIsRefused(() => SafetensorsFile.Open(path), file.Length, number);
        }
    }

    private static bool OpensOrIsRefused(Func<SafetensorsFile> open, int length, uint number)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool opened = true;
        try
        {
            using SafetensorsFile file = open();
            foreach (TensorInfo tensor in file.Tensors.Values)
            {
                ReadWhole(file, tensor);
            }
        }
        catch (InvalidDataException)
        {
            opened = false;
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        long allowed = FixedAllowance + (AllowancePerByte * (long)length);
        Assert.True(allocated <= allowed, $"Mutation {number}: {allocated} bytes allocated for a file of {length}.");
        return opened;
    }

    private static void ReadWhole(SafetensorsFile file, TensorInfo tensor)
    {
        switch (tensor.Type)
        {
            case TensorType.Float32: Read<float>(file, tensor); break;
            case TensorType.Float64: Read<double>(file, tensor); break;
            case TensorType.Int32: Read<int>(file, tensor); break;
            case TensorType.Int64: Read<long>(file, tensor); break;
            case TensorType.UInt64: Read<ulong>(file, tensor); break;
            default: Read<byte>(file, tensor); break;
        }
    }

    private static void Read<T>(SafetensorsFile file, TensorInfo tensor)
        where T : unmanaged => file.Read<T>(tensor.Name, new T[tensor.ElementCount]);

    private static byte[][] Originals()
    {
        var small = new SafetensorsWriter();
        small.Add<float>("task", [1f, 2f, 3f], 3, 1);
        var batch = new SafetensorsWriter();
        batch.Add<float>("observation", new float[12], 4, 3);
        batch.Add<float>("reward", new float[4], 4);
        batch.Add<byte>("terminated", new byte[4], 4);
        batch.Add<long>("episode", new long[4], 4);
        return [SafetensorsBytes.Of(SafetensorsBytes.Sample()), SafetensorsBytes.Of(small), SafetensorsBytes.Of(batch)];
    }

    /// <summary>Mutation by number: the same bytes in every run.</summary>
    private static byte[] Mutate(byte[][] originals, uint number)
    {
        uint draw = 0;
        uint Next(int bound)
        {
            PhiloxBlock block = Philox.Next(number, draw++, 0, (uint)RandomPurpose.SyntheticData, key: 0x5AFE);
            return block.X % (uint)bound;
        }

        List<byte> file = [.. originals[Next(originals.Length)]];
        int headerLength = BinaryPrimitives.ReadInt32LittleEndian(file.ToArray());
        uint mutations = 1 + Next(3);
        for (uint m = 0; m < mutations && file.Count > 0; m++)
        {
            int headerEnd = Math.Min(file.Count, 8 + headerLength);
            switch (Next(8))
            {
                case 0: // a bit anywhere
                    file[(int)Next(file.Count)] ^= (byte)(1 << (int)Next(8));
                    break;
                case 1: // a byte of the header
                    file[(int)Next(headerEnd)] = (byte)Next(256);
                    break;
                case 2: // a truncation
                    int kept = (int)Next(file.Count);
                    file.RemoveRange(kept, file.Count - kept);
                    break;
                case 3: // bytes too many
                    file.AddRange(new byte[1 + Next(16)]);
                    break;
                case 4: // a digit of the header
                    List<int> digits = [.. Enumerable.Range(0, headerEnd).Skip(8).Where(
                        i => char.IsAsciiDigit((char)file[i]))];
                    if (digits.Count > 0)
                    {
                        file[digits[(int)Next(digits.Count)]] = (byte)('0' + Next(10));
                    }

                    break;
                case 5: // a hostile piece spliced into the header, with the header's length put right
                    if (headerEnd > 9)
                    {
                        byte[] piece = s_pieces[Next(s_pieces.Length)];
                        int at = 9 + (int)Next(headerEnd - 9);
                        int removed = (int)Next(Math.Min(12, headerEnd - at));
                        file.RemoveRange(at, removed);
                        file.InsertRange(at, piece);
                        SetHeaderLength(file, ref headerLength, headerLength + piece.Length - removed);
                    }

                    break;
                case 6: // another header length
                    SetHeaderLength(file, ref headerLength, (int)Next(2 * file.Count));
                    break;
                default: // a byte of the data: the file stays valid
                    if (headerEnd < file.Count)
                    {
                        file[headerEnd + (int)Next(file.Count - headerEnd)] = (byte)Next(256);
                    }

                    break;
            }
        }

        return [.. file];
    }

    private static void SetHeaderLength(List<byte> file, ref int headerLength, int value)
    {
        headerLength = value;
        for (int i = 0; i < 8 && i < file.Count; i++)
        {
            file[i] = (byte)((ulong)value >> (8 * i));
        }
    }
}

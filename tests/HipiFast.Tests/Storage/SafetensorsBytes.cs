using System.Buffers.Binary;
using System.Text;
using HipiFast.Storage;

namespace HipiFast.Tests.Storage;

/// <summary>Safetensors files put together by hand, as bytes.</summary>
internal static class SafetensorsBytes
{
    /// <summary>Header length, header, data.</summary>
    public static byte[] Join(string header, int dataLength) => Join(Encoding.UTF8.GetBytes(header), dataLength);

    /// <summary>Header length, header, data; byte i of the data is i.</summary>
    public static byte[] Join(byte[] header, int dataLength)
    {
        byte[] file = new byte[8 + header.Length + dataLength];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        for (int i = 0; i < dataLength; i++)
        {
            file[8 + header.Length + i] = (byte)i;
        }

        return file;
    }

    /// <summary>What a writer makes.</summary>
    public static byte[] Of(SafetensorsWriter writer)
    {
        var stream = new MemoryStream();
        writer.Write(stream);
        return stream.ToArray();
    }

    /// <summary>An ordinary file with several types and shapes, an empty tensor, a scalar and metadata.</summary>
    public static SafetensorsWriter Sample()
    {
        var writer = new SafetensorsWriter();
        writer.Add<float>("actor.0.weight", [1f, -2f, 3.5f, float.MinValue, float.Epsilon, 0f], 2, 3);
        writer.Add<double>("optim.step", [12345.678], 1);
        writer.Add<int>("task_index", [-1, 0, int.MaxValue], 3);
        writer.Add<long>("episode", [long.MinValue, 7], 2, 1);
        writer.Add<ulong>("seed", [ulong.MaxValue]);
        writer.Add<byte>("relabeled", [0, 1, 255], 3);
        writer.Add<bool>("terminated", [true, false], 2);
        writer.Add<float>("none", [], 0, 4);
        writer.Metadata["format"] = "pt";
        writer.Metadata["note"] = "tab\t \"quoted\" é 漢 🙂";
        return writer;
    }
}

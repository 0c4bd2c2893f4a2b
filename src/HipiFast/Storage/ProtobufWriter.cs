using System.Buffers.Binary;
using System.Text;

namespace HipiFast.Storage;

/// <summary>
/// Appends fields in protobuf's wire format: a key (field number, wire type), then a varint, fixed-width or
/// length-prefixed value.
/// </summary>
/// <remarks>Grows to the largest message and then allocates nothing.</remarks>
internal sealed class ProtobufWriter
{
    private const int VarintType = 0;
    private const int Fixed64Type = 1;
    private const int BytesType = 2;
    private const int Fixed32Type = 5;

    private byte[] _buffer = new byte[128];
    private int _length;

    /// <summary>What has been written since <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    public void Clear() => _length = 0;

    /// <summary>An int64, int32 or enum field.</summary>
    public void Integer(int field, long value)
    {
        Key(field, VarintType);
        Varint((ulong)value);
    }

    public void Double(int field, double value)
    {
        Key(field, Fixed64Type);
        BinaryPrimitives.WriteDoubleLittleEndian(Take(sizeof(double)), value);
    }

    public void Float(int field, float value)
    {
        Key(field, Fixed32Type);
        BinaryPrimitives.WriteSingleLittleEndian(Take(sizeof(float)), value);
    }

    public void Text(int field, string value)
    {
        Key(field, BytesType);
        int count = Encoding.UTF8.GetByteCount(value);
        Varint((uint)count);
        Encoding.UTF8.GetBytes(value, Take(count));
    }

    /// <summary>A bytes field or an embedded message.</summary>
    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Key(field, BytesType);
        Varint((uint)value.Length);
        value.CopyTo(Take(value.Length));
    }

    private void Key(int field, int wireType) => Varint(((uint)field << 3) | (uint)wireType);

    private void Varint(ulong value)
    {
        while (value >= 0x80)
        {
            Take(1)[0] = (byte)(value | 0x80);
            value >>= 7;
        }

        Take(1)[0] = (byte)value;
    }

    private Span<byte> Take(int count)
    {
        if (_length + count > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(2 * _buffer.Length, _length + count));
        }

        _length += count;
        return _buffer.AsSpan(_length - count, count);
    }
}

using System.Buffers.Binary;
using System.Numerics;

namespace HipiFast.Storage;

/// <summary>
/// CRC-32C (Castagnoli), by the processor's instruction where it has one, and the masked form of the TFRecord format.
/// </summary>
internal static class Crc32C
{
    // Added by TFRecord so that the checksum of data that holds checksums is not degenerate.
    private const uint MaskDelta = 0xA282EAD8;

    /// <summary>The checksum; of the ASCII digits 1 to 9 it is E3069283.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>The checksum of some bytes and those that follow them.</summary>
    /// <param name="before">Checksum of the bytes before; 0 for none.</param>
    /// <param name="bytes">The bytes that follow.</param>
    public static uint Append(uint before, ReadOnlySpan<byte> bytes)
    {
        uint crc = ~before;
        while (bytes.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        foreach (byte value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return ~crc;
    }

    /// <summary>The checksum rotated right by 15 bits, plus a constant.</summary>
    public static uint ComputeMasked(ReadOnlySpan<byte> bytes) =>
        unchecked(BitOperations.RotateRight(Compute(bytes), 15) + MaskDelta);
}

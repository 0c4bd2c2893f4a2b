using System.Numerics;

namespace HipiFast.Storage;

/// <summary>CRC-32C (Castagnoli), by the processor's instruction where it has one, and the masked form of the TFRecord format.</summary>
internal static class Crc32C
{
    // Added by TFRecord so that the checksum of data that holds checksums is not degenerate.
    private const uint MaskDelta = 0xA282EAD8;

    /// <summary>The checksum; of the ASCII digits 1 to 9 it is E3069283.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return ~crc;
    }

    /// <summary>The checksum rotated right by 15 bits, plus a constant.</summary>
    public static uint ComputeMasked(ReadOnlySpan<byte> bytes) => unchecked(BitOperations.RotateRight(Compute(bytes), 15) + MaskDelta);
}

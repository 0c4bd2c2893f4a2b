using System.Buffers.Binary;

namespace HipiFast.Data;

/// <summary>The checksum of zip archives: CRC-32, polynomial 0x04C11DB7, reflected. Eight bytes a step.</summary>
internal static class Crc32
{
    private const uint Polynomial = 0xEDB88320;

    private static readonly uint[][] s_tables = Tables();

    /// <summary>The checksum of bytes and those before them.</summary>
    /// <param name="before">Checksum of those before; 0 for none.</param>
    /// <param name="bytes">The bytes.</param>
    public static uint Append(uint before, ReadOnlySpan<byte> bytes)
    {
        uint sum = ~before;
        uint[][] table = s_tables;
        while (bytes.Length >= 8)
        {
            uint low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ sum;
            uint high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            sum = table[7][low & 0xFF] ^ table[6][(low >> 8) & 0xFF] ^ table[5][(low >> 16) & 0xFF] ^ table[4][low >> 24]
                ^ table[3][high & 0xFF] ^ table[2][(high >> 8) & 0xFF] ^ table[1][(high >> 16) & 0xFF]
                ^ table[0][high >> 24];
            bytes = bytes[8..];
        }

        foreach (byte value in bytes)
        {
            sum = table[0][(sum ^ value) & 0xFF] ^ (sum >> 8);
        }

        return ~sum;
    }

    private static uint[][] Tables()
    {
        uint[][] tables = [.. Enumerable.Range(0, 8).Select(_ => new uint[256])];
        for (uint i = 0; i < 256; i++)
        {
            uint sum = i;
            for (int bit = 0; bit < 8; bit++)
            {
                sum = (sum & 1) != 0 ? (sum >> 1) ^ Polynomial : sum >> 1;
            }

            tables[0][i] = sum;
        }

        for (int k = 1; k < tables.Length; k++)
        {
            for (int i = 0; i < 256; i++)
            {
                tables[k][i] = tables[0][tables[k - 1][i] & 0xFF] ^ (tables[k - 1][i] >> 8);
            }
        }

        return tables;
    }
}

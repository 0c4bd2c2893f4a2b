using System.Runtime.CompilerServices;

namespace HipiFast.Kernels.Random;

/// <summary>Four 32-bit words that Philox makes of one counter.</summary>
/// <param name="X">Word 0.</param>
/// <param name="Y">Word 1.</param>
/// <param name="Z">Word 2.</param>
/// <param name="W">Word 3.</param>
public readonly record struct PhiloxBlock(uint X, uint Y, uint Z, uint W)
{
    /// <summary>Words of a block.</summary>
    public const int Words = 4;

    /// <summary>Word by number.</summary>
    /// <param name="word">0 to 3; only the two low bits count.</param>
    public uint this[int word] => (word & 3) switch { 0 => X, 1 => Y, 2 => Z, _ => W };
}

/// <summary>
/// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1,
/// 2, 3" (SC 2011): ten rounds of two 32x32 to 64 bit multiplications.
/// </summary>
/// <remarks>
/// There is no state: the same counter and key give the same bits on every backend, for any thread count and any
/// tiling. In this project the key is the seed and the fourth counter word holds a <see cref="RandomPurpose"/>.
/// </remarks>
public static class Philox
{
    /// <summary>First multiplier.</summary>
    public const uint Multiplier0 = 0xD2511F53;

    /// <summary>Second multiplier.</summary>
    public const uint Multiplier1 = 0xCD9E8D57;

    /// <summary>Key increment of word 0 (golden ratio).</summary>
    public const uint Weyl0 = 0x9E3779B9;

    /// <summary>Key increment of word 1 (sqrt(3) - 1).</summary>
    public const uint Weyl1 = 0xBB67AE85;

    /// <summary>Number of rounds.</summary>
    public const int Rounds = 10;

    /// <summary>The block of a counter under a key.</summary>
    /// <param name="c0">Counter word 0.</param>
    /// <param name="c1">Counter word 1.</param>
    /// <param name="c2">Counter word 2.</param>
    /// <param name="c3">Counter word 3.</param>
    /// <param name="key">Key: word 0 in the low half, word 1 in the high half.</param>
    /// <returns>Four independent uniform 32-bit words.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static PhiloxBlock Next(uint c0, uint c1, uint c2, uint c3, ulong key)
    {
        uint k0 = (uint)key, k1 = (uint)(key >> 32);
        for (int round = 0; round < Rounds; round++)
        {
            ulong p0 = (ulong)Multiplier0 * c0;
            ulong p1 = (ulong)Multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += Weyl0;
            k1 += Weyl1;
        }

        return new PhiloxBlock(c0, c1, c2, c3);
    }

    /// <summary>
    /// Maps 32 bits to the open interval (0, 1): (bits + 1/2) / 2^32, rounded to float and kept below 1.
    /// </summary>
    /// <remarks>
    /// Near 0 the spacing is 2^-32, so a tail computed from the small side keeps its resolution; near 1 it is 2^-24.
    /// </remarks>
    /// <param name="bits">Uniform bits.</param>
    /// <returns>A float in [2^-33, 1 - 2^-24].</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToUniform(uint bits) => MathF.Min((bits + 0.5f) * (1f / 4294967296f), 1f - (1f / 16777216f));

    /// <summary>
    /// Maps 32 bits to a standard Gumbel, <c>-log(E)</c> with <c>E = -log(1 - u)</c> exponential and u from
    /// <see cref="ToUniform"/>: the upper tail comes from small u, where u has 2^-32 resolution, so the maximum over a
    /// million draws is still right.
    /// </summary>
    /// <param name="bits">Uniform bits.</param>
    /// <returns>A draw in [-2.8, 22.9].</returns>
    public static float ToGumbel(uint bits)
    {
        float u = ToUniform(bits);
        float complement = 1f - u;

        // log(1 - u) loses digits for small u; scaling by u / (1 - fl(1 - u)) undoes the rounding of 1 - u (Kahan's
        // log1p).
        float exponential = complement == 1f ? u : -MathF.Log(complement) * (u / (1f - complement));
        return -MathF.Log(exponential);
    }

    /// <summary>
    /// Maps two words to two independent standard normals (Box-Muller; the radius from the small side of the first
    /// uniform).
    /// </summary>
    /// <param name="first">Bits of the radius.</param>
    /// <param name="second">Bits of the angle.</param>
    /// <returns>Two standard normals; at most 6.77 in magnitude.</returns>
    public static (float Cosine, float Sine) ToNormals(uint first, uint second)
    {
        float radius = MathF.Sqrt(-2f * MathF.Log(ToUniform(first)));
        (float sine, float cosine) = MathF.SinCos(2f * MathF.PI * ToUniform(second));
        return (radius * cosine, radius * sine);
    }
}

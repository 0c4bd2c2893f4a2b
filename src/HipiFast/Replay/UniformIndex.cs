using System.Runtime.CompilerServices;
using HipiFast.Kernels.Random;

namespace HipiFast.Replay;

/// <summary>
/// Exactly uniform integers from Philox words: Lemire's multiply-and-shift with rejection ("Fast Random Integer Generation in an Interval", 2019).
/// </summary>
internal static class UniformIndex
{
    /// <summary>Maps 32 uniform bits to [0, <paramref name="bound"/>), or refuses them so that every result stays equally likely.</summary>
    /// <param name="bits">Uniform bits.</param>
    /// <param name="bound">1 or more.</param>
    /// <param name="index">The result when accepted.</param>
    /// <returns>False with probability below bound / 2^32: draw again.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryMap(uint bits, uint bound, out uint index)
    {
        ulong product = (ulong)bits * bound;
        index = (uint)(product >> 32);
        uint low = (uint)product;

        // 2^32 is not a multiple of bound: the first 2^32 mod bound values of the low half are the surplus. The division is only reached
        // where low < bound, which is the only place where it can matter.
        return low >= bound || low >= (0u - bound) % bound;
    }

    /// <summary>One uniform integer in [0, <paramref name="bound"/>).</summary>
    /// <param name="bound">1 or more.</param>
    /// <param name="slot">First counter word.</param>
    /// <param name="call">Third counter word.</param>
    /// <param name="purpose">Fourth counter word.</param>
    /// <param name="seed">Philox key.</param>
    /// <returns>The words of counter (slot, attempt, call, purpose) in turn, attempt = 0, 1, ..., until one is accepted.</returns>
    public static uint Draw(uint bound, uint slot, uint call, RandomPurpose purpose, ulong seed)
    {
        for (uint attempt = 0; ; attempt++)
        {
            PhiloxBlock block = Philox.Next(slot, attempt, call, (uint)purpose, seed);
            if (TryMap(block.X, bound, out uint index) || TryMap(block.Y, bound, out index)
                || TryMap(block.Z, bound, out index) || TryMap(block.W, bound, out index))
            {
                return index;
            }
        }
    }

    /// <summary>Fills a span with a part of an endless sequence of uniform integers in [0, <paramref name="bound"/>).</summary>
    /// <param name="indices">
    /// Results. Entry i of the sequence is word i mod 4 of counter (i / 4, 0, call, purpose), or the first accepted word 0 of (i, 1 and up, call,
    /// purpose), counter words modulo 2^32.
    /// </param>
    /// <param name="bound">1 or more.</param>
    /// <param name="seed">Philox key.</param>
    /// <param name="call">Third counter word.</param>
    /// <param name="purpose">Fourth counter word.</param>
    /// <param name="firstEntry">Entry of the sequence that comes first.</param>
    public static void Fill(Span<int> indices, uint bound, ulong seed, uint call, RandomPurpose purpose, ulong firstEntry = 0)
    {
        PhiloxBlock block = default;
        for (int i = 0; i < indices.Length; i++)
        {
            ulong entry = firstEntry + (uint)i;
            int word = (int)(entry % 4);
            if (word == 0 || i == 0)
            {
                block = Philox.Next(unchecked((uint)(entry / 4)), 0, call, (uint)purpose, seed);
            }

            uint bits = word switch
            {
                0 => block.X,
                1 => block.Y,
                2 => block.Z,
                _ => block.W,
            };
            indices[i] = (int)(TryMap(bits, bound, out uint index) ? index : Redraw(bound, unchecked((uint)entry), seed, call, purpose));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static uint Redraw(uint bound, uint slot, ulong seed, uint call, RandomPurpose purpose)
    {
        for (uint attempt = 1; ; attempt++)
        {
            if (TryMap(Philox.Next(slot, attempt, call, (uint)purpose, seed).X, bound, out uint index))
            {
                return index;
            }
        }
    }
}

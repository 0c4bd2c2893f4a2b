using HipiFast.Kernels.Random;

namespace HipiFast.Environments;

/// <summary>The random numbers of one step, or of one episode's start, for every copy: Philox counter (block, copy,
/// index), purpose in the fourth word.</summary>
/// <param name="seed">Philox key.</param>
/// <param name="purpose">What the numbers are for.</param>
/// <param name="index">Number of the step or episode; bits from 32 up go beside the purpose, 24 of them.</param>
public readonly struct EnvironmentRandom(ulong seed, RandomPurpose purpose, ulong index)
{
    /// <summary>Four words for one copy.</summary>
    /// <param name="copy">Which copy.</param>
    /// <param name="block">Which block of four, from 0 on.</param>
    /// <returns>The words.</returns>
    public PhiloxBlock Block(int copy, uint block = 0) =>
        Philox.Next(block, (uint)copy, (uint)index, (uint)purpose | ((uint)(index >> 32) << 8), seed);
}

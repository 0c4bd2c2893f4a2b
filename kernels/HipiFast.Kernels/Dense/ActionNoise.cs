using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.Dense;

/// <summary>
/// Counter words of a draw of action noise: entry d of row r uses counter (r, d / 4 + BlockOffset, Call, Purpose).
/// </summary>
/// <param name="Seed">Philox key.</param>
/// <param name="BlockOffset">Added to the second counter word.</param>
/// <param name="Call">Number of the draw: the third counter word.</param>
/// <param name="Purpose">The fourth counter word.</param>
public readonly record struct ActionNoise(ulong Seed, uint BlockOffset, uint Call, RandomPurpose Purpose);

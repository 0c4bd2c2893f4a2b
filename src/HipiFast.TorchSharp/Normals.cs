using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Random;

namespace HipiFast.TorchSharp;

/// <summary>Standard normals of action noise, by the counters that <see cref="ActionNoise"/> describes.</summary>
internal static unsafe class Normals
{
    /// <summary>Normals of one block of random numbers.</summary>
    private const int PerBlock = 4;

    /// <summary>Fills z.</summary>
    /// <param name="noise">The draw.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Normals per row.</param>
    /// <param name="destination">Result, <c>[rows, columns]</c>; equal to the kernels' within 2e-6.</param>
    public static void Fill(ActionNoise noise, int rows, int columns, float* destination)
    {
        for (int row = 0; row < rows; row++)
        {
            for (int first = 0; first < columns; first += PerBlock)
            {
                PhiloxBlock block = Philox.Next(
                    (uint)row, ((uint)first / PerBlock) + noise.BlockOffset, noise.Call, (uint)noise.Purpose,
                    noise.Seed);
                for (int i = first; i < Math.Min(first + PerBlock, columns); i += 2)
                {
                    (float cosine, float sine) = i == first
                        ? Philox.ToNormals(block.X, block.Y)
                        : Philox.ToNormals(block.Z, block.W);
                    *destination++ = cosine;
                    if (i + 1 < columns)
                    {
                        *destination++ = sine;
                    }
                }
            }
        }
    }
}

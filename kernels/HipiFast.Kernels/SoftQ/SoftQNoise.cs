using System.Numerics;
using System.Runtime.Intrinsics;
using HipiFast.Kernels.Random;

namespace HipiFast.Kernels.SoftQ;

/// <summary>Standard normals of the Bellman estimator's actions; see <see cref="RandomPurpose.BellmanAction"/> for the counter.</summary>
internal static unsafe class SoftQNoise
{
    /// <summary>Normals that one Philox block yields.</summary>
    public const int NormalsPerBlock = 4;

    /// <summary>Counter word 3 of the block that serves an action dimension: the purpose, plus 256 for each block of four dimensions.</summary>
    /// <param name="block">Dimension / 4.</param>
    /// <returns>The word.</returns>
    public static uint PurposeWord(int block) => (uint)RandomPurpose.BellmanAction + (256u * (uint)block);

    /// <summary>One normal, in the plainest form.</summary>
    /// <param name="task">Candidate.</param>
    /// <param name="transition">Row within the whole batch.</param>
    /// <param name="call">Number of the call.</param>
    /// <param name="dimension">Action dimension.</param>
    /// <param name="seed">Philox key.</param>
    /// <returns>A standard normal.</returns>
    public static float Normal(uint task, uint transition, uint call, int dimension, ulong seed)
    {
        PhiloxBlock block = Philox.Next(task, transition, call, PurposeWord(dimension / NormalsPerBlock), seed);
        int word = dimension % NormalsPerBlock;
        (float cosine, float sine) = word < 2 ? Philox.ToNormals(block.X, block.Y) : Philox.ToNormals(block.Z, block.W);
        return word % 2 == 0 ? cosine : sine;
    }

    /// <summary>The normals of a tile, by vectors.</summary>
    /// <param name="tasks"><c>[pairs]</c>: the candidate of each pair.</param>
    /// <param name="transitions"><c>[pairs]</c>: the row of each pair within the whole batch.</param>
    /// <param name="pairs">Pairs, a multiple of 16.</param>
    /// <param name="stride">Floats between rows of the result, at least <paramref name="pairs"/>.</param>
    /// <param name="call">Number of the call.</param>
    /// <param name="seed">Philox key.</param>
    /// <param name="dimensions">A.</param>
    /// <param name="words">Scratch <c>[4][stride]</c>.</param>
    /// <param name="normals">Result: A rounded up to 4 rows.</param>
    public static void Fill(
        uint* tasks, uint* transitions, int pairs, int stride, uint call, ulong seed, int dimensions, uint* words, float* normals)
    {
        for (int first = 0; first < dimensions; first += NormalsPerBlock)
        {
            uint purpose = PurposeWord(first / NormalsPerBlock);
            for (int pair = 0; pair < pairs; pair += Vector512<ulong>.Count)
            {
                Vector512<ulong> x = Widen(tasks + pair), y = Widen(transitions + pair);
                Vector512<ulong> z = Vector512.Create((ulong)call), w = Vector512.Create((ulong)purpose);
                PhiloxVector.Rounds(ref x, ref y, ref z, ref w, seed);
                Narrow(x).Store(words + pair);
                Narrow(y).Store(words + stride + pair);
                Narrow(z).Store(words + (2 * stride) + pair);
                Narrow(w).Store(words + (3 * stride) + pair);
            }

            float* result = normals + (first * stride);
            BoxMuller(words, words + stride, pairs, result, result + stride);
            if (first + 2 < dimensions)
            {
                BoxMuller(words + (2 * stride), words + (3 * stride), pairs, result + (2 * stride), result + (3 * stride));
            }
        }
    }

    private static Vector512<ulong> Widen(uint* values)
    {
        (Vector256<ulong> lower, Vector256<ulong> upper) = Vector256.Widen(Vector256.Load(values));
        return Vector512.Create(lower, upper);
    }

    private static Vector256<uint> Narrow(Vector512<ulong> values) => Vector256.Narrow(values.GetLower(), values.GetUpper());

    /// <summary><see cref="Philox.ToNormals"/> by vectors.</summary>
    private static void BoxMuller(uint* radiusBits, uint* angleBits, int pairs, float* cosines, float* sines)
    {
        for (int pair = 0; pair < pairs; pair += Vector<float>.Count)
        {
            Vector<float> radius = Vector.SquareRoot(Vector.Log(ToUniform(Vector.Load(radiusBits + pair))) * -2f);
            (Vector<float> sine, Vector<float> cosine) = Vector.SinCos(ToUniform(Vector.Load(angleBits + pair)) * (2f * MathF.PI));
            (radius * cosine).Store(cosines + pair);
            (radius * sine).Store(sines + pair);
        }
    }

    /// <summary><see cref="Philox.ToUniform"/> by vectors.</summary>
    private static Vector<float> ToUniform(Vector<uint> bits) =>
        Vector.Min((Vector.ConvertToSingle(bits) + new Vector<float>(0.5f)) * (1f / 4294967296f), new Vector<float>(1f - (1f / 16777216f)));
}

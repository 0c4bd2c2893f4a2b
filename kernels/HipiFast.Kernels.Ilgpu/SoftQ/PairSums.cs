using HipiFast.Kernels.Ilgpu.Numerics;
using HipiFast.Kernels.Ilgpu.TensorCores;

namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary>
/// A number for each of a lane's eight pairs, which lie 8 apart: in the tile of 16 pairs i, 2i is row g of the fragment
/// and 2i + 1 row g + 8.
/// </summary>
internal struct PairSums
{
    public float Pair0;
    public float Pair1;
    public float Pair2;
    public float Pair3;
    public float Pair4;
    public float Pair5;
    public float Pair6;
    public float Pair7;

    /// <summary>Adds the scalar products of a fragment's rows with weights, over the lane's four columns.</summary>
    /// <param name="units">The fragment.</param>
    /// <param name="weights">Weights of the columns, in the order of the packed second layer.</param>
    public void Add(SumFragment units, Four weights)
    {
        Pair0 = Top(units.Left0, units.Right0, weights, Pair0);
        Pair1 = Bottom(units.Left0, units.Right0, weights, Pair1);
        Pair2 = Top(units.Left1, units.Right1, weights, Pair2);
        Pair3 = Bottom(units.Left1, units.Right1, weights, Pair3);
        Pair4 = Top(units.Left2, units.Right2, weights, Pair4);
        Pair5 = Bottom(units.Left2, units.Right2, weights, Pair5);
        Pair6 = Top(units.Left3, units.Right3, weights, Pair6);
        Pair7 = Bottom(units.Left3, units.Right3, weights, Pair7);
    }

    private static float Top(Four left, Four right, Four weights, float sum) =>
        Four.Dot(new Four(left.X, left.Y, right.X, right.Y), weights, sum);

    private static float Bottom(Four left, Four right, Four weights, float sum) =>
        Four.Dot(new Four(left.Z, left.W, right.Z, right.W), weights, sum);
}

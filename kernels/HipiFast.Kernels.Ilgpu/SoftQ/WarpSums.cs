using HipiFast.Kernels.Ilgpu.Numerics;
using HipiFast.Kernels.Ilgpu.TensorCores;

namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary>A lane's part of a warp's 64 pairs by 64 hidden units: 128 floats, which the kernel compiler keeps in registers.</summary>
internal struct WarpSums
{
    public SumFragment Block0;
    public SumFragment Block1;
    public SumFragment Block2;
    public SumFragment Block3;

    /// <summary>relu(sum + bias) of a block.</summary>
    /// <param name="sums">The block.</param>
    /// <param name="bias">Biases of the lane's four columns.</param>
    /// <returns>The hidden units.</returns>
    public static SumFragment Activate(SumFragment sums, Four bias)
    {
        Four left = new(bias.X, bias.Y, bias.X, bias.Y), right = new(bias.Z, bias.W, bias.Z, bias.W);
        return new SumFragment
        {
            Left0 = Four.Relu(Four.Add(sums.Left0, left)),
            Right0 = Four.Relu(Four.Add(sums.Right0, right)),
            Left1 = Four.Relu(Four.Add(sums.Left1, left)),
            Right1 = Four.Relu(Four.Add(sums.Right1, right)),
            Left2 = Four.Relu(Four.Add(sums.Left2, left)),
            Right2 = Four.Relu(Four.Add(sums.Right2, right)),
            Left3 = Four.Relu(Four.Add(sums.Left3, left)),
            Right3 = Four.Relu(Four.Add(sums.Right3, right)),
        };
    }
}

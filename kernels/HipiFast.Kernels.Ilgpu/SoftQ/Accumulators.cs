using System.Runtime.CompilerServices;
using HipiFast.Kernels.Ilgpu.Numerics;

namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary>
/// A thread's part of the second layer: 8 pairs by 8 hidden units, which the kernel compiler keeps in 64 registers.
/// </summary>
internal struct Accumulators
{
    // Four hidden units of the first half and four of the second, for each pair.
    public Four Low0;
    public Four Low1;
    public Four Low2;
    public Four Low3;
    public Four Low4;
    public Four Low5;
    public Four Low6;
    public Four Low7;
    public Four High0;
    public Four High1;
    public Four High2;
    public Four High3;
    public Four High4;
    public Four High5;
    public Four High6;
    public Four High7;

    /// <summary>Adds the products of the eight pairs with eight hidden units.</summary>
    /// <param name="first">The first four pairs' numbers.</param>
    /// <param name="last">Those of the others.</param>
    /// <param name="low">Weights of the first four hidden units.</param>
    /// <param name="high">Of the others.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MultiplyAdd(Four first, Four last, Four low, Four high)
    {
        Low0 = Four.MultiplyAdd(first.X, low, Low0);
        Low1 = Four.MultiplyAdd(first.Y, low, Low1);
        Low2 = Four.MultiplyAdd(first.Z, low, Low2);
        Low3 = Four.MultiplyAdd(first.W, low, Low3);
        Low4 = Four.MultiplyAdd(last.X, low, Low4);
        Low5 = Four.MultiplyAdd(last.Y, low, Low5);
        Low6 = Four.MultiplyAdd(last.Z, low, Low6);
        Low7 = Four.MultiplyAdd(last.W, low, Low7);
        High0 = Four.MultiplyAdd(first.X, high, High0);
        High1 = Four.MultiplyAdd(first.Y, high, High1);
        High2 = Four.MultiplyAdd(first.Z, high, High2);
        High3 = Four.MultiplyAdd(first.W, high, High3);
        High4 = Four.MultiplyAdd(last.X, high, High4);
        High5 = Four.MultiplyAdd(last.Y, high, High5);
        High6 = Four.MultiplyAdd(last.Z, high, High6);
        High7 = Four.MultiplyAdd(last.W, high, High7);
    }

    /// <summary>relu(sum + bias) in place.</summary>
    /// <param name="low">Bias of the first four hidden units.</param>
    /// <param name="high">Of the others.</param>
    public void Activate(Four low, Four high)
    {
        Low0 = Four.Relu(Four.Add(Low0, low));
        Low1 = Four.Relu(Four.Add(Low1, low));
        Low2 = Four.Relu(Four.Add(Low2, low));
        Low3 = Four.Relu(Four.Add(Low3, low));
        Low4 = Four.Relu(Four.Add(Low4, low));
        Low5 = Four.Relu(Four.Add(Low5, low));
        Low6 = Four.Relu(Four.Add(Low6, low));
        Low7 = Four.Relu(Four.Add(Low7, low));
        High0 = Four.Relu(Four.Add(High0, high));
        High1 = Four.Relu(Four.Add(High1, high));
        High2 = Four.Relu(Four.Add(High2, high));
        High3 = Four.Relu(Four.Add(High3, high));
        High4 = Four.Relu(Four.Add(High4, high));
        High5 = Four.Relu(Four.Add(High5, high));
        High6 = Four.Relu(Four.Add(High6, high));
        High7 = Four.Relu(Four.Add(High7, high));
    }

    /// <summary>Scalar products of the first four pairs' hidden units with weights.</summary>
    /// <param name="low">Weights of the first four hidden units.</param>
    /// <param name="high">Of the others.</param>
    /// <param name="sum">Added to.</param>
    /// <returns>The sums.</returns>
    public readonly Four DotFirst(Four low, Four high, Four sum) => new(
        Four.Dot(Low0, low, Four.Dot(High0, high, sum.X)),
        Four.Dot(Low1, low, Four.Dot(High1, high, sum.Y)),
        Four.Dot(Low2, low, Four.Dot(High2, high, sum.Z)),
        Four.Dot(Low3, low, Four.Dot(High3, high, sum.W)));

    /// <summary>Those of the last four pairs.</summary>
    /// <inheritdoc cref="DotFirst"/>
    public readonly Four DotLast(Four low, Four high, Four sum) => new(
        Four.Dot(Low4, low, Four.Dot(High4, high, sum.X)),
        Four.Dot(Low5, low, Four.Dot(High5, high, sum.Y)),
        Four.Dot(Low6, low, Four.Dot(High6, high, sum.Z)),
        Four.Dot(Low7, low, Four.Dot(High7, high, sum.W)));
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Devices.TaskSampling;
using HipiFast.Kernels.Ilgpu.Numerics;
using HipiFast.Kernels.TaskSampling;
using ILGPU;
using ILGPU.Util;

namespace HipiFast.Kernels.Ilgpu.TaskSampling;

/// <summary>
/// A score in its parts, of which differences are taken before they are divided by the temperature: what
/// <see cref="ExactScores"/> is on the processor, in pairs of floats.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ExactScore
{
    // Parts are scaled by it, so that no difference of finite floats overflows; not below the temperature, where what
    // the scale cuts off small floats could count.
    private const float Scale = 0.25f, SmallestScaledTemperature = 1e-30f;

    /// <summary>Q~ - logZ, scaled.</summary>
    public TwoFloats Raw;

    /// <summary>log p.</summary>
    public float Prior;

    /// <summary>Its candidate; <see cref="Choice.None"/> for a score of -inf.</summary>
    public int Index;

    /// <summary>0, or NaN or +inf where a score that was looked at is.</summary>
    public float Poison;

    /// <summary>No score.</summary>
    public static ExactScore Empty
    {
        get
        {
            ExactScore score;
            score.Raw = new TwoFloats(0f, 0f);
            score.Prior = 0f;
            score.Index = Choice.None;
            score.Poison = 0f;
            return score;
        }
    }

    /// <summary>The factor of the parts, and of the temperature that divides them.</summary>
    /// <param name="numbers">The call.</param>
    /// <returns>A power of two.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ScaleOf(in CallNumbers numbers) => Utilities.Select(
        numbers.Temperature > 0f && numbers.Temperature < SmallestScaledTemperature, 1f, Scale);

    /// <summary>The score of an entry.</summary>
    /// <param name="numbers">The call.</param>
    /// <param name="q">Q~.</param>
    /// <param name="logPartition"><c>[K]</c>.</param>
    /// <param name="prior">log p.</param>
    /// <param name="shape">Sizes.</param>
    /// <param name="task">The candidate.</param>
    /// <returns>The score.</returns>
    public static ExactScore Of(
        in CallNumbers numbers, float q, ArrayView<float> logPartition, float prior, in SamplingShape shape, int task)
    {
        ExactScore score = Empty;
        float scale = ScaleOf(numbers), normalizer = 0f;
        if (shape.HasPartition != 0 && q != float.NegativeInfinity)
        {
            normalizer = logPartition[task];
        }

        TwoFloats raw = TwoFloats.Sum(q * scale, -(normalizer * scale));
        float value = raw.High + prior;
        if (!(value < float.PositiveInfinity))
        {
            score.Poison = value;
        }
        else if (value > float.NegativeInfinity)
        {
            score.Raw = raw;
            score.Prior = prior;
            score.Index = task;
        }

        return score;
    }

    /// <summary>a - b in nats, at a temperature above 0; both have a candidate.</summary>
    /// <param name="numbers">The call.</param>
    /// <param name="a">A score.</param>
    /// <param name="b">A score.</param>
    /// <returns>The difference, or ±inf beyond a float.</returns>
    public static float Distance(in CallNumbers numbers, in ExactScore a, in ExactScore b)
    {
        TwoFloats quotient = TwoFloats.Quotient(
            TwoFloats.Difference(a.Raw, b.Raw), numbers.Temperature * ScaleOf(numbers));
        TwoFloats prior = TwoFloats.Sum(a.Prior, -b.Prior), sum = TwoFloats.Sum(quotient.High, prior.High);
        return DeviceMath.IsFinite(sum.High) ? sum.High + (sum.Low + (quotient.Low + prior.Low)) : sum.High;
    }

    /// <summary>The better of two: the higher score, at temperature 0 the larger prior of equals, the first.</summary>
    /// <param name="numbers">The call.</param>
    /// <param name="a">A score.</param>
    /// <param name="b">A score.</param>
    /// <returns>One of the two, with the poison of both.</returns>
    public static ExactScore Better(in CallNumbers numbers, in ExactScore a, in ExactScore b)
    {
        bool better = a.Index == Choice.None;
        if (a.Index != Choice.None && b.Index != Choice.None)
        {
            float difference;
            if (numbers.Temperature > 0f)
            {
                difference = Distance(numbers, b, a);
            }
            else
            {
                difference = TwoFloats.Difference(b.Raw, a.Raw).High;
                difference = Utilities.Select(difference == 0f, b.Prior - a.Prior, difference);
            }

            better = difference > 0f || (difference == 0f && b.Index < a.Index);
        }

        ExactScore best = better ? b : a;
        best.Poison = a.Poison + b.Poison;
        return best;
    }

    /// <summary>The score itself, in nats, as far as a float can hold it.</summary>
    /// <param name="numbers">The call.</param>
    /// <param name="score">A score that has a candidate.</param>
    /// <returns>The score; at temperature 0 without temperature and prior.</returns>
    public static float Value(in CallNumbers numbers, in ExactScore score) => numbers.Temperature > 0f
        ? (score.Raw.High / (numbers.Temperature * ScaleOf(numbers))) + score.Prior
        : score.Raw.High / Scale;
}

using System.Runtime.InteropServices;
using HipiFast.Kernels.Ilgpu.Numerics;

namespace HipiFast.Kernels.Ilgpu.TaskSampling;

/// <summary>What a first look at a row (or a part of it) finds.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RowState
{
    /// <summary>Best noisy score.</summary>
    public Choice Sample;

    /// <summary>Best score.</summary>
    public Choice Mode;

    /// <summary>0, or the sum of the scores that are NaN or +inf.</summary>
    public float Poison;

    /// <summary>First entry of Q~ that is not finite; <see cref="Choice.None"/> when there is none.</summary>
    public int BadCandidate;

    public static RowState Empty
    {
        get
        {
            RowState state;
            state.Sample = Choice.Empty;
            state.Mode = Choice.Empty;
            state.Poison = 0f;
            state.BadCandidate = Choice.None;
            return state;
        }
    }

    /// <summary>Both parts.</summary>
    public static RowState Join(RowState a, RowState b)
    {
        RowState state;
        state.Sample = Choice.Better(a.Sample, b.Sample);
        state.Mode = Choice.Better(a.Mode, b.Mode);
        state.Poison = a.Poison + b.Poison;
        state.BadCandidate = Math.Min(a.BadCandidate, b.BadCandidate);
        return state;
    }
}

/// <summary>Sums over a row (or a part of it) relative to its best score m.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RowSums
{
    /// <summary>Sum of exp(score - m).</summary>
    public float Sum;

    /// <summary>Sum of exp(score - m) (score - m).</summary>
    public float Weighted;

    /// <summary>
    /// Sum of exp(score) over the candidates that equal the commanded task; of exp(score - m) in a row of
    /// <see cref="ExactScore"/>.
    /// </summary>
    public ExponentialSum Commanded;

    /// <summary>Best noisy score relative to m, in a row of <see cref="ExactScore"/>.</summary>
    public Choice Sample;

    public static RowSums Empty
    {
        get
        {
            RowSums sums;
            sums.Sum = 0f;
            sums.Weighted = 0f;
            sums.Commanded = ExponentialSum.Empty;
            sums.Sample = Choice.Empty;
            return sums;
        }
    }

    /// <summary>Adds a score, compensated (Kahan): a thread may add up many thousand.</summary>
    /// <param name="distance">The score relative to m.</param>
    /// <param name="lostSum">What the last addition to <see cref="Sum"/> rounded away.</param>
    /// <param name="lostWeighted">The same of <see cref="Weighted"/>.</param>
    public void Add(float distance, ref float lostSum, ref float lostWeighted)
    {
        float weight = DeviceMath.Exp(distance), term = weight - lostSum, total = Sum + term;
        lostSum = (total - Sum) - term;
        Sum = total;
        if (weight > 0f)
        {
            term = (weight * distance) - lostWeighted;
            total = Weighted + term;
            lostWeighted = (total - Weighted) - term;
            Weighted = total;
        }
    }

    /// <summary>Both parts.</summary>
    public static RowSums Join(RowSums a, RowSums b)
    {
        RowSums sums;
        sums.Sum = a.Sum + b.Sum;
        sums.Weighted = a.Weighted + b.Weighted;
        sums.Commanded = ExponentialSum.Join(a.Commanded, b.Commanded);
        sums.Sample = Choice.Better(a.Sample, b.Sample);
        return sums;
    }
}

using System.Numerics;

namespace HipiFast.Kernels.Numerics;

/// <summary>Finds NaN and infinities.</summary>
internal static class FiniteCheck
{
    /// <summary>Position of the first entry that is NaN or infinite, or -1.</summary>
    public static int IndexOfNonFinite(ReadOnlySpan<float> values)
    {
        // x - x is 0 for every finite x and NaN otherwise, and a sum that once is NaN stays so: one subtraction and one
        // addition per vector.
        int i = 0;
        Vector<float> first = default, second = default;
        for (; i <= values.Length - (2 * Vector<float>.Count); i += 2 * Vector<float>.Count)
        {
            Vector<float> a = new(values[i..]), b = new(values[(i + Vector<float>.Count)..]);
            first += a - a;
            second += b - b;
        }

        return Vector.EqualsAll(first + second, Vector<float>.Zero) && AllFinite(values[i..]) ? -1 : Locate(values);
    }

    private static bool AllFinite(ReadOnlySpan<float> values)
    {
        float sum = 0;
        foreach (float value in values)
        {
            sum += value - value;
        }

        return sum == 0;
    }

    private static int Locate(ReadOnlySpan<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                return i;
            }
        }

        return -1;
    }
}

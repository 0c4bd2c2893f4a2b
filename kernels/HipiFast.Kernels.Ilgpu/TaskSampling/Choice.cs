using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Ilgpu.TaskSampling;

/// <summary>
/// The best entry so far of a row or a column: the largest value, among equals the largest prior, among those the
/// first.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Choice
{
    /// <summary>Index while there is none.</summary>
    public const int None = int.MaxValue;

    /// <summary>Its value.</summary>
    public float Value;

    /// <summary>What breaks ties.</summary>
    public float Prior;

    /// <summary>Its number.</summary>
    public int Index;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Choice(float value, float prior, int index)
    {
        Value = value;
        Prior = prior;
        Index = index;
    }

    /// <summary>No entry: -inf never is one.</summary>
    public static Choice Empty => new(float.NegativeInfinity, float.NegativeInfinity, None);

    /// <summary>The better of two; NaN and -inf never are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Choice Better(Choice a, Choice b)
    {
        bool equal = b.Value == a.Value && b.Value > float.NegativeInfinity;
        bool better = b.Value > a.Value || (equal && (b.Prior > a.Prior || (b.Prior == a.Prior && b.Index < a.Index)));
        return better ? b : a;
    }
}

using System.Runtime.CompilerServices;

namespace HipiFast.Kernels.Tasks;

/// <summary>A vector in CPU memory.</summary>
/// <param name="pointer">First entry; must stay valid while the vector is used.</param>
/// <param name="length">Number of entries.</param>
public readonly unsafe struct PointerVector(float* pointer, int length) : IVector
{
    private readonly float* _pointer = pointer;

    /// <inheritdoc/>
    public int Length { get; } = length;

    /// <inheritdoc/>
    public float this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            System.Diagnostics.Debug.Assert((uint)index < (uint)Length);
            return _pointer[index];
        }
    }
}

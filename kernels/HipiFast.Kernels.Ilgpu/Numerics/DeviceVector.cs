using HipiFast.Kernels.Tasks;
using ILGPU;

namespace HipiFast.Kernels.Ilgpu.Numerics;

/// <summary>A vector in device memory, as task families see it.</summary>
/// <param name="view">The memory that holds it.</param>
/// <param name="start">First entry.</param>
/// <param name="length">Number of entries.</param>
public readonly struct DeviceVector(ArrayView<float> view, long start, int length) : IVector
{
    private readonly ArrayView<float> _view = view;
    private readonly long _start = start;

    /// <inheritdoc/>
    public int Length { get; } = length;

    /// <inheritdoc/>
    public float this[int index] => _view[_start + index];
}

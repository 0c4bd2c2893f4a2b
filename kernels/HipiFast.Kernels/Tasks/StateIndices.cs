using System.Numerics.Tensors;

namespace HipiFast.Kernels.Tasks;

/// <summary>Indices into the state, which a family keeps among its constants as floats.</summary>
internal static class StateIndices
{
    /// <summary>The fewest entries that a state must have to be read at every index.</summary>
    /// <param name="indices">The indices, whole numbers, one or more.</param>
    /// <returns>The largest index plus one.</returns>
    public static int Required(ReadOnlySpan<float> indices) => (int)TensorPrimitives.Max(indices) + 1;
}

namespace HipiFast.Import;

/// <summary>A tensor of a state_dict in memory.</summary>
/// <param name="Values">Its elements, row-major; not copied, and not to be changed as long as it is used.</param>
/// <param name="Shape">Its extents, outermost first; empty for a scalar.</param>
public readonly record struct NamedTensor(ReadOnlyMemory<float> Values, IReadOnlyList<long> Shape);

namespace HipiFast.Benchmarking.Results;

/// <summary>One benchmark of a result set.</summary>
/// <param name="Name">The identifier by which result sets are matched.</param>
/// <param name="Seconds">Raw measurements of one call, in the order in which they were made; all above 0.</param>
/// <param name="Peak">
/// The machine's peak rate beside the calls, of which they are a fraction; null where it was not measured.
/// </param>
/// <param name="AllocatedBytes">
/// Bytes that a call allocates on the managed heap, 0 or more; null where they were not counted.
/// </param>
public sealed record BenchmarkMeasurement(
    string Name, IReadOnlyList<double> Seconds, double? Peak = null, double? AllocatedBytes = null);

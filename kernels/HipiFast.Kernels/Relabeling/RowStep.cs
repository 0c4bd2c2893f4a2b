namespace HipiFast.Kernels.Relabeling;

/// <summary>
/// A step of a relabel call: Q~ of a block of rows is computed, and then what is said here is done with it, in this
/// order.
/// </summary>
/// <param name="First">First row.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="Accumulates">Whether the block is added to the sums of the partition.</param>
/// <param name="FinishesPartition">Whether logZ is complete with it.</param>
/// <param name="Samples">Whether its rows are given tasks.</param>
internal readonly record struct RowStep(int First, int Rows, bool Accumulates, bool FinishesPartition, bool Samples);

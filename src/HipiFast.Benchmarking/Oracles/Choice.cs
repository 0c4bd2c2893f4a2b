namespace HipiFast.Benchmarking.Oracles;

/// <summary>What one arg-maximum should give.</summary>
/// <param name="Index">The winner, -1 when there is none.</param>
/// <param name="Margin">How far the runner-up is behind, +inf without one.</param>
public readonly record struct Choice(int Index, double Margin);

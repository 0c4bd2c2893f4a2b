namespace HipiFast.Replay;

/// <summary>An entry of a batch that is NaN or infinite.</summary>
/// <param name="Column">Its column of the schema.</param>
/// <param name="Row">Its row of the batch.</param>
/// <param name="Position">Its place in the row.</param>
/// <param name="Value">What it is.</param>
internal readonly record struct NonFiniteEntry(TransitionColumn Column, int Row, int Position, float Value);

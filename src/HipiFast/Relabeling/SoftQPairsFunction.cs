namespace HipiFast.Relabeling;

/// <summary>Q~ of many pairs of transition and candidate task: a critic as a model takes its inputs.</summary>
/// <param name="pairs">
/// One row for each pair, <c>[count, S + A + P]</c>: state, action, candidate task. Valid during the call only.
/// </param>
/// <param name="count">Pairs, 1 or more.</param>
/// <param name="softQ">Receives Q~ of each pair, <c>[count]</c>, in nats.</param>
public delegate void SoftQPairsFunction(ReadOnlySpan<float> pairs, int count, Span<float> softQ);

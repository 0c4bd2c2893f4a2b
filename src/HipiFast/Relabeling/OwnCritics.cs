using HipiFast.Kernels.Backends;
using HipiFast.Replay;

namespace HipiFast.Relabeling;

/// <summary>Critics that are no agent's networks: a session that has them, and what transitions they judge.</summary>
/// <param name="Session">Kernels whose soft-Q matrix is theirs.</param>
/// <param name="Shape">Widths of the transitions.</param>
/// <param name="FitActions">
/// Turns made-up actions, uniform in [-1, 1], into such as the critics know; null where they are.
/// </param>
internal sealed record OwnCritics(ComputeSession Session, TransitionShape Shape, Action<TransitionBatch>? FitActions);

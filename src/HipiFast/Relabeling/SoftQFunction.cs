using HipiFast.Kernels.SoftQ;

namespace HipiFast.Relabeling;

/// <summary>Q~ of one transition under one candidate task, in nats.</summary>
/// <param name="problem">
/// Transitions and candidates; its networks are the relabeler's agent's, or missing, and need not be looked at.
/// </param>
/// <param name="row">Transition.</param>
/// <param name="candidate">Candidate.</param>
/// <returns>Q~[row, candidate].</returns>
public delegate float SoftQFunction(in SoftQProblem problem, int row, int candidate);

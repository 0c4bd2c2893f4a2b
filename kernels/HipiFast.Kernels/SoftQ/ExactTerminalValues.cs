using System.Numerics;
using System.Runtime.InteropServices;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// The exact value where a transition ends the candidate task, for a Q~ that networks of ours have not made: there the
/// reward takes the place of what was estimated (<see cref="SoftQProblem.ExactTerminalValue"/>).
/// </summary>
internal sealed class ExactTerminalValues
{
    // Grown to the largest call, and then kept: one row of the matrix.
    private float[] _reward = [];
    private float[] _terminated = [];

    /// <summary>Puts the exact values into rows of the matrix, where the problem asks for them.</summary>
    /// <param name="problem">Transitions, candidates and family; its networks are not read.</param>
    /// <param name="first">First row.</param>
    /// <param name="softQ">Q~ of whole rows from there on, <c>[rows, K]</c>.</param>
    public void Put(in SoftQProblem problem, int first, Span<float> softQ)
    {
        if (!AreAsked(problem))
        {
            return;
        }

        int s = problem.ObservationDimension, a = problem.ActionDimension, candidates = problem.Candidates;
        if (_reward.Length < candidates)
        {
            _reward = new float[candidates];
            _terminated = new float[candidates];
        }

        Span<float> reward = _reward.AsSpan(0, candidates), terminated = _terminated.AsSpan(0, candidates);
        for (int row = 0; row < softQ.Length / candidates; row++)
        {
            int at = first + row;
            TransitionRows transition = new(
                problem.Observation.Slice(at * s, s), problem.Action.Slice(at * a, a),
                problem.NextObservation.Slice(at * s, s), 1);
            problem.Family!.EvaluatePairs(transition, problem.Task, reward, terminated);
            Select(terminated, reward, softQ.Slice(row * candidates, candidates));
        }
    }

    /// <summary>Whether a problem asks for exact values at all.</summary>
    /// <param name="problem">The problem.</param>
    /// <returns>Whether it does.</returns>
    public static bool AreAsked(in SoftQProblem problem) => problem.ExactTerminalValue && problem.Family is not null;

    private static void Select(ReadOnlySpan<float> terminated, ReadOnlySpan<float> reward, Span<float> softQ)
    {
        Span<Vector<float>> values = MemoryMarshal.Cast<float, Vector<float>>(softQ);
        ReadOnlySpan<Vector<float>> ends = MemoryMarshal.Cast<float, Vector<float>>(terminated),
            rewards = MemoryMarshal.Cast<float, Vector<float>>(reward);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = Vector.ConditionalSelect(Vector.Equals(ends[i], Vector<float>.Zero), values[i], rewards[i]);
        }

        for (int i = values.Length * Vector<float>.Count; i < softQ.Length; i++)
        {
            softQ[i] = terminated[i] == 0 ? softQ[i] : reward[i];
        }
    }
}

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
    // Rows that are judged at once: families are vectorised along transitions, or along tasks where there are more.
    private const int RowsAtOnce = 64;
    private const int MostPairs = 1 << 20;

    // Grown to the largest call, and then kept: some rows of the matrix.
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

        int s = problem.ObservationDimension, a = problem.ActionDimension, candidates = problem.Candidates,
            rows = softQ.Length / candidates, most = Math.Clamp(MostPairs / candidates, 1, Math.Min(RowsAtOnce, rows));
        if (_reward.Length < most * candidates)
        {
            _reward = new float[most * candidates];
            _terminated = new float[most * candidates];
        }

        for (int row = 0, count; row < rows; row += count)
        {
            count = Math.Min(most, rows - row);
            int at = first + row, pairs = count * candidates;
            Span<float> reward = _reward.AsSpan(0, pairs), terminated = _terminated.AsSpan(0, pairs);
            TransitionRows transitions = new(
                problem.Observation.Slice(at * s, count * s), problem.Action.Slice(at * a, count * a),
                problem.NextObservation.Slice(at * s, count * s), count);
            problem.Family!.EvaluatePairs(transitions, problem.Task, reward, terminated);
            Select(terminated, reward, softQ.Slice(row * candidates, pairs));
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

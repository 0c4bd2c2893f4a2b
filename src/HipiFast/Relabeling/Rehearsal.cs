using System.Diagnostics;
using System.Runtime;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Tasks;

namespace HipiFast.Relabeling;

/// <summary>
/// Relabel calls on made-up transitions, which leave a session with memory and compiled code for real ones and change
/// nothing else: a second relabeler makes them.
/// </summary>
/// <param name="session">What is prepared.</param>
/// <param name="family">The task family.</param>
/// <param name="agent">The networks, or null where none are asked.</param>
/// <param name="shape">Widths of the transitions.</param>
/// <param name="options">How to relabel.</param>
/// <param name="tasks">Where random relabeling draws tasks, or null.</param>
/// <param name="candidates">The fixed candidates are those of the real relabeler.</param>
/// <param name="fitActions">Turns made-up actions into such as the critics know, or null.</param>
internal sealed class Rehearsal(
    ComputeSession session, TaskFamily family, AgentNetworks? agent, TransitionShape shape, RelabelOptions options,
    ITaskDistribution? tasks, CandidateTasks candidates, Action<TransitionBatch>? fitActions = null)
{
    // The runtime compiles a method again, optimised, in the background: first when it has been called 30 times after
    // a pause of 100 ms without new code, and once more from what was seen in the code that counts branches.
    private const int CallsPerRound = 60;
    private const int PauseMilliseconds = 150;
    private const double LongestRoundSeconds = 0.25;
    private const double LongestSeconds = 2;

    private const int TimedCalls = 3;

    /// <summary>Makes calls until the runtime compiles nothing any more, for 2 s at the most.</summary>
    /// <param name="rows">B.</param>
    /// <param name="count">K of the tasks given with each call; 0 where the options say where they come from.</param>
    /// <param name="bySoftQ">Whether Q~ comes with each call.</param>
    public void Run(int rows, int count, bool bySoftQ = false)
    {
        float[] softQ = bySoftQ ? new float[checked(rows * CountCandidates(rows, count))] : [];
        Fill(softQ, 4);
        // Labels that serve further draws would leave almost nothing to infer.
        using Relabeler infers = Open(options with { LabelDraws = 1 }), recalls = Open(options);
        using TransitionBatch batch = MadeUp(rows);
        using ReplayBuffer replay = new(shape, rows);
        replay.AppendEpisode(batch);
        for (int row = 0; row < rows; row++)
        {
            batch.ReplayIndex[row] = row;
        }

        float[] given = new float[count * family.TaskDimension];
        long start = Stopwatch.GetTimestamp(), compiled;
        do
        {
            compiled = JitInfo.GetCompiledMethodCount();
            long round = Stopwatch.GetTimestamp();
            for (int call = 0; call < CallsPerRound
                && (call == 0 || Stopwatch.GetElapsedTime(round).TotalSeconds < LongestRoundSeconds); call++)
            {
                Relabel(infers, batch, softQ, given, replay);
                if (options.LabelDraws > 1)
                {
                    Relabel(recalls, batch, softQ, given, replay);
                }
            }

            Thread.Sleep(PauseMilliseconds);
        }
        while (JitInfo.GetCompiledMethodCount() != compiled
            && Stopwatch.GetElapsedTime(start).TotalSeconds < LongestSeconds);
    }

    /// <summary>Times a small call: the best of three.</summary>
    /// <param name="rows">B.</param>
    /// <param name="count">K.</param>
    /// <returns>Seconds.</returns>
    public double Time(int rows, int count)
    {
        using Relabeler relabeler = Open(options with
        {
            Assignment = Assignment.Row, Candidates = CandidateSource.Commanded, GoalMix = 0, GroupRows = 0,
            GroupCandidates = 0, LabelDraws = 1, Partition = PartitionMode.Batch, RelabelFraction = 1,
        });
        using TransitionBatch batch = MadeUp(rows);
        float[] given = new float[count * family.TaskDimension];
        double best = double.PositiveInfinity;
        for (int call = 0; call < TimedCalls; call++)
        {
            long start = Stopwatch.GetTimestamp();
            relabeler.Relabel(batch, given);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private static void Relabel(
        Relabeler relabeler, TransitionBatch batch, float[] softQ, float[] given, ReplayBuffer replay)
    {
        if (softQ.Length > 0)
        {
            relabeler.RelabelBySoftQ(batch, softQ, given, replay: replay);
        }
        else if (given.Length > 0)
        {
            relabeler.Relabel(batch, given, replay);
        }
        else
        {
            relabeler.Relabel(batch, replay);
        }
    }

    private Relabeler Open(RelabelOptions used)
    {
        Relabeler relabeler = new(session, family, agent, used, tasks);
        if (candidates.FixedCount > 0)
        {
            relabeler.SetFixedCandidates(candidates.FixedTasks, candidates.FixedLogPrior);
        }

        return relabeler;
    }

    // Uniform numbers in [-1, 1]: of zeros a family of the caller's might make NaN.
    private TransitionBatch MadeUp(int rows)
    {
        TransitionBatch batch = new(shape, rows) { Count = rows };
        Fill(batch.Observation, 0);
        Fill(batch.Action, 1);
        Fill(batch.NextObservation, 2);
        Fill(batch.Task, 3);
        fitActions?.Invoke(batch);
        return batch;
    }

    private int CountCandidates(int rows, int given) => given > 0
        ? given
        : options.Assignment == Assignment.Task
        ? rows
        : options.Candidates switch
        {
            CandidateSource.Both => checked(2 * rows),
            CandidateSource.Fixed => candidates.FixedCount,
            _ => rows,
        };

    private static void Fill(Span<float> values, uint part)
    {
        for (int i = 0; i < values.Length; i++)
        {
            PhiloxBlock block = Philox.Next((uint)i, part, 0, (uint)RandomPurpose.SyntheticData, 0);
            values[i] = (2 * Philox.ToUniform(block.X)) - 1;
        }
    }
}

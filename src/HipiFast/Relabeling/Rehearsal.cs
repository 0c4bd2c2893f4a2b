using System.Diagnostics;
using System.Runtime;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Relabeling;

/// <summary>
/// Relabel calls on made-up transitions, which leave a session with memory and compiled code for real ones and change
/// nothing else: a second relabeler makes them.
/// </summary>
/// <param name="session">What is prepared.</param>
/// <param name="family">The task family.</param>
/// <param name="agent">The networks.</param>
/// <param name="options">How to relabel.</param>
/// <param name="candidates">The fixed candidates are those of the real relabeler.</param>
internal sealed class Rehearsal(
    ComputeSession session, TaskFamily family, AgentNetworks agent, RelabelOptions options, CandidateTasks candidates)
{
    // The runtime compiles a method again, optimised, in the background: first when it has been called 30 times after
    // a pause of 100 ms without new code, and once more from what was seen in the code that counts branches.
    private const int CallsPerRound = 60;
    private const int PauseMilliseconds = 150;
    private const double LongestRoundSeconds = 0.25;
    private const double LongestSeconds = 2;

    /// <summary>Makes calls until the runtime compiles nothing any more, for 2 s at the most.</summary>
    /// <param name="rows">B.</param>
    /// <param name="count">K of the tasks given with each call; 0 where the options say where they come from.</param>
    public void Run(int rows, int count)
    {
        using Relabeler relabeler = new(session, family, agent, options);
        if (candidates.FixedCount > 0)
        {
            relabeler.SetFixedCandidates(candidates.FixedTasks, candidates.FixedLogPrior);
        }

        using TransitionBatch batch = new(agent.Shape, rows) { Count = rows };
        using ReplayBuffer replay = new(agent.Shape, rows);
        replay.AppendEpisode(batch);
        for (int row = 0; row < rows; row++)
        {
            batch.ReplayIndex[row] = row;
        }

        float[] tasks = new float[count * family.TaskDimension];
        long start = Stopwatch.GetTimestamp(), compiled;
        do
        {
            compiled = JitInfo.GetCompiledMethodCount();
            long round = Stopwatch.GetTimestamp();
            for (int call = 0; call < CallsPerRound
                && (call == 0 || Stopwatch.GetElapsedTime(round).TotalSeconds < LongestRoundSeconds); call++)
            {
                if (tasks.Length > 0)
                {
                    relabeler.Relabel(batch, tasks, replay);
                }
                else
                {
                    relabeler.Relabel(batch, replay);
                }
            }

            Thread.Sleep(PauseMilliseconds);
        }
        while (JitInfo.GetCompiledMethodCount() != compiled
            && Stopwatch.GetElapsedTime(start).TotalSeconds < LongestSeconds);
    }
}

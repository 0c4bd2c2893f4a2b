using HipiFast.Kernels.Random;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Tests.Examples;

/// <summary>The first page of the README, compiled and run.</summary>
public sealed class FirstPageExample
{
    [Fact]
    public void MakeAFamilyMakeARelabelerRelabelABatch()
    {
        // README begins
        // The tasks: bring the first two entries of the state within 0.1 of a goal. Reward -1 until there, then 0 and the end.
        TaskFamily family = TaskFamilies.Goal(achieved: [0, 1], margin: 0.1f);

        // The agent whose critics score transitions: yours from a file (AgentFile.Load), or a fresh one.
        using AgentNetworks agent = new(new TransitionShape(ObservationDimension: 4, ActionDimension: 2, TaskDimension: 2), hidden: 64);
        agent.Initialize(seed: 1);

        using Relabeler relabeler = new(family, agent, new RelabelOptions { RelabelFraction = 0.5f, Candidates = CandidateSource.Both });

        // A batch of transitions under the tasks that were commanded when they were collected (here: random numbers).
        using TransitionBatch batch = RandomBatch(agent.Shape, rows: 256);
        RelabelResult result = relabeler.Relabel(batch);

        // The batch now holds the new tasks, with reward and termination recomputed. The result says which, and how sure inverse RL was.
        Console.WriteLine($"transition 0 received candidate {result.TaskIndex[0]} (-1: kept its own)");
        Console.WriteLine($"posterior entropy {result.Diagnostics.PosteriorEntropy:0.00} nats");

        // README ends
        Assert.Equal(512, result.Candidates.Length / 2);
        Assert.InRange(result.Diagnostics.RelabeledShare, 0.4f, 0.6f);
    }

    [Fact]
    public void TheReadmeShowsThisCode()
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "HipiFast.sln")))
        {
            root = Path.GetDirectoryName(root)!;
        }

        string[] source = File.ReadAllLines(Path.Combine(root, "tests", "HipiFast.Tests", "Examples", "FirstPageExample.cs"));
        int begin = Array.FindIndex(source, line => line.Trim() == "// README begins");
        int end = Array.FindIndex(source, line => line.Trim() == "// README ends");
        string shown = string.Join('\n', source[(begin + 1)..end].Select(line => line.Length > 8 ? line[8..] : string.Empty)).Trim();
        Assert.Contains(shown, File.ReadAllText(Path.Combine(root, "README.md")).ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    private static TransitionBatch RandomBatch(TransitionShape shape, int rows)
    {
        TransitionBatch batch = new(shape, rows) { Count = rows };
        Fill(batch.Observation, 1);
        Fill(batch.NextObservation, 2);
        Fill(batch.Action, 3);
        Fill(batch.Task, 4);
        return batch;

        static void Fill(Span<float> values, uint stream)
        {
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = (2 * Philox.ToUniform(Philox.Next((uint)i, 0, stream, (uint)RandomPurpose.SyntheticData, 1).X)) - 1;
            }
        }
    }
}

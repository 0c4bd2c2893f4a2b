// The first relabel call: a task family, an agent, a relabeler, a batch.
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;

// README begins
// The tasks: bring the first two entries of the state within 0.1 of a goal. Reward -1 until there, then 0 and the end.
TaskFamily family = TaskFamilies.Goal(achieved: [0, 1], margin: 0.1f);

// The agent whose critics score transitions: yours from a file (AgentFile.Load), or a fresh one.
TransitionShape shape = new(ObservationDimension: 4, ActionDimension: 2, TaskDimension: 2);
using AgentNetworks agent = new(shape, hidden: 64);
agent.Initialize(seed: 1);

RelabelOptions options = new() { RelabelFraction = 0.5f, Candidates = CandidateSource.Both };
using Relabeler relabeler = new(family, agent, options);

// A batch of transitions under the tasks commanded when they were collected (here: random numbers).
using TransitionBatch batch = RandomBatch(shape, rows: 256);
RelabelResult result = relabeler.Relabel(batch);

// The batch holds the new tasks, with reward and termination recomputed. The result says which, and how sure it was.
Console.WriteLine($"transition 0 received candidate {result.TaskIndex[0]} (-1: kept its own)");
Console.WriteLine($"posterior entropy {result.Diagnostics.PosteriorEntropy:0.00} nats");

// README ends
Console.WriteLine(
    $"{result.Candidates.Length / shape.TaskDimension} candidates, {result.Diagnostics.RelabeledShare:0%} relabeled");

static TransitionBatch RandomBatch(TransitionShape shape, int rows)
{
    TransitionBatch batch = new(shape, rows) { Count = rows };
    Random random = new(1);
    Fill(batch.Observation);
    Fill(batch.Action);
    Fill(batch.NextObservation);
    Fill(batch.Task);
    return batch;

    void Fill(Span<float> values)
    {
        foreach (ref float value in values)
        {
            value = (2 * random.NextSingle()) - 1;
        }
    }
}

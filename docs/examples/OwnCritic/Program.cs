// A critic of one's own: any function of (transition, task) instead of the agent's networks.
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Relabeling;
using HipiFast.Replay;

// Points on a line; the task is the place to be.
TransitionShape shape = new(ObservationDimension: 1, ActionDimension: 1, TaskDimension: 1);
TaskFamily family = TaskFamilies.Goal(achieved: [0], margin: 0.05f);

// Q~ in nats: minus ten times the distance from where the transition leads to the task. A table would do; a model is
// rather asked for thousands of pairs at once: FunctionSession.Create((pairs, count, softQ) => ...), where pairs are
// rows of state, action and task.
static float SoftQ(in SoftQProblem problem, int row, int candidate) =>
    -10f * MathF.Abs(problem.NextObservation[row] - problem.Task[candidate]);

using TransitionBatch batch = new(shape, capacity: 5) { Count = 5 };
for (int row = 0; row < batch.Count; row++)
{
    batch.Observation[row] = 0f;
    batch.Action[row] = (row - 2) / 2f;
    batch.NextObservation[row] = batch.Action[row];
    batch.Task[row] = 1f;
}

// The five places that a step may lead to are the candidates; the most likely one is taken (temperature 0).
RelabelOptions options = new() { RelabelFraction = 1f, Temperature = 0f };
using ComputeSession session = FunctionSession.Create(SoftQ);
using Relabeler relabeler = new(session, family, agent: null, options);
RelabelResult result = relabeler.Relabel(batch, candidates: [-1f, -0.5f, 0f, 0.5f, 1f]);
for (int row = 0; row < batch.Count; row++)
{
    Console.WriteLine($"the step to {batch.NextObservation[row]:0.0} was right for task {batch.Task[row]:0.0}");
}

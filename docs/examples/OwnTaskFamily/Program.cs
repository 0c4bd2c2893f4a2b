// A task family of one's own: reward, termination and the map from states to tasks as one struct, run on every backend.
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;

// The ring between radius 1 and radius 2: numbers that all tasks share go beside the struct.
TaskFamily family = TaskFamily.Create(new RingAtSpeed(), constants: [1f, 2f]);

// Two steps from (1.5, 0): 0.3 up, inside the ring; 0.6 to the left, out of it. Each is judged under two speeds.
TransitionShape shape = new(ObservationDimension: 2, ActionDimension: 1, TaskDimension: 1);
using TransitionBatch batch = new(shape, capacity: 2) { Count = 2 };
((ReadOnlySpan<float>)[1.5f, 0f, 1.5f, 0f]).CopyTo(batch.Observation);
((ReadOnlySpan<float>)[1.5f, 0.3f, 0.9f, 0f]).CopyTo(batch.NextObservation);
((ReadOnlySpan<float>)[0.3f, 0.5f]).CopyTo(batch.Task);
float[] speeds = [0.3f, 0.5f], reward = new float[4], terminated = new float[4];
family.EvaluatePairs(batch.Transitions, speeds, reward, terminated);
for (int step = 0; step < 2; step++)
{
    for (int task = 0; task < 2; task++)
    {
        string end = terminated[(2 * step) + task] == 1f ? ", and the task ends" : string.Empty;
        Console.WriteLine($"step {step} at speed {speeds[task]:0.0}: reward {reward[(2 * step) + task]:0.0}{end}");
    }
}

// It relabels like a built-in family: every transition may take any of the batch's commanded tasks.
using AgentNetworks agent = new(shape, hidden: 32);
agent.Initialize(seed: 1);
using Relabeler relabeler = new(family, agent, new RelabelOptions { RelabelFraction = 1f });
RelabelResult result = relabeler.Relabel(batch);
Console.WriteLine($"{result.Candidates.Length} candidates, {result.Diagnostics.RelabeledShare:0%} relabeled");

/// <summary>
/// Stay inside a ring around the origin at the commanded speed. The state begins with (x, y), the task is one number,
/// the speed, and the constants are the ring's radii.
/// </summary>
internal readonly struct RingAtSpeed : ITaskFamily
{
    /// <summary>The task is the speed.</summary>
    public int TaskDimension => 1;

    /// <summary>Every step achieves some speed, but a single state does not tell which.</summary>
    public bool HasAchievedTask => false;

    /// <summary>Minus the difference between the distance covered in the step and the commanded one.</summary>
    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector
    {
        float dx = pair.NextObservation[0] - pair.Observation[0], dy = pair.NextObservation[1] - pair.Observation[1];
        return -MathF.Abs(MathF.Sqrt((dx * dx) + (dy * dy)) - pair.Task[0]);
    }

    /// <summary>Leaving the ring ends the task.</summary>
    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector
    {
        float x = pair.NextObservation[0], y = pair.NextObservation[1], radius = MathF.Sqrt((x * x) + (y * y));
        return radius < pair.Constants[0] || radius > pair.Constants[1];
    }

    /// <summary>Never asked for, since <see cref="HasAchievedTask"/> is false.</summary>
    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector => commanded[entry];
}

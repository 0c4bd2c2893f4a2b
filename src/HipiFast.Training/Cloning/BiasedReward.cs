using HipiFast.Kernels.Tasks;

namespace HipiFast.Training.Cloning;

/// <summary>
/// Another family whose rewards are larger by a constant under one task: rewards that are not on one scale (the paper's
/// Fig. 8).
/// </summary>
/// <typeparam name="TInner">The other family.</typeparam>
/// <param name="inner">The other family.</param>
/// <param name="bias">Added to every reward under that task.</param>
/// <param name="taskOffset">Where that task stands among the constants.</param>
internal readonly struct BiasedReward<TInner>(TInner inner, float bias, int taskOffset) : ITaskFamily
    where TInner : unmanaged, ITaskFamily
{
    public int TaskDimension => inner.TaskDimension;

    public bool HasAchievedTask => inner.HasAchievedTask;

    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector
    {
        bool isBiased = true;
        for (int i = 0; i < pair.Task.Length; i++)
        {
            isBiased &= pair.Task[i] == pair.Constants[taskOffset + i];
        }

        return inner.Reward(WithoutTask(pair)) + (isBiased ? bias : 0f);
    }

    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => inner.Terminates(WithoutTask(pair));

    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector =>
            inner.AchievedTask(Whole(observation), Whole(commanded), new Head<TVector>(constants, taskOffset), entry);

    private static Head<TVector> Whole<TVector>(TVector vector)
        where TVector : struct, IVector => new(vector, vector.Length);

    // The inner family finds its own constants alone, however it counts them.
    private TaskPair<Head<TVector>> WithoutTask<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => new(
            Whole(pair.Observation), Whole(pair.Action), Whole(pair.NextObservation), Whole(pair.Task),
            new Head<TVector>(pair.Constants, taskOffset));

    private readonly struct Head<TVector>(TVector vector, int length) : IVector
        where TVector : struct, IVector
    {
        public int Length => length;

        public float this[int index] => vector[index];
    }
}

/// <summary>Makes biased families.</summary>
internal static class BiasedReward
{
    /// <summary>A family whose rewards under one task are larger by a constant.</summary>
    /// <param name="family">The family to bias.</param>
    /// <param name="task">The task, <c>[P]</c>.</param>
    /// <param name="bias">Added to every reward under it.</param>
    /// <returns>The biased family.</returns>
    public static TaskFamily Create(TaskFamily family, float[] task, float bias)
    {
        Visitor visitor = new(task, bias);
        return family.Accept<Visitor, TaskFamily>(ref visitor);
    }

    private readonly struct Visitor(float[] task, float bias) : ITaskFamilyVisitor<TaskFamily>
    {
        public TaskFamily Visit<TFamily>(in TFamily definition, ReadOnlySpan<float> constants)
            where TFamily : unmanaged, ITaskFamily =>
            TaskFamily.Create(new BiasedReward<TFamily>(definition, bias, constants.Length), [.. constants, .. task]);
    }
}

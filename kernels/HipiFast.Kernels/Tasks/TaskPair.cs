namespace HipiFast.Kernels.Tasks;

/// <summary>One transition under one task: what a reward may look at.</summary>
/// <typeparam name="TVector">Vector type of the device.</typeparam>
/// <param name="Observation">s, before the step.</param>
/// <param name="Action">a.</param>
/// <param name="NextObservation">s', after the step.</param>
/// <param name="Task">psi.</param>
/// <param name="Constants">
/// The numbers given to <see cref="TaskFamily.Create"/> beside the struct; may be empty.
/// </param>
public readonly record struct TaskPair<TVector>(
    TVector Observation, TVector Action, TVector NextObservation, TVector Task, TVector Constants)
    where TVector : struct, IVector;

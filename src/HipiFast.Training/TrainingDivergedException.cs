namespace HipiFast.Training;

/// <summary>
/// The networks of a training run have produced NaN or infinity. The message says at which gradient step, and what may
/// help.
/// </summary>
/// <param name="message">One or two sentences.</param>
/// <param name="inner">What was found.</param>
public sealed class TrainingDivergedException(string message, Exception inner) : Exception(message, inner);

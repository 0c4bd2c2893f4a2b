namespace HipiFast.Training;

/// <summary>How far a run is.</summary>
/// <param name="EnvSteps">Environment steps done.</param>
/// <param name="TotalSteps">Environment steps in all.</param>
/// <param name="GradientSteps">Gradient steps done.</param>
/// <param name="Seconds">Seconds of training so far, over all sessions of the run.</param>
/// <param name="EnvStepsPerSecond">Environment steps per second in this session.</param>
/// <param name="UpdatesPerSecond">Gradient steps per second in this session.</param>
/// <param name="RemainingSeconds">Seconds left at that speed; NaN before there is one.</param>
public readonly record struct TrainingProgress(
    long EnvSteps, long TotalSteps, long GradientSteps, double Seconds, double EnvStepsPerSecond,
    double UpdatesPerSecond, double RemainingSeconds);

/// <summary>Hears how a run gets on. Called on the thread that trains.</summary>
public interface ITrainingObserver
{
    /// <summary>How often <see cref="Progress"/> is called at most; zero for after every vector step.</summary>
    TimeSpan ProgressInterval => TimeSpan.FromMilliseconds(100);

    /// <summary>Called every so often, and at the end.</summary>
    /// <param name="progress">How far the run is.</param>
    void Progress(in TrainingProgress progress);

    /// <summary>Called after every evaluation.</summary>
    /// <param name="row">One entry per <see cref="MetricColumn"/>.</param>
    void Evaluated(ReadOnlySpan<double> row);
}

namespace HipiFast.Training;

/// <summary>
/// Columns of <c>metrics.csv</c>, in order; names in the file are these in snake_case. Nothing here depends on the
/// clock.
/// </summary>
/// <remarks>Losses and relabel diagnostics are means since the row before.</remarks>
public enum MetricColumn
{
    /// <summary>Environment steps so far.</summary>
    EnvSteps,

    /// <summary>Gradient steps so far.</summary>
    GradientSteps,

    /// <summary>Mean undiscounted return of the evaluation episodes with sampled actions.</summary>
    EpisodeReturn,

    /// <summary>Share of the evaluation episodes with sampled actions that reached their task.</summary>
    SuccessRate,

    /// <summary>Mean undiscounted return with mean actions.</summary>
    MeanActionReturn,

    /// <summary>Share of episodes with mean actions that reached their task.</summary>
    MeanActionSuccessRate,

    /// <summary>Episodes of experience ended so far.</summary>
    TrainEpisodes,

    /// <summary>Share of the episodes of experience since the row before that reached their task.</summary>
    TrainSuccessRate,

    /// <summary>Critic loss.</summary>
    CriticLoss,

    /// <summary>Actor loss.</summary>
    ActorLoss,

    /// <summary>Loss of the entropy temperature.</summary>
    AlphaLoss,

    /// <summary>Entropy temperature.</summary>
    Alpha,

    /// <summary>Mean Q-value of the minibatches.</summary>
    MeanQ,

    /// <summary>Entropy of the policy in the minibatches, in nats.</summary>
    PolicyEntropy,

    /// <summary>Entropy of the posterior over tasks, in nats.</summary>
    PosteriorEntropy,

    /// <summary>exp of that entropy: how many tasks are in play.</summary>
    EffectiveTasks,

    /// <summary>Share of transitions whose commanded task is the most likely one.</summary>
    CommandedIsMode,

    /// <summary>KL divergence between posterior and commanded tasks, in nats (the paper's Lemma 2).</summary>
    KlFromCommanded,

    /// <summary>Smallest log partition.</summary>
    LogPartitionMin,

    /// <summary>Largest log partition.</summary>
    LogPartitionMax,

    /// <summary>Share of transitions that received a new task.</summary>
    RelabeledShare,

    /// <summary>Share of relabeled transitions that end their new task.</summary>
    TerminatedShare,
}

/// <summary>Columns of <c>timing.csv</c>, in order.</summary>
public enum TimingColumn
{
    /// <summary>Environment steps so far.</summary>
    EnvSteps,

    /// <summary>Seconds of training so far, over all sessions of the run.</summary>
    Seconds,

    /// <summary>Environment steps per second since the row before, evaluation included.</summary>
    EnvStepsPerSecond,

    /// <summary>Gradient steps per second since the row before, evaluation included.</summary>
    UpdatesPerSecond,

    /// <summary>Share of the time spent acting and in the environment.</summary>
    EnvironmentShare,

    /// <summary>Share of the time spent in the replay buffer.</summary>
    ReplayShare,

    /// <summary>Share of the time spent relabeling.</summary>
    RelabelShare,

    /// <summary>Share of the time spent in gradient steps.</summary>
    UpdateShare,

    /// <summary>Share of the time spent evaluating.</summary>
    EvalShare,
}

namespace HipiFast.Data.Linting;

/// <summary>What can be wrong with a file of transitions that reads without complaint.</summary>
public enum LintFault
{
    /// <summary>A number is NaN or infinite, or is as a 32-bit float.</summary>
    NonFinite,

    /// <summary>A flag is neither 0 nor 1.</summary>
    WrongFlag,

    /// <summary>An entry of an action lies outside [-1, 1].</summary>
    OutsideAction,

    /// <summary>
    /// A state goes where no step leads: an end of an episode is missing or off by one, so that a transition crosses
    /// it.
    /// </summary>
    Jump,

    /// <summary>Within an episode, the next state is not the state of the row after.</summary>
    Discontinuity,

    /// <summary>The state after the last step of an episode is the state before it, repeated.</summary>
    RepeatedLast,

    /// <summary>The next states are the states themselves: rows of states and of steps are confused.</summary>
    NextIsSame,

    /// <summary>
    /// A file that keeps episodes apart has as many states as steps in some or all of them, not one more: the last step
    /// of each is lost, and whoever expects the usual layout pairs states with the wrong steps.
    /// </summary>
    MissingFinalState,

    /// <summary>An episode has one step.</summary>
    ShortEpisode,

    /// <summary>An episode ends by a time limit, and the next one goes on from there.</summary>
    TimeLimitMidway,

    /// <summary>A reward is not that of the family under the row's task.</summary>
    Reward,

    /// <summary>A termination is not that of the family under the row's task.</summary>
    Termination,
}

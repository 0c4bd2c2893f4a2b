namespace HipiFast.Relabeling;

/// <summary>Which state of a transition counts as reached.</summary>
public enum ReachedState
{
    /// <summary>s', after the step.</summary>
    Next,

    /// <summary>s, before the step.</summary>
    Current,
}

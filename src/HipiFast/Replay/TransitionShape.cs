using System.Globalization;

namespace HipiFast.Replay;

/// <summary>Widths of the vectors in a transition.</summary>
/// <param name="ObservationDimension">S, entries of the task-free state, 1 or more.</param>
/// <param name="ActionDimension">A, entries of an action, 1 or more.</param>
/// <param name="TaskDimension">P, entries of a task, 1 or more.</param>
public readonly record struct TransitionShape(int ObservationDimension, int ActionDimension, int TaskDimension)
{
    /// <summary>Inputs of a critic: S + A + P.</summary>
    public int CriticInputs => ObservationDimension + ActionDimension + TaskDimension;

    /// <summary>Inputs of an actor: S + P.</summary>
    public int ActorInputs => ObservationDimension + TaskDimension;

    /// <summary>The widths in words, for messages.</summary>
    /// <returns>For example <c>4 state, 2 action and 2 task entries</c>.</returns>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{ObservationDimension} state, {ActionDimension} action and {TaskDimension} task entries");

    /// <summary>Throws when a width is below 1.</summary>
    /// <exception cref="ArgumentException">One sentence with the widths found.</exception>
    public void Validate()
    {
        if (ObservationDimension < 1 || ActionDimension < 1 || TaskDimension < 1)
        {
            throw new ArgumentException(
                "A transition needs at least one entry in state, action and task; "
                + $"found {ObservationDimension}, {ActionDimension} and {TaskDimension}.");
        }
    }
}

using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// Critics and an actor of any layers, as <see cref="LayeredSoftQ"/> reads them. Nothing of it changes any more.
/// </summary>
/// <remarks>
/// A critic's inputs are state, action, task; an actor's state, task. A task encoder's output stands in the task's
/// place. Whoever has them in another order rearranges the columns of the first layer's weights.
/// </remarks>
internal sealed record LayeredAgent
{
    /// <summary>S.</summary>
    public required int ObservationDimension { get; init; }

    /// <summary>A: entries of an action as transitions hold it.</summary>
    public required int ActionDimension { get; init; }

    /// <summary>P.</summary>
    public required int TaskDimension { get; init; }

    /// <summary>
    /// The critics, one or more. With <see cref="IsDiscrete"/> they read no action and have an output for each.
    /// </summary>
    public required IReadOnlyList<LayeredNetwork> Critics { get; init; }

    /// <summary>
    /// Whether an action is one of n: a transition holds its number (A = 1) or n entries of which one is 1 and all
    /// others are 0.
    /// </summary>
    public bool IsDiscrete { get; init; }

    /// <summary>The actor, 2 A outputs: means, then log standard deviations; null where there is none.</summary>
    public LayeredNetwork? Actor { get; init; }

    /// <summary>phi, whose output critics read in the task's place; null where they read the task.</summary>
    public LayeredNetwork? CriticTaskEncoder { get; init; }

    /// <summary>The same for the actor.</summary>
    public LayeredNetwork? ActorTaskEncoder { get; init; }

    /// <summary>How the actor's outputs become log standard deviations.</summary>
    public LogStdRule LogStd { get; init; } = LogStdRule.Standard;

    /// <summary>
    /// <c>[A]</c>: an action is <c>tanh(x) scale + bias</c>, with x the actor's Gaussian; empty for 1.
    /// </summary>
    public ReadOnlyMemory<float> ActionScale { get; init; }

    /// <summary><c>[A]</c>; empty for 0.</summary>
    public ReadOnlyMemory<float> ActionBias { get; init; }

    /// <summary>Number of discrete actions.</summary>
    public int Actions => Critics[0].Outputs;

    /// <summary>Throws unless all parts fit one another.</summary>
    /// <exception cref="ArgumentException">
    /// One sentence naming what does not, what it is and what was expected.
    /// </exception>
    public void Validate()
    {
        if (Critics.Count == 0)
        {
            throw new ArgumentException("There is no critic; expected one or more.");
        }

        int action = IsDiscrete ? 0 : ActionDimension;
        int criticTask = Encoded(CriticTaskEncoder, "critics"), actorTask = Encoded(ActorTaskEncoder, "actor");
        for (int i = 0; i < Critics.Count; i++)
        {
            Check(
                Critics[i], $"critic {i}", (long)ObservationDimension + action + criticTask,
                IsDiscrete ? Math.Max(Actions, 2) : 1);
        }

        if (Actor is not null)
        {
            Check(Actor, "actor", (long)ObservationDimension + actorTask, 2L * ActionDimension);
        }

        if (IsDiscrete && ActionDimension != 1 && ActionDimension != Actions)
        {
            throw new ArgumentException(
                $"The critics have {Actions} outputs, one for each action, and transitions hold actions of "
                + $"{ActionDimension} entries; expected 1, the action's number, or {Actions}, of which one is 1.");
        }

        CheckLength(ActionScale.Length, "scale");
        CheckLength(ActionBias.Length, "bias");
        if (!(LogStd.Low < LogStd.High) || !float.IsFinite(LogStd.Low) || !float.IsFinite(LogStd.High))
        {
            throw new ArgumentException(
                $"The log standard deviations' bounds are {LogStd.Low} and {LogStd.High}; expected finite numbers in "
                + "rising order.");
        }

        foreach (float scale in ActionScale.Span)
        {
            if (!(scale > 0f) || !float.IsFinite(scale))
            {
                throw new ArgumentException($"An action's scale is {scale}; expected finite numbers above 0.");
            }
        }
    }

    private int Encoded(LayeredNetwork? encoder, string whose)
    {
        if (encoder is null)
        {
            return TaskDimension;
        }

        return encoder.Inputs == TaskDimension
            ? encoder.Outputs
            : throw new ArgumentException(
                $"The {whose}' task encoder has {encoder.Inputs} inputs; tasks have {TaskDimension} entries.");
    }

    private static void Check(LayeredNetwork network, string what, long inputs, long outputs)
    {
        if (network.Inputs != inputs || network.Outputs != outputs)
        {
            throw new ArgumentException(
                $"The {what} has {network.Inputs} inputs and {network.Outputs} outputs; expected {inputs} and "
                + $"{outputs}.");
        }

        if (network.Layers[^1].Steps.Count > 0)
        {
            throw new ArgumentException(
                $"The {what} ends with a normalisation or an activation; expected its last layer to be linear.");
        }
    }

    private void CheckLength(int length, string what)
    {
        if (length != 0 && length != ActionDimension)
        {
            throw new ArgumentException(
                $"The actions' {what} has {length} entries; expected {ActionDimension}, one for each of an action's.");
        }
    }
}

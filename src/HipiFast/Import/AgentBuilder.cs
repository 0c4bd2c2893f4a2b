using System.Globalization;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Storage;

namespace HipiFast.Import;

/// <summary>Makes an agent of tensors and a complete description of its layers.</summary>
internal static class AgentBuilder
{
    private static readonly string[] s_logAlphas = ["log_alpha", "log_ent_coef"];

    /// <summary>Makes an agent.</summary>
    /// <param name="state">The tensors.</param>
    /// <param name="layers">What they are.</param>
    /// <param name="shape">Widths of the transitions; 0 entries of a task where the critics say how many.</param>
    /// <param name="format">Whose names they have.</param>
    /// <param name="notes">What was assumed.</param>
    /// <exception cref="InvalidDataException">Something is not understood, or does not fit; one sentence.</exception>
    public static ImportedAgent Build(
        StateDict state, AgentLayers layers, TransitionShape shape, AgentFormat format, List<string> notes)
    {
        if (!(layers.NormEpsilon > 0f) || !float.IsFinite(layers.NormEpsilon))
        {
            throw new InvalidDataException(
                $"What layer normalisations add to the variance is {layers.NormEpsilon}; expected a finite number "
                + "above 0.");
        }

        LayeredNetwork[] critics =
        [
            .. layers.Critics.Select(
                (items, i) => LayerSequence.Read(state, $"critic {i}", items, layers.NormEpsilon)),
        ];
        LayeredNetwork? actor = Network(layers.Actor, "actor");
        LayeredNetwork? criticEncoder = Network(layers.TaskEncoder, "task encoder");
        LayeredNetwork? actorEncoder = layers.ActorTaskEncoder is null
            ? criticEncoder
            : Network(layers.ActorTaskEncoder, "actor's task encoder");
        float[] scale = ReadActions(state, "action_scale", layers.ActionScale, shape.ActionDimension);
        float[] bias = ReadActions(state, "action_bias", layers.ActionBias, shape.ActionDimension);
        float? alpha = ReadAlpha(state, layers.Alpha);
        foreach (string prefix in layers.Ignore)
        {
            state.LeaveOut(prefix);
        }

        RefuseRest(state);
        bool isDiscrete = layers.IsDiscrete ?? critics[0].Outputs > 1;
        IReadOnlyList<string> inputs = isDiscrete ? WithoutAction(layers.Inputs) : layers.Inputs;
        InputWidths criticWidths = new(shape.ObservationDimension, isDiscrete ? 0 : shape.ActionDimension, 0);
        if (shape.TaskDimension == 0)
        {
            int width = criticEncoder?.Inputs
                ?? InputColumns.TaskWidth(critics[0].Inputs, inputs, criticWidths, "critic 0", state.Source);
            shape = shape with { TaskDimension = width };
        }

        criticWidths = criticWidths with { Task = criticEncoder?.Outputs ?? shape.TaskDimension };
        InputWidths actorWidths = new(shape.ObservationDimension, 0, actorEncoder?.Outputs ?? shape.TaskDimension);
        IReadOnlyList<string> actorInputs = layers.ActorInputs.Count > 0
            ? layers.ActorInputs
            : WithoutAction(layers.Inputs);
        LayeredAgent agent = new()
        {
            ObservationDimension = shape.ObservationDimension,
            ActionDimension = shape.ActionDimension,
            TaskDimension = shape.TaskDimension,
            IsDiscrete = isDiscrete,
            Critics =
            [
                .. critics.Select((critic, i) =>
                    InputColumns.Rearrange(critic, inputs, criticWidths, $"critic {i}", state.Source)),
            ],
            Actor = actor is null
                ? null
                : InputColumns.Rearrange(actor, actorInputs, actorWidths, "actor", state.Source),
            CriticTaskEncoder = criticEncoder,
            ActorTaskEncoder = actorEncoder,
            LogStd = ReadLogStd(layers),
            ActionScale = scale,
            ActionBias = bias,
        };
        notes.Add($"The critics' inputs are {string.Join(", ", inputs)}.");
        try
        {
            agent.Validate();
            return new ImportedAgent(agent, StandardForm.Of(agent), shape, format, alpha, notes);
        }
        catch (ArgumentException error)
        {
            throw new InvalidDataException($"The agent of {state.Source} cannot be used: {error.Message}", error);
        }

        LayeredNetwork? Network(IReadOnlyList<string> items, string what) =>
            items.Count == 0 ? null : LayerSequence.Read(state, what, items, layers.NormEpsilon);
    }

    private static string[] WithoutAction(IReadOnlyList<string> inputs) =>
        [.. inputs.Where(input => !input.StartsWith("action", StringComparison.Ordinal))];

    private static LogStdRule ReadLogStd(AgentLayers layers)
    {
        LogStdRule standard = LogStdRule.Standard;
        return layers.LogStd.Count switch
        {
            0 => standard with { IsSquashed = layers.LogStdIsSquashed ?? false },
            2 => new LogStdRule(layers.LogStd[0], layers.LogStd[1], layers.LogStdIsSquashed ?? false),
            int count => throw new InvalidDataException(
                $"The bounds of log standard deviations are {count} numbers; expected 2, the lower and the upper."),
        };
    }

    // A buffer of the policy, one number for each entry of an action, or one for all.
    private static float[] ReadActions(StateDict state, string buffer, IReadOnlyList<float> given, int width)
    {
        string? name = state.Names.FirstOrDefault(
            name => name == buffer || name.EndsWith("." + buffer, StringComparison.Ordinal));
        ReadOnlyMemory<float> values = name is null ? default : state.Take(name);
        if (given.Count > 0)
        {
            values = given.ToArray();
        }

        return values.Length switch
        {
            0 => [],
            1 => [.. Enumerable.Repeat(values.Span[0], width)],
            int count when count == width => values.ToArray(),
            int count => throw new InvalidDataException(
                $"The {buffer} of {state.Source} has {count} entries; expected {width}, one for each of an action's."),
        };
    }

    private static float? ReadAlpha(StateDict state, float? given)
    {
        float? found = null;
        foreach (string name in s_logAlphas.Where(state.Has))
        {
            ReadOnlyMemory<float> value = state.Take(name);
            found = value.Length == 1
                ? MathF.Exp(value.Span[0])
                : throw new InvalidDataException(
                    $"{state.Tensor(name)} has {value.Length} elements; expected one, the log of the temperature.");
        }

        float? alpha = given ?? found;
        return alpha is null || (alpha >= 0 && float.IsFinite(alpha.Value))
            ? alpha
            : throw new InvalidDataException(
                $"The entropy temperature of {state.Source} is "
                + $"{alpha.Value.ToString(CultureInfo.InvariantCulture)}; expected a finite number, 0 or more.");
    }

    private static void RefuseRest(StateDict state)
    {
        string? name = state.Left.FirstOrDefault();
        if (name is null)
        {
            return;
        }

        int more = state.Left.Count() - 1;
        string others = more > 0 ? $", nor are {more} more" : string.Empty;
        throw new InvalidDataException(
            $"{state.Tensor(name)} is not understood{Guess(state, name)}{others}; "
            + "expected linear layers, layer normalisations and what is known to be left out (a description of layers "
            + "can list the layers, and under 'ignore' what is no part of critics and actor).");
    }

    private static string Guess(StateDict state, string name) => name switch
    {
        _ when name.EndsWith("running_mean", StringComparison.Ordinal)
            || name.EndsWith("running_var", StringComparison.Ordinal)
            || name.EndsWith("num_batches_tracked", StringComparison.Ordinal) => " (a batch normalisation)",
        _ when name.EndsWith("_g", StringComparison.Ordinal) || name.EndsWith("_v", StringComparison.Ordinal)
            || name.EndsWith("_orig", StringComparison.Ordinal)
            || name.Contains("parametrizations", StringComparison.Ordinal) => " (a weight or spectral normalisation)",
        _ when state.ShapeOf(name).Count > 3 => " (a convolution)",
        _ when state.ShapeOf(name).Count == 3 => " (several networks in one tensor)",
        _ => string.Empty,
    };
}

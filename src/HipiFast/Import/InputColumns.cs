using System.Globalization;
using HipiFast.Kernels.Networks;
using HipiFast.Storage;

namespace HipiFast.Import;

/// <summary>What the inputs of a network are, and its first layer with inputs in the order of the kernels.</summary>
internal static class InputColumns
{
    /// <summary>
    /// Rearranges the first layer of a network so that it reads state, action and task in this order.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="inputs">What it reads: names, or parts of them (<see cref="AgentLayers.Inputs"/>).</param>
    /// <param name="widths">Entries of each.</param>
    /// <param name="what">What the network is, for errors: <c>critic 0</c>.</param>
    /// <param name="source">Where it comes from.</param>
    /// <returns>
    /// The network: an entry that is read twice has the sum of both weights, one that is not read has none.
    /// </returns>
    /// <exception cref="InvalidDataException">
    /// The inputs are not as many as the network has, or no inputs; one sentence.
    /// </exception>
    public static LayeredNetwork Rearrange(
        LayeredNetwork network, IReadOnlyList<string> inputs, InputWidths widths, string what, string source)
    {
        int[] columns = [.. inputs.SelectMany(input => Columns(input, widths, what))];
        if (columns.Length != network.Inputs)
        {
            IEnumerable<string> parts = inputs.Select(
                input => $"{input} ({Columns(input, widths, what).Count()})");
            throw new InvalidDataException(
                $"The {what} of {source} has {network.Inputs} inputs; {string.Join(", ", parts)} are {columns.Length} "
                + "(a description of layers can say in 'inputs' and 'actor_inputs' what they are, as in "
                + "[\"observation[0:2]\", \"task\", \"observation\", \"action\"]).");
        }

        DenseLayer first = network.Layers[0];
        float[] weight = new float[(long)first.Outputs * widths.Total];
        for (int output = 0; output < first.Outputs; output++)
        {
            ReadOnlySpan<float> from = first.Weight.Span.Slice(output * columns.Length, columns.Length);
            Span<float> to = weight.AsSpan(output * widths.Total, widths.Total);
            for (int i = 0; i < columns.Length; i++)
            {
                to[columns[i]] += from[i];
            }
        }

        DenseLayer rearranged = new(widths.Total, first.Outputs, weight, first.Bias, first.Steps);
        return new LayeredNetwork([rearranged, .. network.Layers.Skip(1)]);
    }

    /// <summary>How wide a task is, where the other inputs and their number are known.</summary>
    /// <param name="count">Inputs of the network.</param>
    /// <param name="inputs">What it reads.</param>
    /// <param name="widths">Entries of state and action.</param>
    /// <param name="what">As for <see cref="Rearrange"/>.</param>
    /// <param name="source">As for <see cref="Rearrange"/>.</param>
    /// <returns>P.</returns>
    /// <exception cref="InvalidDataException">The inputs leave no task; one sentence.</exception>
    public static int TaskWidth(
        int count, IReadOnlyList<string> inputs, InputWidths widths, string what, string source)
    {
        string[] others = [.. inputs.Where(input => input.Trim() != "task")];
        int tasks = inputs.Count - others.Length;
        int left = count - others.Sum(input => Columns(input, widths, what).Count());
        return tasks > 0 && left > 0 && left % tasks == 0
            ? left / tasks
            : throw new InvalidDataException(
                $"The {what} of {source} has {count} inputs, which leave no task beside {string.Join(", ", others)} "
                + $"({count - left}); expected tasks in the transitions, or other 'inputs' in a description of layers.");
    }

    private static IEnumerable<int> Columns(string input, InputWidths widths, string what)
    {
        int bracket = input.IndexOf('[', StringComparison.Ordinal);
        string name = (bracket < 0 ? input : input[..bracket]).Trim();
        (int start, int width) = name switch
        {
            "observation" => (0, widths.Observation),
            "action" => (widths.Observation, widths.Action),
            "task" => (widths.Observation + widths.Action, widths.Task),
            _ => throw new InvalidDataException(
                $"The {what} reads {DisplayText.Quote(input)}; expected observation, action or task, or a part of one, "
                + "such as observation[0:3]."),
        };
        if (width == 0)
        {
            throw new InvalidDataException(
                $"The {what} reads {DisplayText.Quote(input)}, which is no input of it; expected observation and "
                + "task.");
        }

        if (bracket < 0)
        {
            return Enumerable.Range(start, width);
        }

        string range = input[(bracket + 1)..];
        string[] ends = range.EndsWith(']') ? range[..^1].Split(':') : [];
        int first = 0, end = 0;
        bool isRange = ends.Length switch
        {
            1 => TryRead(ends[0], out first) && first < (end = first + 1),
            2 => TryRead(ends[0], out first) && TryRead(ends[1], out end),
            _ => false,
        };
        return isRange && first < end && end <= width
            ? Enumerable.Range(start + first, end - first)
            : throw new InvalidDataException(
                $"The {what} reads {DisplayText.Quote(input)}; expected {name}[i] or {name}[first:end] within its "
                + $"{width} entries.");

        static bool TryRead(string text, out int value) =>
            int.TryParse(text, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite,
                CultureInfo.InvariantCulture, out value) && value < int.MaxValue;
    }
}

/// <summary>Entries of what a network reads; 0 for what it does not.</summary>
/// <param name="Observation">S.</param>
/// <param name="Action">A, or 0.</param>
/// <param name="Task">P, or what an encoder makes of a task.</param>
internal readonly record struct InputWidths(int Observation, int Action, int Task)
{
    /// <summary>All of them.</summary>
    public int Total => Observation + Action + Task;
}

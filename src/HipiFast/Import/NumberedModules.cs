using System.Globalization;

namespace HipiFast.Import;

/// <summary>
/// The layers of modules that are numbered: of an <c>nn.Sequential</c>, whose numbers leave a place where an activation
/// stands, or of attributes such as <c>fc1</c>, <c>fc2</c>.
/// </summary>
internal static class NumberedModules
{
    private static readonly string[] s_norms = ["ln", "norm", "layer_norm", "layernorm", "fc_norm", "fc_ln"];

    /// <summary>An <c>nn.Sequential</c>.</summary>
    /// <param name="state">The tensors.</param>
    /// <param name="prefix">What stands before the numbers, with its full stop.</param>
    /// <param name="activation">The activation.</param>
    /// <param name="isTrunk">Whether an activation follows the last layer, of which the numbers say nothing.</param>
    /// <returns>Names for <see cref="LayerSequence"/>.</returns>
    /// <exception cref="InvalidDataException">
    /// Between two layers is no place for an activation, or there are several; one sentence.
    /// </exception>
    public static List<string> Sequential(StateDict state, string prefix, string activation, bool isTrunk = false)
    {
        int[] numbers = Numbers(state, prefix, string.Empty);
        List<string> items = [];
        for (int i = 0; i < numbers.Length; i++)
        {
            int number = numbers[i];
            items.Add(Name(number));
            if (i + 1 < numbers.Length)
            {
                int gap = numbers[i + 1] - number - 1;
                items.AddRange(Enumerable.Repeat(activation, gap));
            }
        }

        if (isTrunk && items.Count > 0)
        {
            // The activation after the last linear layer, unless its number is left out before a normalisation.
            int last = items.FindLastIndex(item => state.RankOf(item) > 1);
            if (items.IndexOf(activation, last + 1) < 0)
            {
                items.Add(activation);
            }
        }

        CheckPlaces(state, prefix, activation, items);
        return items;

        string Name(int number) => prefix + number.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>
    /// Layers <c>fc1</c>, <c>fc2</c>, ..., each normalised before its activation where there is an <c>ln1</c> or
    /// <c>norm1</c>.
    /// </summary>
    /// <param name="state">The tensors.</param>
    /// <param name="prefix">What stands before the names, with its full stop; or nothing.</param>
    /// <param name="activation">The activation.</param>
    /// <param name="isTrunk">Whether an activation follows the last layer.</param>
    /// <param name="hasNorm">Whether a normalisation was found.</param>
    /// <returns>Names for <see cref="LayerSequence"/>.</returns>
    public static List<string> Attributes(
        StateDict state, string prefix, string activation, bool isTrunk, out bool hasNorm)
    {
        int[] numbers = Numbers(state, prefix + "fc", string.Empty);
        List<string> items = [];
        hasNorm = false;
        for (int i = 0; i < numbers.Length; i++)
        {
            string number = numbers[i].ToString(CultureInfo.InvariantCulture);
            items.Add($"{prefix}fc{number}");
            string? norm = s_norms.Select(name => prefix + name + number).FirstOrDefault(
                name => state.RankOf(name) == 1);
            if (norm is not null)
            {
                items.Add(norm);
                hasNorm = true;
            }

            if (isTrunk || i + 1 < numbers.Length)
            {
                items.Add(activation);
            }
        }

        return items;
    }

    // A list of layers without places for activations computes something else than its numbers tell, and where places
    // are to spare nobody knows which is the activation's.
    private static void CheckPlaces(StateDict state, string prefix, string activation, List<string> items)
    {
        int linear = 0, places = 1;
        string before = string.Empty;
        foreach (string item in items)
        {
            if (state.RankOf(item) > 1)
            {
                if (places != 1)
                {
                    throw new InvalidDataException(
                        $"Between '{before}' and '{item}' of {state.Source} "
                        + (places == 0 ? "is no place" : $"are {places} places")
                        + $" for an activation; expected one (a description of layers can list the modules of "
                        + $"'{prefix}' and its activations).");
                }

                before = item;
                linear++;
                places = 0;
            }
            else if (item == activation)
            {
                places++;
            }
        }

        if (linear > 0 && places > 1)
        {
            throw new InvalidDataException(
                $"After '{before}' of {state.Source} are {places} places for an activation; expected one at most.");
        }
    }

    private static int[] Numbers(StateDict state, string prefix, string suffix)
    {
        string ending = suffix + ".weight";
        SortedSet<int> numbers = [];
        foreach (string name in state.Names)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(ending, StringComparison.Ordinal)
                && name.Length > prefix.Length + ending.Length && int.TryParse(
                    name.AsSpan(prefix.Length, name.Length - prefix.Length - ending.Length), NumberStyles.None,
                    CultureInfo.InvariantCulture, out int number) && number < 4096)
            {
                numbers.Add(number);
            }
        }

        return [.. numbers];
    }
}

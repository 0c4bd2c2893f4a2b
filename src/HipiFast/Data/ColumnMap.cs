using System.Text.Json;
using HipiFast.Options;
using HipiFast.Replay;
using HipiFast.Storage;

namespace HipiFast.Data;

/// <summary>
/// Which columns of a file are what of a transition. Without a word from the user, the usual names are looked for.
/// </summary>
/// <remarks>
/// What a transition consists of (<see cref="Roles"/>): the columns of <see cref="TransitionBatch.Schema"/>, and
/// <c>truncated</c> (a time limit cut the episode), <c>episode</c> (number of the episode) and <c>valid</c> (0 where a
/// row is no transition). A role may be made of several columns, side by side.
/// </remarks>
public sealed class ColumnMap
{
    internal const string Truncated = "truncated";
    internal const string Episode = "episode";
    internal const string Valid = "valid";

    private const int LargestFile = 1 << 20;
    private const char Assigns = '=';
    private const char Joins = '+';

    // Names in use, the likelier first: ours, D4RL, Minari (states as they are or in a dictionary), OGBench, LeRobot,
    // d3rlpy.
    private static readonly Dictionary<string, string[]> s_usual = new()
    {
        [TransitionBatch.ObservationColumn.Name] =
        [
            "observation", "observations", "obs", "observations/observation", "observation.state", "state", "states",
        ],
        [TransitionBatch.ActionColumn.Name] = ["action", "actions", "act", "acts"],
        [TransitionBatch.NextObservationColumn.Name] =
            ["next_observation", "next_observations", "next_obs", "next.observation.state", "next_state", "next_states"],
        [TransitionBatch.TaskColumn.Name] =
            ["task", "tasks", "goal", "goals", "desired_goal", "observations/desired_goal"],
        [TransitionBatch.RewardColumn.Name] = ["reward", "rewards", "next.reward"],
        [TransitionBatch.TerminatedColumn.Name] =
            ["terminated", "terminals", "terminal", "terminations", "done", "dones"],
        [Truncated] = ["truncated", "timeouts", "timeout", "truncations"],
        [Episode] = ["episode", "episode_index", "episode_id"],
        [Valid] = ["valid", "valids"],
    };

    private readonly Dictionary<string, string[]> _chosen = [];

    /// <summary>Nothing but the usual names.</summary>
    public static ColumnMap Usual { get; } = new();

    /// <summary>What columns can be.</summary>
    public static IReadOnlyList<string> Roles { get; } =
    [
        .. TransitionBatch.Schema.Where(column => column.IsStored).Select(column => column.Name), Truncated, Episode,
        Valid,
    ];

    /// <summary>Reads a map.</summary>
    /// <param name="text">
    /// Pairs such as <c>observation=obs,action=a,task=goal</c>; a plus joins columns (<c>observation=pos+vel</c>), and
    /// nothing behind the equals sign says that the file has no such column. Or the path of a JSON file, an object such
    /// as <c>{"observation": ["pos", "vel"], "action": "a", "reward": null}</c>; or that object itself.
    /// </param>
    /// <returns>The map.</returns>
    /// <exception cref="ArgumentException">A pair is none, or names what is not a role.</exception>
    /// <exception cref="InvalidDataException">The JSON is not such an object.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ColumnMap Parse(string text)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(text);
        if (text.AsSpan().TrimStart().StartsWith("{"))
        {
            return ParseJson(System.Text.Encoding.UTF8.GetBytes(text), "The map of columns");
        }

        if (!text.Contains(Assigns, StringComparison.Ordinal) || File.Exists(text))
        {
            return ParseJson(
                InputFile.ReadUtf8(text, "map of columns (JSON)", LargestFile), $"The map of columns '{text}'");
        }

        ColumnMap map = new();
        foreach (string pair in text.Split(',', StringSplitOptions.TrimEntries))
        {
            int assigns = pair.IndexOf(Assigns, StringComparison.Ordinal);
            if (assigns < 1)
            {
                throw new ArgumentException(
                    $"The map of columns holds {DisplayText.Quote(pair)}; expected ROLE=COLUMN, such as "
                    + "observation=obs.");
            }

            string[] names = pair[(assigns + 1)..].Split(
                Joins, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (map.Add(pair[..assigns].Trim(), names) is string problem)
            {
                throw new ArgumentException($"The map of columns {problem}.");
            }
        }

        return map;
    }

    /// <summary>Names that are looked for where a map does not name a column.</summary>
    /// <param name="role">One of <see cref="Roles"/>.</param>
    /// <returns>The names, the likelier first.</returns>
    public static IReadOnlyList<string> UsualNames(string role) => s_usual.GetValueOrDefault(role) ?? [role];

    /// <summary>The columns of a file that are a role.</summary>
    /// <param name="file">The file.</param>
    /// <param name="role">One of <see cref="Roles"/>.</param>
    /// <returns>The columns, side by side; none where the file has no such thing.</returns>
    /// <exception cref="InvalidDataException">The map names a column that the file lacks or cannot be read.</exception>
    internal DataColumn[] Find(DataFile file, string role)
    {
        if (_chosen.TryGetValue(role, out string[]? names))
        {
            return [.. names.Select(name => file.Find(name) ?? throw Lacks(file, role, name))];
        }

        foreach (string name in UsualNames(role))
        {
            if (file.Find(name) is DataColumn column)
            {
                return [column];
            }
        }

        return [];
    }

    /// <summary>What to throw where a role is needed and the file has no such column.</summary>
    internal static InvalidDataException Missing(DataFile file, string role)
    {
        IReadOnlyList<string> usual = UsualNames(role);
        string? unread = usual.FirstOrDefault(file.Unread.ContainsKey);
        return new InvalidDataException(
            unread is null
                ? $"'{file.Path}' has no {file.Format.ColumnNoun.ToLowerInvariant()} {DisplayText.Quote(usual[0])} "
                    + $"(nor any other usual name of it); {Present(file)}; --columns {role}=NAME says which it is."
                : $"{file.Describe(unread)} cannot be read: {file.Unread[unread]}.");
    }

    private static InvalidDataException Lacks(DataFile file, string role, string name) => new(
        file.Unread.TryGetValue(name, out string? why)
            ? $"{file.Describe(name)} cannot be read: {why}."
            : $"'{file.Path}' has no {file.Format.ColumnNoun.ToLowerInvariant()} {DisplayText.Quote(name)}, which the "
                + $"map of columns names for {role}{NearestName.Suggestion(
                    name, file.Columns.Select(column => column.Name))}.");

    private static string Present(DataFile file)
    {
        const int MostNames = 8;
        return file.Columns.Count == 0
            ? "it has none that can be read"
            : $"it has {string.Join(", ", file.Columns.Take(MostNames).Select(column => DisplayText.Quote(column.Name)))}"
                + (file.Columns.Count > MostNames ? ", ..." : string.Empty);
    }

    private static ColumnMap ParseJson(ReadOnlyMemory<byte> text, string source) =>
        JsonValue.ReadObject(text, source, root => OfObject(root, source));

    private static ColumnMap OfObject(JsonValue root, string source)
    {
        ColumnMap map = new();
        foreach ((string role, JsonValue value) in root.Members())
        {
            string[] names = Names(value) ?? throw new InvalidDataException(
                $"{source} has {value.RawText} for {DisplayText.Quote(role)}; expected a name, a list of names or null.");
            if (map.Add(role, names) is string problem)
            {
                throw new InvalidDataException($"{source} {problem}.");
            }
        }

        return map;
    }

    private static string[]? Names(JsonValue value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Null:
                return [];
            case JsonValueKind.String:
                return [value.Text];
            case JsonValueKind.Array:
                List<string> names = [];
                foreach (JsonValue item in value)
                {
                    if (item.ValueKind != JsonValueKind.String)
                    {
                        return null;
                    }

                    names.Add(item.Text);
                }

                return [.. names];
            default:
                return null;
        }
    }

    // What is wrong with it, in words that follow what the map is called; null where it was taken.
    private string? Add(string role, string[] names)
    {
        if (!Roles.Contains(role))
        {
            return $"names the role {DisplayText.Quote(role)}{NearestName.Suggestion(role, Roles)}";
        }

        return _chosen.TryAdd(role, names) ? null : $"names the role '{role}' twice";
    }
}

using System.Text;
using System.Text.Json;
using HipiFast.Kernels.Tasks;
using HipiFast.Replay;
using HipiFast.Storage;

namespace HipiFast.Tasks;

/// <summary>Reads task families from JSON; every error is one sentence that names the source and the key.</summary>
public sealed class TaskFamilyJson
{
    private const int LargestFile = 64 << 20;

    // Far beyond any use; what is made of a list of short numbers would take several times the file's memory.
    private const int MostNumbers = 1 << 20;
    private const int MostKeys = 64;

    private readonly string _source;
    private readonly string _kind;
    private readonly Dictionary<string, JsonValue> _keys;
    private readonly TransitionShape? _shape;

    private TaskFamilyJson(string source, string kind, Dictionary<string, JsonValue> keys, TransitionShape? shape)
    {
        _source = source;
        _kind = kind;
        _keys = keys;
        _shape = shape;
    }

    /// <summary>
    /// Reads a family from JSON, for example <c>{"kind": "goal", "achieved": [0, 1], "margin": 0.1, "reward": [-1,
    /// 0]}</c>.
    /// </summary>
    /// <remarks>
    /// Kinds and their keys (optional ones in brackets): <c>goal</c>: achieved, margin, [reward], [judge];
    /// <c>goal-margin</c>: achieved, [reward], [judge]; <c>discrete</c>: achieved, goals, margin, [reward], [judge];
    /// <c>linear</c>: features, [action_cost: true or false]; <c>dense</c>: achieved, [action_cost: a weight],
    /// [distance_weight], [offset]; <c>intervals</c>: features, intervals: a pair of bounds for each, [reward].
    /// <c>reward</c> holds the rewards before and at the goal (outside and inside the interval, by default 0 and 1);
    /// <c>judge</c> is "state" (the default) or "next".
    /// </remarks>
    /// <param name="pathOrText">A file, or the JSON text itself (anything that begins with a brace).</param>
    /// <param name="shape">When given: indices must lie inside the state, and tasks have P entries.</param>
    /// <returns>The family.</returns>
    /// <exception cref="InvalidDataException">
    /// The JSON is not a family; one sentence says where and what was expected.
    /// </exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static TaskFamily Read(string pathOrText, TransitionShape? shape = null)
    {
        ArgumentNullException.ThrowIfNull(pathOrText);
        if (pathOrText.AsSpan().TrimStart().StartsWith("{"))
        {
            return Parse(Encoding.UTF8.GetBytes(pathOrText), "The task family", shape);
        }

        ReadOnlyMemory<byte> text = InputFile.ReadUtf8(pathOrText, "task family file (JSON)", LargestFile);
        return Parse(text, $"The task family file '{pathOrText}'", shape);
    }

    private static TaskFamily Parse(ReadOnlyMemory<byte> text, string source, TransitionShape? shape) =>
        JsonValue.ReadObject(text, source, root => Build(root, source, shape));

    private static TaskFamily Build(JsonValue root, string source, TransitionShape? shape)
    {
        Dictionary<string, JsonValue> keys = [];
        foreach ((string name, JsonValue value) in root.Members())
        {
            if (keys.Count == MostKeys)
            {
                throw new InvalidDataException($"{source} has more than {MostKeys} keys.");
            }

            if (!keys.TryAdd(name, value))
            {
                throw new InvalidDataException($"{source} has the key {DisplayText.Quote(name)} twice.");
            }
        }

        if (!keys.Remove("kind", out JsonValue kind))
        {
            throw new InvalidDataException($"{source} lacks the key 'kind'.");
        }

        return kind.ValueKind == JsonValueKind.String
            ? new TaskFamilyJson(source, FileMessages.Cut(kind.Text), keys, shape).Build()
            : throw new InvalidDataException($"{source}: 'kind' is {kind.Describe()}; expected a string.");
    }

    private TaskFamily Build()
    {
        TaskFamily family;
        switch (_kind)
        {
            case "goal":
            {
                int[] achieved = Indices("achieved");
                float margin = Margin();
                (float before, float at) = Rewards();
                bool judgeNext = JudgeNext();
                RefuseOtherKeys();
                family = TaskFamilies.Goal(achieved, margin, before, at, judgeNext);
                break;
            }

            case "goal-margin":
            {
                int[] achieved = Indices("achieved");
                (float before, float at) = Rewards();
                bool judgeNext = JudgeNext();
                RefuseOtherKeys();
                family = TaskFamilies.GoalAndMargin(achieved, before, at, judgeNext);
                break;
            }

            case "discrete":
            {
                int[] achieved = Indices("achieved");
                float[] goals = Vectors("goals", achieved.Length, "one number for each achieved index");
                float margin = Margin();
                (float before, float at) = Rewards();
                bool judgeNext = JudgeNext();
                RefuseOtherKeys();
                family = TaskFamilies.Discrete(achieved, goals, margin, before, at, judgeNext);
                break;
            }

            case "linear":
            {
                int[] features = Indices("features");
                bool actionCost = _keys.Remove("action_cost", out JsonValue cost) && Flag(cost, "action_cost");
                RefuseOtherKeys();
                family = TaskFamilies.Linear(features, actionCost);
                break;
            }

            case "dense":
            {
                int[] achieved = Indices("achieved");
                float actionCost = _keys.Remove("action_cost", out JsonValue cost)
                    ? NotNegative(cost, "action_cost")
                    : 0f;
                float weight = _keys.Remove("distance_weight", out JsonValue factor)
                    ? Positive(factor, "distance_weight")
                    : 1f;
                float offset = _keys.Remove("offset", out JsonValue constant) ? Number(constant, "offset") : 0f;
                RefuseOtherKeys();
                family = TaskFamilies.Dense(achieved, actionCost, weight, offset);
                break;
            }

            case "intervals":
            {
                int[] features = Indices("features");
                float[] bounds = Vectors("intervals", 2, "a lower and an upper bound");
                (float outside, float inside) = Rewards(0f, 1f);
                RefuseOtherKeys();
                family = TaskFamilies.Intervals(Intervals(features, bounds), outside, inside);
                break;
            }

            default:
                throw Bad(
                    $"has the unknown kind '{_kind}'; expected goal, goal-margin, discrete, linear, dense or "
                    + "intervals");
        }

        return _shape is { } shape && shape.TaskDimension != family.TaskDimension
            ? throw Bad($"(kind '{_kind}') has tasks of {family.TaskDimension} entries; expected {shape.TaskDimension}")
            : family;
    }

    private InvalidDataException Bad(string what) => new($"{_source} {what}.");

    private InvalidDataException BadKey(string key, string what) => new($"{_source} (kind '{_kind}'): '{key}' {what}.");

    private void RefuseOtherKeys()
    {
        foreach (string key in _keys.Keys)
        {
            throw Bad($"(kind '{_kind}') has the unknown key {DisplayText.Quote(key)}");
        }
    }

    private JsonValue Required(string key) =>
        _keys.Remove(key, out JsonValue value) ? value : throw Bad($"(kind '{_kind}') lacks the key '{key}'");

    private int[] Indices(string key)
    {
        JsonValue list = Required(key);
        int count = list.ValueKind == JsonValueKind.Array ? list.Count : 0;
        if (count is < 1 or > MostNumbers)
        {
            throw BadKey(key, $"is {list.Describe()}; expected a list of indices of the state, 1 to {MostNumbers}");
        }

        int limit = _shape?.ObservationDimension ?? (1 << 24), i = 0;
        int[] indices = new int[count];
        foreach (JsonValue element in list)
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt32(out indices[i]))
            {
                string found = element.ValueKind == JsonValueKind.Number ? element.RawText : element.Describe();
                throw BadKey($"{key}[{i}]", $"is {found}; expected an integer");
            }

            if (indices[i] < 0 || indices[i] >= limit)
            {
                throw BadKey($"{key}[{i}]", $"is {indices[i]}; expected an index of the state, 0 to {limit - 1}");
            }

            i++;
        }

        return indices;
    }

    private float[] Vectors(string key, int dimension, string meaning)
    {
        JsonValue list = Required(key);
        int count = list.ValueKind == JsonValueKind.Array ? list.Count : 0;
        if (count < 1 || (long)count * dimension > MostNumbers)
        {
            throw BadKey(key, $"is {list.Describe()}; expected a list of {key}, 1 to {MostNumbers / dimension}");
        }

        float[] vectors = new float[count * dimension];
        int written = 0;
        foreach (JsonValue vector in list)
        {
            int number = written / dimension;
            if (vector.ValueKind != JsonValueKind.Array || vector.Count != dimension)
            {
                throw BadKey($"{key}[{number}]", $"is {vector.Describe()}; expected an array of {dimension}, {meaning}");
            }

            foreach (JsonValue entry in vector)
            {
                vectors[written] = Number(entry, $"{key}[{number}][{written % dimension}]");
                written++;
            }
        }

        return vectors;
    }

    private (int Index, float Low, float High)[] Intervals(int[] features, float[] bounds)
    {
        if (bounds.Length != 2 * features.Length)
        {
            throw BadKey(
                "intervals", $"is an array of {bounds.Length / 2}; expected {features.Length}, one for each feature");
        }

        (int Index, float Low, float High)[] intervals = new (int, float, float)[features.Length];
        for (int k = 0; k < features.Length; k++)
        {
            intervals[k] = bounds[2 * k] <= bounds[(2 * k) + 1]
                ? (features[k], bounds[2 * k], bounds[(2 * k) + 1])
                : throw BadKey(
                    $"intervals[{k}]", $"is {bounds[2 * k]} to {bounds[(2 * k) + 1]}; expected the lower bound first");
        }

        return intervals;
    }

    private float Margin() => NotNegative(Required("margin"), "margin");

    private (float Before, float At) Rewards(
        float before = TaskFamilies.DefaultRewardBefore, float at = TaskFamilies.DefaultRewardAt)
    {
        if (!_keys.Remove("reward", out JsonValue reward))
        {
            return (before, at);
        }

        if (reward.ValueKind != JsonValueKind.Array || reward.Count != 2)
        {
            throw BadKey("reward", $"is {reward.Describe()}; expected two numbers, the rewards before and at the goal");
        }

        Span<float> rewards = stackalloc float[2];
        int index = 0;
        foreach (JsonValue entry in reward)
        {
            rewards[index] = Number(entry, $"reward[{index}]");
            index++;
        }

        return (rewards[0], rewards[1]);
    }

    private bool JudgeNext()
    {
        if (!_keys.Remove("judge", out JsonValue judge))
        {
            return false;
        }

        string? value = judge.ValueKind == JsonValueKind.String ? FileMessages.Cut(judge.Text) : null;
        return value switch
        {
            "next" => true,
            "state" => false,
            _ => throw BadKey("judge", $"is {(value is null ? judge.Describe()
                : $"\"{value}\"")}; expected \"state\" or \"next\""),
        };
    }

    private bool Flag(JsonValue element, string key) => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw BadKey(key, $"is {element.Describe()}; expected true or false"),
    };

    private float NotNegative(JsonValue element, string key)
    {
        float value = Number(element, key);
        return value < 0f ? throw BadKey(key, $"is {value}; expected 0 or more") : value;
    }

    private float Positive(JsonValue element, string key)
    {
        float value = Number(element, key);
        return value <= 0f ? throw BadKey(key, $"is {value}; expected more than 0") : value;
    }

    private float Number(JsonValue element, string key)
    {
        if (element.ValueKind != JsonValueKind.Number)
        {
            throw BadKey(key, $"is {element.Describe()}; expected a number");
        }

        // A number beyond float's range parses to infinity.
        float value = element.GetSingle();
        return float.IsFinite(value)
            ? value
            : throw BadKey(key, $"is {element.RawText}, which is not finite as a 32-bit float");
    }
}

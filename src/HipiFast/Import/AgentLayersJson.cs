using System.Text;
using System.Text.Json;
using HipiFast.Options;
using HipiFast.Storage;

namespace HipiFast.Import;

/// <summary>
/// Reads <see cref="AgentLayers"/> from JSON; every error is one sentence that names the source and the key.
/// </summary>
internal sealed class AgentLayersJson
{
    private const int LargestFile = 1 << 20;
    private const int MostItems = 4096;

    private static readonly string[] s_keys =
    [
        "inputs", "actor_inputs", "activation", "norm_epsilon", "critics", "actor", "task_encoder",
        "actor_task_encoder", "log_std", "log_std_rule", "action_scale", "action_bias", "alpha", "discrete", "ignore",
    ];

    private readonly string _source;

    private AgentLayersJson(string source) => _source = source;

    /// <inheritdoc cref="AgentLayers.Read"/>
    public static AgentLayers Read(string pathOrText)
    {
        ArgumentNullException.ThrowIfNull(pathOrText);
        if (pathOrText.AsSpan().TrimStart().StartsWith("{"))
        {
            return Parse(Encoding.UTF8.GetBytes(pathOrText), "The description of layers");
        }

        ReadOnlyMemory<byte> text = InputFile.ReadUtf8(pathOrText, "description of layers (JSON)", LargestFile);
        return Parse(text, $"The description of layers '{pathOrText}'");
    }

    private static AgentLayers Parse(ReadOnlyMemory<byte> text, string source) =>
        JsonValue.ReadObject(text, source, new AgentLayersJson(source).Build);

    private AgentLayers Build(JsonValue root)
    {
        HashSet<string> seen = [];
        AgentLayers layers = new();
        foreach ((string key, JsonValue value) in root.Members())
        {
            if (!s_keys.Contains(key))
            {
                throw new InvalidDataException(
                    $"{_source} has the unknown key {DisplayText.Quote(key)}"
                    + $"{NearestName.Suggestion(FileMessages.Cut(key), s_keys)}.");
            }

            if (!seen.Add(key))
            {
                throw new InvalidDataException($"{_source} has the key '{key}' twice.");
            }

            layers = Set(layers, key, value);
        }

        return layers;
    }

    private AgentLayers Set(AgentLayers layers, string key, JsonValue value) => key switch
    {
        "inputs" => layers with { Inputs = Names(value, key) },
        "actor_inputs" => layers with { ActorInputs = Names(value, key) },
        "activation" => layers with { Activation = Text(value, key) },
        "norm_epsilon" => layers with { NormEpsilon = Number(value, key) },
        "critics" => layers with { Critics = [.. Items(value, key).Select((item, i) => Names(item, $"critics[{i}]"))] },
        "actor" => layers with { Actor = Names(value, key) },
        "task_encoder" => layers with { TaskEncoder = Names(value, key) },
        "actor_task_encoder" => layers with { ActorTaskEncoder = Names(value, key) },
        "log_std" => layers with { LogStd = Numbers(value, key) },
        "log_std_rule" => layers with { LogStdIsSquashed = Rule(value, key) },
        "action_scale" => layers with { ActionScale = Numbers(value, key) },
        "action_bias" => layers with { ActionBias = Numbers(value, key) },
        "alpha" => layers with { Alpha = Number(value, key) },
        "discrete" => layers with { IsDiscrete = Flag(value, key) },
        _ => layers with { Ignore = Names(value, key) },
    };

    private List<JsonValue> Items(JsonValue value, string key)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            throw Bad(key, $"is {value.Describe()}; expected a list");
        }

        List<JsonValue> items = [];
        foreach (JsonValue item in value)
        {
            if (items.Count == MostItems)
            {
                throw Bad(key, $"has more than {MostItems} items");
            }

            items.Add(item);
        }

        return items;
    }

    private List<string> Names(JsonValue value, string key) =>
        [.. Items(value, key).Select((item, i) => Text(item, $"{key}[{i}]"))];

    private List<float> Numbers(JsonValue value, string key) =>
        [.. Items(value, key).Select((item, i) => Number(item, $"{key}[{i}]"))];

    private bool Rule(JsonValue value, string key) => Text(value, key) switch
    {
        "tanh" => true,
        "clamp" => false,
        string other => throw Bad(key, $"is {DisplayText.Quote(other)}; expected \"clamp\" or \"tanh\""),
    };

    private string Text(JsonValue value, string key) => value.ValueKind == JsonValueKind.String
        ? value.Text
        : throw Bad(key, $"is {value.Describe()}; expected a string");

    private bool Flag(JsonValue value, string key) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Bad(key, $"is {value.Describe()}; expected true or false"),
    };

    private float Number(JsonValue value, string key)
    {
        if (value.ValueKind != JsonValueKind.Number)
        {
            throw Bad(key, $"is {value.Describe()}; expected a number");
        }

        float number = value.GetSingle();
        return float.IsFinite(number)
            ? number
            : throw Bad(key, $"is {value.RawText}, which is not finite as a 32-bit float");
    }

    private InvalidDataException Bad(string key, string what) => new($"{_source}: '{key}' {what}.");
}

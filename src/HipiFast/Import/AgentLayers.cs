using HipiFast.Kernels.Networks;

namespace HipiFast.Import;

/// <summary>
/// What a state_dict does not say of an agent: activations, the order of inputs, and where names are nobody's that is
/// known, the layers themselves. What is null or empty is found out, or is as the format usually has it.
/// </summary>
/// <remarks>
/// A network is a list of names in the order in which they are computed, as in <c>nn.Sequential</c>: modules by the
/// names of their tensors without <c>.weight</c> and <c>.bias</c> (a linear layer or a layer normalisation, told by the
/// weight's shape), activations by theirs (<c>relu</c>, <c>tanh</c>, <c>elu</c>, <c>silu</c> or <c>swish</c>,
/// <c>gelu</c>, <c>gelu_tanh</c>, <c>identity</c>), and <c>layer_norm</c> for a normalisation without parameters.
/// <c>"actor.mu + actor.log_std"</c> stands for two linear layers side by side.
/// </remarks>
public sealed record AgentLayers
{
    /// <summary>
    /// What critics read, in their order: <c>observation</c>, <c>action</c>, <c>task</c>, or a part of one,
    /// <c>observation[3]</c> or <c>observation[0:3]</c>. What an encoder makes of the task is called <c>task</c>, too.
    /// </summary>
    public IReadOnlyList<string> Inputs { get; init; } = [];

    /// <summary>What the actor reads; by default <see cref="Inputs"/> without the action.</summary>
    public IReadOnlyList<string> ActorInputs { get; init; } = [];

    /// <summary>
    /// The activation after every hidden layer, where the layers are found by a format's names; null for relu.
    /// </summary>
    public string? Activation { get; init; }

    /// <summary>What layer normalisations add to the variance, above 0.</summary>
    public float NormEpsilon { get; init; } = LayerNorm.DefaultEpsilon;

    /// <summary>The critics' layers; empty where a format's names say them.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Critics { get; init; } = [];

    /// <summary>
    /// The actor's layers, whose outputs are means, then log standard deviations; empty where a format's names say them
    /// or there is no actor.
    /// </summary>
    public IReadOnlyList<string> Actor { get; init; } = [];

    /// <summary>phi, whose output stands in the task's place for critics and actor; empty for none.</summary>
    public IReadOnlyList<string> TaskEncoder { get; init; } = [];

    /// <summary>
    /// An encoder of the actor's own; null for <see cref="TaskEncoder"/>, empty where the actor reads the task itself.
    /// </summary>
    public IReadOnlyList<string>? ActorTaskEncoder { get; init; }

    /// <summary>
    /// Bounds of the actor's log standard deviations, two numbers in rising order; empty for -20 and 2, of CleanRL -5
    /// and 2.
    /// </summary>
    public IReadOnlyList<float> LogStd { get; init; } = [];

    /// <summary>
    /// Whether log standard deviations are squashed between the bounds by tanh, or clamped; null for how the format has
    /// it (CleanRL squashes).
    /// </summary>
    public bool? LogStdIsSquashed { get; init; }

    /// <summary>
    /// <c>[A]</c>: an action is tanh(x) times this plus <see cref="ActionBias"/>; empty for the tensor
    /// <c>action_scale</c>, or 1.
    /// </summary>
    public IReadOnlyList<float> ActionScale { get; init; } = [];

    /// <summary><c>[A]</c>; empty for the tensor <c>action_bias</c>, or 0.</summary>
    public IReadOnlyList<float> ActionBias { get; init; } = [];

    /// <summary>
    /// alpha, the entropy temperature, 0 or more; null for the tensor <c>log_alpha</c>, where there is one.
    /// </summary>
    public float? Alpha { get; init; }

    /// <summary>
    /// Whether critics have an output for each of a number of actions; null to tell it from the number of outputs.
    /// </summary>
    public bool? IsDiscrete { get; init; }

    /// <summary>Prefixes of tensors that are no part of critics and actor, and left out.</summary>
    public IReadOnlyList<string> Ignore { get; init; } = [];

    /// <summary>Reads a description from JSON.</summary>
    /// <param name="pathOrText">A file, or the JSON text itself (anything that begins with a brace).</param>
    /// <returns>The description.</returns>
    /// <remarks>
    /// The keys are those of this class in lower case: <c>inputs</c>, <c>actor_inputs</c>, <c>activation</c>,
    /// <c>norm_epsilon</c>, <c>critics</c>, <c>actor</c>, <c>task_encoder</c>, <c>actor_task_encoder</c>,
    /// <c>log_std</c>, <c>log_std_rule</c> ("clamp" or "tanh"), <c>action_scale</c>, <c>action_bias</c>, <c>alpha</c>,
    /// <c>discrete</c>, <c>ignore</c>.
    /// </remarks>
    /// <exception cref="InvalidDataException">
    /// The JSON is no description; one sentence that names the source, the key, what was found and what was expected.
    /// </exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static AgentLayers Read(string pathOrText) => AgentLayersJson.Read(pathOrText);
}

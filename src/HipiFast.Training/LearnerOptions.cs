using HipiFast.Learning;
using HipiFast.Options;

namespace HipiFast.Training;

/// <summary>Which learner trains the agent, on what batches, and the agent's networks.</summary>
public sealed record LearnerOptions
{
    private const string Group = "Learner";

    /// <summary>Which learner: <c>embedded</c>, or <c>torch</c> where TorchSharp is installed.</summary>
    [Option(Group, "embedded, or torch where TorchSharp is installed.", Key = "learner")]
    public string Name { get; init; } = LearnerRegistry.Embedded;

    /// <summary>Where the torch learner computes: <c>cpu</c> or <c>cuda</c>.</summary>
    [Option(Group, "Where the torch learner computes.")]
    public string TorchDevice { get; init; } = "cpu";

    /// <summary>
    /// Updates between two copies of the torch learner's weights from a GPU to a relabeler that cannot read them where
    /// they are.
    /// </summary>
    [Option(
        Group, "Updates between copies of the torch learner's weights from a GPU to a relabeler elsewhere.",
        Minimum = 1, Maximum = 1_000_000)]
    public int TorchWeightsEvery { get; init; } = 1;

    /// <summary>Transitions per gradient step.</summary>
    [Option(Group, "Transitions per gradient step.", Minimum = 1, Maximum = 65536)]
    public int Batch { get; init; } = 32;

    /// <summary>Width of both hidden layers.</summary>
    [Option(Group, "Width of both hidden layers of every network.", Minimum = 1, Maximum = 8192)]
    public int Hidden { get; init; } = 64;

    /// <summary>Options of SAC; its discount is also the relabeler's.</summary>
    [OptionPart]
    public SacOptions Sac { get; init; } = new();

    /// <summary>Number of critics, 1 or 2.</summary>
    [Option(Group, "Critics: 2 (twin critics) or 1.", Minimum = 1, Maximum = 2)]
    public int Critics { get; init; } = 2;

    /// <summary>Lower bound of a critic squashed by a scaled sigmoid.</summary>
    [Option(Group, "Lower bound of a critic squashed by a scaled sigmoid; equal to the upper bound for none.")]
    public float CriticLow { get; init; }

    /// <summary>Upper bound of a critic squashed by a scaled sigmoid.</summary>
    [Option(Group, "Upper bound of a critic squashed by a scaled sigmoid; equal to the lower bound for none.")]
    public float CriticHigh { get; init; }
}

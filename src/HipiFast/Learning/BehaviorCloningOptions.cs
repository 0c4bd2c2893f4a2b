using HipiFast.Options;

namespace HipiFast.Learning;

/// <summary>
/// Options of behavior cloning; the defaults are those of the HIPI paper (Appendix C.2), where it gives them.
/// </summary>
public sealed record BehaviorCloningOptions
{
    /// <summary>Width of both hidden layers, 1 or more.</summary>
    [Option(Minimum = 1)]
    public int Hidden { get; init; } = 256;

    /// <summary>Adam's step size, above 0.</summary>
    [Option(Minimum = 0, AboveMinimum = true)]
    public float LearningRate { get; init; } = 3e-4f;

    /// <summary>Rows of one step, 1 or more (the paper does not say).</summary>
    [Option(Minimum = 1)]
    public int Batch { get; init; } = 256;

    /// <summary>
    /// Share of the trajectories that is held out for validation, in (0, 1) (the paper does not say).
    /// </summary>
    [Option(Minimum = 0, AboveMinimum = true, Maximum = 1, BelowMaximum = true)]
    public float ValidationShare { get; init; } = 0.1f;

    /// <summary>Fitting ends when the validation loss has risen this many epochs in a row, 1 or more.</summary>
    [Option(Minimum = 1)]
    public int Patience { get; init; } = 3;

    /// <summary>Most epochs, 1 or more.</summary>
    [Option(Minimum = 1)]
    public int MaxEpochs { get; init; } = 100;

    /// <summary>Whether the policy sees the task; without, it is the paper's task-agnostic baseline.</summary>
    public bool TaskConditioned { get; init; } = true;

    /// <summary>Philox key of the initial parameters, the split and the order of rows.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Throws when an option is out of range.</summary>
    /// <exception cref="ArgumentException">
    /// One sentence naming the option, what was found and what is expected.
    /// </exception>
    public void Validate() => OptionCheck.Ranges(
        this, (name, value, expected) => $"The behavior cloning option {name} is {value}; expected {expected}.");
}

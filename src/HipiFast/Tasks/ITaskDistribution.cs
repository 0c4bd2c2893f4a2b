namespace HipiFast.Tasks;

/// <summary>The prior over tasks: where commanded tasks come from.</summary>
public interface ITaskDistribution
{
    /// <summary>P.</summary>
    int TaskDimension { get; }

    /// <summary>Draws one task.</summary>
    /// <param name="task">Result <c>[P]</c>.</param>
    /// <param name="seed">Philox key.</param>
    /// <param name="index">Which draw: the first counter word.</param>
    /// <param name="call">Which call: the third counter word.</param>
    /// <param name="purpose">What for.</param>
    void Sample(Span<float> task, ulong seed, uint index, uint call, Kernels.Random.RandomPurpose purpose);
}

using HipiFast.Kernels.Random;

namespace HipiFast.Environments;

/// <summary>
/// Uniform actions in [-1, 1]: entry d of row b at a step takes word d mod 4 of counter (b, d / 4, step), purpose
/// BehaviorAction.
/// </summary>
/// <param name="seed">Philox key.</param>
public sealed class UniformPolicy(ulong seed) : IPolicy
{
    /// <inheritdoc/>
    public void Act(ReadOnlySpan<float> observation, ReadOnlySpan<float> task, int rows, uint step, Span<float> action)
    {
        int width = rows == 0 ? 0 : action.Length / rows;
        for (int i = 0; i < action.Length; i++)
        {
            uint row = (uint)(i / width), entry = (uint)(i % width);
            PhiloxBlock block = Philox.Next(row, entry / 4, step, (uint)RandomPurpose.BehaviorAction, seed);
            action[i] = (2f * Philox.ToUniform(block[(int)entry])) - 1f;
        }
    }
}

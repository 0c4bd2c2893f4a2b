using HipiFast.Kernels.Random;

namespace HipiFast.Tasks;

/// <summary>Tasks whose entries are independent and uniform, each in an interval of its own.</summary>
public sealed class UniformTasks : ITaskDistribution
{
    private readonly float[] _low;
    private readonly float[] _high;

    /// <summary>Fixes the intervals.</summary>
    /// <param name="low">Lower bounds, <c>[P]</c>, finite.</param>
    /// <param name="high">
    /// Upper bounds, <c>[P]</c>, finite, none below its lower bound; an equal one fixes the entry.
    /// </param>
    /// <exception cref="ArgumentException">
    /// No interval, lists of different lengths, or a bound that is not finite or not in order.
    /// </exception>
    public UniformTasks(ReadOnlySpan<float> low, ReadOnlySpan<float> high)
    {
        if (low.IsEmpty || low.Length != high.Length)
        {
            throw new ArgumentException(
                $"There are {low.Length} lower and {high.Length} upper bounds; expected as many of both, at least "
                + "one.");
        }

        for (int i = 0; i < low.Length; i++)
        {
            if (!float.IsFinite(low[i]) || !float.IsFinite(high[i]) || low[i] > high[i])
            {
                throw new ArgumentException(
                    $"The bounds of entry {i} are {low[i]} and {high[i]}; expected finite numbers in order.");
            }
        }

        _low = low.ToArray();
        _high = high.ToArray();
    }

    /// <inheritdoc/>
    public int TaskDimension => _low.Length;

    /// <inheritdoc/>
    public void Sample(Span<float> task, ulong seed, uint index, uint call, RandomPurpose purpose)
    {
        for (int i = 0; i < _low.Length; i++)
        {
            float uniform = Philox.ToUniform(Philox.Next(index, (uint)i / 4, call, (uint)purpose, seed)[i % 4]);
            task[i] = _low[i] + ((_high[i] - _low[i]) * uniform);
        }
    }
}

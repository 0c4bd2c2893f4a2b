using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Relabeling;

/// <summary>
/// The soft-Q matrix as a function of the caller's instead of networks. With
/// <see cref="SoftQProblem.ExactTerminalValue"/> the reward takes the function's place where the family says that a
/// transition ends the candidate task, as it takes a critic's.
/// </summary>
/// <remarks>What a function gives is Q~ itself, whatever the estimator.</remarks>
public sealed class FunctionSoftQ : ISoftQKernel
{
    // Pairs that a function of many is asked for at once: what a model computes in one go, in a few MiB.
    private const int TilePairs = 8192;

    private readonly SoftQFunction? _function;
    private readonly SoftQPairsFunction? _pairsFunction;
    private readonly ExactTerminalValues _terminal = new();

    // Grown to the largest call, and then kept.
    private float[] _pairs = [];

    /// <summary>Asks a function pair by pair, in order.</summary>
    /// <param name="function">The function.</param>
    public FunctionSoftQ(SoftQFunction function)
    {
        ArgumentNullException.ThrowIfNull(function);
        _function = function;
    }

    /// <summary>Asks a function for many pairs at once.</summary>
    /// <param name="function">The function.</param>
    public FunctionSoftQ(SoftQPairsFunction function)
    {
        ArgumentNullException.ThrowIfNull(function);
        _pairsFunction = function;
    }

    /// <inheritdoc/>
    public bool ReadsNetworks => false;

    /// <summary>How many matrices have been computed.</summary>
    public int Calls { get; private set; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A shape disagrees.</exception>
    public void Compute(in SoftQProblem problem, Span<float> softQ)
    {
        SoftQProblem own = problem with { OmitsNetworks = true };
        own.Validate(softQ.Length);
        Calls++;
        if (_function is not null)
        {
            AskForEach(own, softQ);
        }
        else
        {
            AskForMany(own, softQ);
        }

        _terminal.Put(own, 0, softQ);
    }

    private void AskForEach(in SoftQProblem problem, Span<float> softQ)
    {
        for (int row = 0; row < problem.Rows; row++)
        {
            for (int i = 0; i < problem.Candidates; i++)
            {
                softQ[(row * problem.Candidates) + i] = _function!(problem, row, i);
            }
        }
    }

    private void AskForMany(in SoftQProblem problem, Span<float> softQ)
    {
        int s = problem.ObservationDimension, a = problem.ActionDimension, p = problem.TaskDimension,
            width = s + a + p;
        int most = Math.Min(TilePairs, softQ.Length);
        Grow(ref _pairs, most * width);
        for (int first = 0; first < softQ.Length; first += most)
        {
            int count = Math.Min(most, softQ.Length - first);
            for (int pair = 0; pair < count; pair++)
            {
                int row = (first + pair) / problem.Candidates, task = (first + pair) % problem.Candidates;
                Span<float> input = _pairs.AsSpan(pair * width, width);
                problem.Observation.Slice(row * s, s).CopyTo(input);
                problem.Action.Slice(row * a, a).CopyTo(input[s..]);
                problem.Task.Slice(task * p, p).CopyTo(input[(s + a)..]);
            }

            _pairsFunction!(_pairs.AsSpan(0, count * width), count, softQ.Slice(first, count));
        }
    }

    private static void Grow(ref float[] values, int length)
    {
        if (values.Length < length)
        {
            values = new float[length];
        }
    }
}

using HipiFast.Kernels.SoftQ;

namespace HipiFast.Relabeling;

/// <summary>The soft-Q matrix as a function, called pair by pair in order.</summary>
/// <param name="function">The function.</param>
public sealed class FunctionSoftQ(SoftQFunction function) : ISoftQKernel
{
    /// <summary>How many matrices have been computed.</summary>
    public int Calls { get; private set; }

    /// <inheritdoc/>
    public void Compute(in SoftQProblem problem, Span<float> softQ)
    {
        Calls++;
        for (int row = 0; row < problem.Rows; row++)
        {
            for (int i = 0; i < problem.Candidates; i++)
            {
                softQ[(row * problem.Candidates) + i] = function(problem, row, i);
            }
        }
    }
}

namespace HipiFast.Kernels.SoftQ;

/// <summary>Rows of a soft-Q matrix that is too large for one call of a kernel.</summary>
internal static class SoftQRows
{
    // A kernel keeps its first layer for all rows of a call, and this bounds it while leaving plenty to share out to
    // threads.
    private const int KernelRows = 16384;

    /// <summary>Computes rows of a problem, with the noise that they have in the whole of it.</summary>
    /// <param name="kernel">Computes them, some at a time.</param>
    /// <param name="problem">The whole problem.</param>
    /// <param name="first">First row.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="softQ">Receives Q~ <c>[rows, K]</c>.</param>
    public static void Compute(ISoftQKernel kernel, in SoftQProblem problem, int first, int rows, Span<float> softQ)
    {
        int candidates = problem.Candidates;
        for (int start = 0; start < rows; start += KernelRows)
        {
            int count = Math.Min(KernelRows, rows - start);
            kernel.Compute(problem.Slice(first + start, count), softQ.Slice(start * candidates, count * candidates));
        }
    }
}

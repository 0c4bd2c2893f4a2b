namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// Computes soft-Q matrices. Implementations keep scratch memory sized by the largest problem seen: not thread-safe.
/// </summary>
public interface ISoftQKernel
{
    /// <summary>
    /// Whether the networks of a problem are read; false for a critic of one's own, which then needs no agent.
    /// </summary>
    bool ReadsNetworks => true;

    /// <summary>
    /// Q~[j, i] for every transition j and candidate task i. See <see cref="SoftQEstimator"/> for the formulas.
    /// </summary>
    /// <param name="problem">What to compute.</param>
    /// <param name="softQ">Result <c>[B, K]</c> row-major, in nats.</param>
    /// <exception cref="ArgumentException">
    /// A shape disagrees, B or K is 0, or an ingredient that the estimator needs is missing.
    /// </exception>
    /// <remarks>
    /// Backends agree with a double-precision oracle within 1e-4 of the spread (max - min) of Q~ in fp32. NaN or
    /// infinite inputs give NaN or infinite entries; callers check (the relabeler names the first such pair). The same
    /// problem gives the same bits for any thread count.
    /// </remarks>
    void Compute(in SoftQProblem problem, Span<float> softQ);
}

using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Relabeling;

/// <summary>
/// A whole relabel call: soft-Q matrix, column-wise logsumexp, Gumbel-max, mixing, rewards, diagnostics. In host memory
/// it is composed of a session's kernels; on a device nothing is waited for in between.
/// </summary>
internal interface IRelabelPipeline
{
    /// <summary>
    /// Compiles the kernels, sizes the memory, brings the networks over and warms up, so that the first call is as fast
    /// as any. Leaves a batch on the device as it is.
    /// </summary>
    /// <param name="problem">A problem of the size and kind to come; its numbers are read but lead nowhere.</param>
    /// <exception cref="ArgumentException">As for <see cref="Run"/>.</exception>
    /// <exception cref="DeviceOutOfMemoryException">As for <see cref="Run"/>.</exception>
    void Prepare(in RelabelProblem problem);

    /// <summary>Runs a call.</summary>
    /// <param name="problem">What to compute.</param>
    /// <param name="output">Where the results go.</param>
    /// <returns>
    /// The call in numbers. Nothing is thrown for NaN or infinities; they show here: where there is a bad row, a row
    /// without a sample or a bad reward the results are not complete.
    /// </returns>
    /// <exception cref="ArgumentException">The problem is not complete, or lengths disagree.</exception>
    /// <exception cref="DeviceOutOfMemoryException">
    /// Not even one row of Q~ fits beside the batch and the networks.
    /// </exception>
    RelabelSummary Run(in RelabelProblem problem, in RelabelOutput output);
}

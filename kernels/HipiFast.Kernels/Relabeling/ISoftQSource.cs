namespace HipiFast.Kernels.Relabeling;

/// <summary>
/// Where Q~ comes from when it is not networks that estimate it, such as the returns of whole trajectories.
/// </summary>
internal interface ISoftQSource
{
    /// <summary>Fills a block of rows; the same block may be asked for twice and is then the same.</summary>
    /// <param name="firstRow">First row.</param>
    /// <param name="rows">Number of rows, 1 or more.</param>
    /// <param name="softQ">Receives Q~ <c>[rows, K]</c>, in nats.</param>
    void Fill(int firstRow, int rows, Span<float> softQ);
}

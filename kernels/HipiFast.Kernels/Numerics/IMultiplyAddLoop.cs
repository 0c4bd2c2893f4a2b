namespace HipiFast.Kernels.Numerics;

/// <summary>
/// A loop of nothing but a backend's multiply-adds, on registers alone and with enough independent chains to hide their
/// latency. Its rate is the peak of which kernels are quoted as a fraction, measured right beside them, since clocks
/// wander. Safe to run on several threads at once.
/// </summary>
internal interface IMultiplyAddLoop
{
    /// <summary>Runs the loop on the calling thread.</summary>
    /// <param name="iterations">How often, 1 or more; one iteration takes some nanoseconds.</param>
    /// <returns>Floating-point operations done, two per multiply-add.</returns>
    double Run(int iterations);
}

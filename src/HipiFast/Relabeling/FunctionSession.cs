using HipiFast.Kernels.Backends;

namespace HipiFast.Relabeling;

/// <summary>
/// Sessions whose soft-Q matrix is a function of the caller's (a table, a critic of another kind, a model of another
/// library); partition and sampling are the managed backend's. A <see cref="Relabeler"/> on such a session needs no
/// agent. Everything else is as with networks: where <see cref="RelabelOptions.ExactTerminalValue"/> is on and a
/// transition ends the candidate task, its reward takes the place of what the function says.
/// </summary>
public static class FunctionSession
{
    /// <summary>Makes a session of a function that is called pair by pair: a table, or a formula.</summary>
    /// <param name="function">The function.</param>
    /// <param name="threads">Most threads of partition and sampling; 0 for one per core.</param>
    /// <returns>The session, with a <see cref="FunctionSoftQ"/>; dispose it.</returns>
    public static ComputeSession Create(SoftQFunction function, int threads = 1) =>
        Create(new FunctionSoftQ(function), threads);

    /// <summary>
    /// Makes a session of a function that is called for thousands of pairs at once: a model, on whatever device it
    /// computes.
    /// </summary>
    /// <param name="function">The function.</param>
    /// <param name="threads">Most threads of partition and sampling; 0 for one per core.</param>
    /// <returns>The session, with a <see cref="FunctionSoftQ"/>; dispose it.</returns>
    public static ComputeSession Create(SoftQPairsFunction function, int threads = 1) =>
        Create(new FunctionSoftQ(function), threads);

    private static ComputeSession Create(FunctionSoftQ softQ, int threads)
    {
        ComputeSession managed = ManagedBackend.Best.CreateSession(new SessionOptions(threads));
        return managed.WithSoftQ(softQ, managed);
    }
}

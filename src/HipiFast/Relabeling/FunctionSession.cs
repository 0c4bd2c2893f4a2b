using HipiFast.Kernels.Backends;

namespace HipiFast.Relabeling;

/// <summary>
/// Sessions whose soft-Q matrix is a function of the caller's (a table, a critic of another kind), called pair by pair;
/// partition and sampling are the managed backend's. For small problems.
/// </summary>
public static class FunctionSession
{
    /// <summary>Makes a session.</summary>
    /// <param name="function">The function.</param>
    /// <param name="threads">Most threads of partition and sampling; 0 for one per core.</param>
    /// <returns>The session, with a <see cref="FunctionSoftQ"/>; dispose it.</returns>
    public static ComputeSession Create(SoftQFunction function, int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(function);
        ComputeSession managed = ManagedBackend.Best.CreateSession(new SessionOptions(threads));
        return managed.WithSoftQ(new FunctionSoftQ(function), managed);
    }
}

namespace HipiFast.Kernels.Threading;

/// <summary>Work cut into numbered chunks that may run in any order on any thread.</summary>
internal interface IParallelWork
{
    /// <summary>Runs one chunk.</summary>
    /// <param name="chunk">Which chunk, from 0.</param>
    /// <param name="worker">Which worker runs it, from 0 to the thread count less one: selects scratch memory.</param>
    void Execute(int chunk, int worker);
}

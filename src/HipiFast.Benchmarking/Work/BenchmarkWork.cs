using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.Backends;
using HipiFast.Options;

namespace HipiFast.Benchmarking.Work;

/// <summary>
/// The data of one <see cref="BenchmarkCase"/>, the call that is timed, and the check that it computes what it should.
/// </summary>
internal abstract class BenchmarkWork : IDisposable
{
    /// <summary>Prepares a case.</summary>
    /// <param name="benchmark">What to measure.</param>
    /// <param name="backend">What computes.</param>
    /// <param name="threads">Most threads of a call, 1 or more.</param>
    /// <returns>The work; dispose it.</returns>
    public static BenchmarkWork Create(BenchmarkCase benchmark, KernelBackend backend, int threads) =>
        benchmark.Kernel switch
    {
        BenchmarkCase.SoftQTile => new SoftQTileWork(benchmark, backend, threads),
        BenchmarkCase.SoftQ => new SoftQWork(benchmark, backend, threads),
        BenchmarkCase.SoftQLayers => new LayeredSoftQWork(benchmark, backend, threads),
        BenchmarkCase.Relabel => new RelabelWork(benchmark, backend, threads),
        BenchmarkCase.RelabelBySoftQ => new RelabelBySoftQWork(benchmark, backend, threads),
        BenchmarkCase.LogPartition => new LogPartitionWork(benchmark, backend, threads),
        BenchmarkCase.TaskSampling => new TaskSamplingWork(benchmark, backend, threads),
        BenchmarkCase.ReplaySample => new ReplaySampleWork(benchmark),
        BenchmarkCase.SacStep => new SacStepWork(benchmark, backend, threads),
        _ => throw new ArgumentException(
            $"Unknown kernel '{benchmark.Kernel}'{NearestName.Suggestion(benchmark.Kernel, BenchmarkCase.Kernels)}."),
    };

    /// <summary>One call. Allocates nothing once it has been called.</summary>
    public abstract void Call();

    /// <summary>Makes one call, the first, and checks what it computed.</summary>
    /// <param name="check">Compares with the oracle.</param>
    /// <exception cref="InvalidOperationException">The result is wrong; one sentence says where.</exception>
    public abstract void Verify(BenchmarkCheck check);

    /// <inheritdoc/>
    public abstract void Dispose();
}

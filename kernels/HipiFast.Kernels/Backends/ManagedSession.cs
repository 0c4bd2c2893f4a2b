using System.Numerics;
using System.Runtime.Intrinsics;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Kernels.Threading;

namespace HipiFast.Kernels.Backends;

/// <summary>Sessions of the managed kernels, with the soft-Q matrix's leaves from wherever.</summary>
internal static class ManagedSession
{
    /// <summary>Makes a session.</summary>
    /// <param name="backend">The backend it is for.</param>
    /// <param name="kind">Vectors of the managed kernels.</param>
    /// <param name="softQ">The leaves of the soft-Q kernel.</param>
    /// <param name="options">Threads.</param>
    public static ComputeSession Create(
        KernelBackend backend, VectorKind kind, MlpMicroKernel softQ, SessionOptions options)
    {
        int threads = options.MaxThreads > 0 ? options.MaxThreads : Environment.ProcessorCount;
        ManagedSoftQ matrix = new(threads, softQ, kind, WorkerPool.Shared);
        return kind switch
        {
            VectorKind.Vector512 => Compose<Simd512, Vector512<float>>(backend, matrix, threads),
            VectorKind.Vector256 => Compose<Simd256, Vector256<float>>(backend, matrix, threads),
            _ => Compose<SimdPortable, Vector<float>>(backend, matrix, threads),
        };
    }

    private static ComputeSession Compose<TSimd, TVector>(KernelBackend backend, ManagedSoftQ softQ, int threads)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        ManagedLogPartition<TSimd, TVector> logPartition = new(threads);
        ManagedTaskSampling<TSimd, TVector> taskSampling = new(threads);
        return new ComputeSession([softQ, logPartition, taskSampling])
        {
            Backend = backend,
            SoftQ = softQ,
            LogPartition = logPartition,
            TaskSampling = taskSampling,
            Dense = new ManagedDense<TSimd, TVector>(),
        };
    }
}

using HipiFast.Benchmarking.Cases;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;

namespace HipiFast.Benchmarking.Work;

/// <summary>A soft-Q matrix of standard deviation 2 nats, about what trained critics give.</summary>
internal abstract class MatrixWork : BenchmarkWork
{
    protected MatrixWork(BenchmarkCase benchmark, KernelBackend backend, int threads)
    {
        Case = benchmark;
        Session = backend.CreateSession(new SessionOptions(threads));
        SoftQ = new NativeBuffer<float>((long)benchmark.Batch * benchmark.Candidates);
        for (int i = 0; i < SoftQ.Length; i++)
        {
            uint bits = Philox.Next((uint)i, 0, 0, (uint)RandomPurpose.SyntheticData, BenchmarkData.Seed).X;
            SoftQ[i] = BenchmarkData.UnitVariance * 2 * ((2 * Philox.ToUniform(bits)) - 1);
        }
    }

    protected BenchmarkCase Case { get; }

    protected ComputeSession Session { get; }

    protected NativeBuffer<float> SoftQ { get; }

    public override void Dispose()
    {
        Session.Dispose();
        SoftQ.Dispose();
    }
}

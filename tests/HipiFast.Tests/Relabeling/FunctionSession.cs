using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Tests.Relabeling;

/// <summary>Q~ of one pair as a test makes it up.</summary>
internal delegate float SoftQFunction(in SoftQProblem problem, int row, int candidate);

/// <summary>A session whose soft-Q matrix is a function of the test; partition and sampling are the managed backend's.</summary>
internal sealed class FunctionSession : ComputeSession
{
    private readonly ComputeSession _managed;
    private readonly FunctionSoftQ _softQ;

    public FunctionSession(SoftQFunction function, int threads = 1)
    {
        Backend = KernelRegistry.Default.Resolve(ManagedBackend.FamilyName);
        _managed = Backend.CreateSession(new SessionOptions(threads));
        _softQ = new FunctionSoftQ(function);
    }

    public override KernelBackend Backend { get; }

    public override ISoftQKernel SoftQ => _softQ;

    public override ILogPartitionKernel LogPartition => _managed.LogPartition;

    public override ITaskSamplingKernel TaskSampling => _managed.TaskSampling;

    public override IDenseKernel Dense => _managed.Dense;

    /// <summary>How many matrices were computed.</summary>
    public int Calls => _softQ.Calls;

    protected override void Dispose(bool disposing)
    {
        _managed.Dispose();
        base.Dispose(disposing);
    }

    private sealed class FunctionSoftQ(SoftQFunction function) : ISoftQKernel
    {
        public int Calls { get; private set; }

        public void Compute(in SoftQProblem problem, Span<float> softQ)
        {
            Calls++;
            for (int row = 0; row < problem.Rows; row++)
            {
                for (int i = 0; i < problem.Candidates; i++)
                {
                    softQ[(row * problem.Candidates) + i] = function(problem, row, i);
                }
            }
        }
    }
}

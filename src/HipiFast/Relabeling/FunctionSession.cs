using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.LogPartition;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Relabeling;

/// <summary>Q~ of one transition under one candidate task, in nats.</summary>
/// <param name="problem">Transitions and candidates; its networks are the relabeler's agent's and need not be looked at.</param>
/// <param name="row">Transition.</param>
/// <param name="candidate">Candidate.</param>
/// <returns>Q~[row, candidate].</returns>
public delegate float SoftQFunction(in SoftQProblem problem, int row, int candidate);

/// <summary>
/// A session whose soft-Q matrix is a function of the caller's (a table, a critic of another kind), called pair by pair; partition and sampling are
/// the managed backend's. For small problems.
/// </summary>
public sealed class FunctionSession : ComputeSession
{
    private readonly ComputeSession _managed;
    private readonly FunctionSoftQ _softQ;

    /// <summary>Makes a session.</summary>
    /// <param name="function">The function.</param>
    /// <param name="threads">Most threads of partition and sampling; 0 for one per core.</param>
    public FunctionSession(SoftQFunction function, int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(function);
        Backend = KernelRegistry.Default.Resolve(ManagedBackend.FamilyName);
        _managed = Backend.CreateSession(new SessionOptions(threads));
        _softQ = new FunctionSoftQ(function);
    }

    /// <inheritdoc/>
    public override KernelBackend Backend { get; }

    /// <inheritdoc/>
    public override ISoftQKernel SoftQ => _softQ;

    /// <inheritdoc/>
    public override ILogPartitionKernel LogPartition => _managed.LogPartition;

    /// <inheritdoc/>
    public override ITaskSamplingKernel TaskSampling => _managed.TaskSampling;

    /// <inheritdoc/>
    public override IDenseKernel Dense => _managed.Dense;

    /// <summary>How many matrices have been computed.</summary>
    public int Calls => _softQ.Calls;

    /// <inheritdoc/>
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

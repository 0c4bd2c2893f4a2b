using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Tests.Backends;
using HipiFast.Kernels.Tests.Data;
using HipiFast.Kernels.Tests.LogPartition;
using HipiFast.Kernels.Tests.SoftQ;
using HipiFast.Kernels.Tests.TaskSampling;

namespace HipiFast.Kernels.Tests;

/// <summary>SoftQ of <c>managed-512</c>.</summary>
[RunsBackend("managed-512")]
public sealed class Managed512SoftQConformance : SoftQContract
{
    protected override ComputeSession CreateSession(int maxThreads) => Variants.CreateSession("managed-512", maxThreads);
}

/// <summary>LogPartition of <c>managed-512</c>.</summary>
[RunsBackend("managed-512")]
public sealed class Managed512LogPartitionConformance : LogPartitionContract
{
    protected override ComputeSession CreateSession(int maxThreads) => Variants.CreateSession("managed-512", maxThreads);
}

/// <summary>TaskSampling of <c>managed-512</c>.</summary>
[RunsBackend("managed-512")]
public sealed class Managed512TaskSamplingConformance : TaskSamplingContract
{
    protected override ComputeSession CreateSession(int maxThreads) => Variants.CreateSession("managed-512", maxThreads);
}

/// <summary>SoftQ of <c>managed-256</c>.</summary>
[RunsBackend("managed-256")]
public sealed class Managed256SoftQConformance : SoftQContract
{
    protected override ComputeSession CreateSession(int maxThreads) => Variants.CreateSession("managed-256", maxThreads);
}

/// <summary>LogPartition of <c>managed-256</c>.</summary>
[RunsBackend("managed-256")]
public sealed class Managed256LogPartitionConformance : LogPartitionContract
{
    protected override ComputeSession CreateSession(int maxThreads) => Variants.CreateSession("managed-256", maxThreads);
}

/// <summary>TaskSampling of <c>managed-256</c>.</summary>
[RunsBackend("managed-256")]
public sealed class Managed256TaskSamplingConformance : TaskSamplingContract
{
    protected override ComputeSession CreateSession(int maxThreads) => Variants.CreateSession("managed-256", maxThreads);
}

/// <summary>SoftQ of <c>managed-portable</c>.</summary>
[RunsBackend("managed-portable")]
public sealed class ManagedPortableSoftQConformance : SoftQContract
{
    protected override ComputeSession CreateSession(int maxThreads) => Variants.CreateSession("managed-portable", maxThreads);
}

/// <summary>LogPartition of <c>managed-portable</c>.</summary>
[RunsBackend("managed-portable")]
public sealed class ManagedPortableLogPartitionConformance : LogPartitionContract
{
    protected override ComputeSession CreateSession(int maxThreads) => Variants.CreateSession("managed-portable", maxThreads);
}

/// <summary>TaskSampling of <c>managed-portable</c>.</summary>
[RunsBackend("managed-portable")]
public sealed class ManagedPortableTaskSamplingConformance : TaskSamplingContract
{
    protected override ComputeSession CreateSession(int maxThreads) => Variants.CreateSession("managed-portable", maxThreads);
}

/// <summary>The plain reference beside the fast kernel.</summary>
public sealed class ReferenceLogPartitionConformance : LogPartitionContract
{
    protected override ComputeSession CreateSession(int maxThreads) => new ReferenceBackend().CreateSession(new SessionOptions(maxThreads));
}

/// <inheritdoc cref="ReferenceLogPartitionConformance"/>
public sealed class ReferenceTaskSamplingConformance : TaskSamplingContract
{
    // One entry at a time, a million tasks take long.
    protected override int WideDraws => 20;

    protected override ComputeSession CreateSession(int maxThreads) => new ReferenceBackend().CreateSession(new SessionOptions(maxThreads));
}

/// <summary>Sessions of a backend by name: the one that was asked for, never another.</summary>
internal static class Variants
{
    public static ComputeSession CreateSession(string name, int maxThreads)
    {
        ComputeSession session = KernelRegistry.Default.Resolve(name).CreateSession(new SessionOptions(maxThreads));
        Assert.Contains(name, (string[])[session.Backend.Name, session.Backend.Family]);
        return session;
    }
}

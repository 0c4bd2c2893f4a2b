using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance.Backends;
using HipiFast.Kernels.Conformance.LogPartition;
using HipiFast.Kernels.Conformance.Relabeling;
using HipiFast.Kernels.Conformance.SoftQ;
using HipiFast.Kernels.Conformance.TaskSampling;
using HipiFast.Kernels.Tests.Data;

namespace HipiFast.Kernels.Tests;

/// <summary>SoftQ of <c>managed-512</c>.</summary>
[RunsBackend("managed-512")]
public sealed class Managed512SoftQConformance : SoftQContract
{
    protected override ComputeSession CreateSession(int maxThreads) =>
        Variants.CreateSession("managed-512", maxThreads);
}

/// <summary>LogPartition of <c>managed-512</c>.</summary>
[RunsBackend("managed-512")]
public sealed class Managed512LogPartitionConformance : LogPartitionContract
{
    protected override ComputeSession CreateSession(int maxThreads) =>
        Variants.CreateSession("managed-512", maxThreads);
}

/// <summary>TaskSampling of <c>managed-512</c>.</summary>
[RunsBackend("managed-512")]
public sealed class Managed512TaskSamplingConformance : TaskSamplingContract
{
    protected override ComputeSession CreateSession(int maxThreads) =>
        Variants.CreateSession("managed-512", maxThreads);
}

/// <summary>SoftQ of <c>managed-256</c>.</summary>
[RunsBackend("managed-256")]
public sealed class Managed256SoftQConformance : SoftQContract
{
    protected override ComputeSession CreateSession(int maxThreads) =>
        Variants.CreateSession("managed-256", maxThreads);
}

/// <summary>LogPartition of <c>managed-256</c>.</summary>
[RunsBackend("managed-256")]
public sealed class Managed256LogPartitionConformance : LogPartitionContract
{
    protected override ComputeSession CreateSession(int maxThreads) =>
        Variants.CreateSession("managed-256", maxThreads);
}

/// <summary>TaskSampling of <c>managed-256</c>.</summary>
[RunsBackend("managed-256")]
public sealed class Managed256TaskSamplingConformance : TaskSamplingContract
{
    protected override ComputeSession CreateSession(int maxThreads) =>
        Variants.CreateSession("managed-256", maxThreads);
}

/// <summary>SoftQ of <c>managed-portable</c>.</summary>
[RunsBackend("managed-portable")]
public sealed class ManagedPortableSoftQConformance : SoftQContract
{
    protected override ComputeSession CreateSession(int maxThreads) =>
        Variants.CreateSession("managed-portable", maxThreads);
}

/// <summary>LogPartition of <c>managed-portable</c>.</summary>
[RunsBackend("managed-portable")]
public sealed class ManagedPortableLogPartitionConformance : LogPartitionContract
{
    protected override ComputeSession CreateSession(int maxThreads) =>
        Variants.CreateSession("managed-portable", maxThreads);
}

/// <summary>TaskSampling of <c>managed-portable</c>.</summary>
[RunsBackend("managed-portable")]
public sealed class ManagedPortableTaskSamplingConformance : TaskSamplingContract
{
    protected override ComputeSession CreateSession(int maxThreads) =>
        Variants.CreateSession("managed-portable", maxThreads);
}

/// <summary>The oracle itself.</summary>
public sealed class OracleLogPartitionConformance : LogPartitionContract
{
    protected override long BytesPerCall => int.MaxValue;

    protected override ComputeSession CreateSession(int maxThreads) =>
        new OracleBackend().CreateSession(new SessionOptions(maxThreads));
}

/// <inheritdoc cref="OracleLogPartitionConformance"/>
public sealed class OracleTaskSamplingConformance : TaskSamplingContract
{
    protected override long BytesPerCall => int.MaxValue;

    // One entry at a time, a million tasks take long.
    protected override int WideDraws => 5;

    protected override ComputeSession CreateSession(int maxThreads) =>
        new OracleBackend().CreateSession(new SessionOptions(maxThreads));
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

/// <summary>The relabel pipeline of <c>managed-512</c>.</summary>
[RunsBackend("managed-512")]
public sealed class Managed512RelabelPipelineConformance : RelabelPipelineContract
{
    protected override ComputeSession CreateSession(int maxThreads) =>
        Variants.CreateSession("managed-512", maxThreads);
}

/// <summary>The relabel pipeline of <c>managed-256</c>.</summary>
[RunsBackend("managed-256")]
public sealed class Managed256RelabelPipelineConformance : RelabelPipelineContract
{
    protected override ComputeSession CreateSession(int maxThreads) =>
        Variants.CreateSession("managed-256", maxThreads);
}

/// <summary>The relabel pipeline of <c>managed-portable</c>.</summary>
[RunsBackend("managed-portable")]
public sealed class ManagedPortableRelabelPipelineConformance : RelabelPipelineContract
{
    protected override ComputeSession CreateSession(int maxThreads) =>
        Variants.CreateSession("managed-portable", maxThreads);
}

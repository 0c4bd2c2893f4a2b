using HipiFast.Kernels.Conformance.Backends;
using HipiFast.Kernels.Conformance.Dense;
using HipiFast.Kernels.Dense;

namespace HipiFast.Kernels.Tests.Dense;

/// <summary>The dense kernels of <c>managed-512</c>.</summary>
[RunsBackend("managed-512")]
public sealed class Managed512DenseTests : DenseContract
{
    internal override IDenseKernel Kernel { get; } = Variants.CreateSession("managed-512", 1).Dense;
}

/// <summary>The dense kernels of <c>managed-256</c>.</summary>
[RunsBackend("managed-256")]
public sealed class Managed256DenseTests : DenseContract
{
    internal override IDenseKernel Kernel { get; } = Variants.CreateSession("managed-256", 1).Dense;
}

/// <summary>The dense kernels of <c>managed-portable</c>.</summary>
[RunsBackend("managed-portable")]
public sealed class ManagedPortableDenseTests : DenseContract
{
    internal override IDenseKernel Kernel { get; } = Variants.CreateSession("managed-portable", 1).Dense;
}

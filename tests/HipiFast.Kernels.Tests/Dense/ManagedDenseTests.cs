using HipiFast.Kernels.Dense;

namespace HipiFast.Kernels.Tests.Dense;

/// <summary>The dense kernels of <c>managed-512</c>.</summary>
public sealed class Managed512DenseTests : DenseContract
{
    internal override IDenseKernel Kernel { get; } = Variants.CreateSession("managed-512", 1).Dense;
}

/// <summary>The dense kernels of <c>managed-256</c>.</summary>
public sealed class Managed256DenseTests : DenseContract
{
    internal override IDenseKernel Kernel { get; } = Variants.CreateSession("managed-256", 1).Dense;
}

/// <summary>The dense kernels of <c>managed-portable</c>.</summary>
public sealed class ManagedPortableDenseTests : DenseContract
{
    internal override IDenseKernel Kernel { get; } = Variants.CreateSession("managed-portable", 1).Dense;
}

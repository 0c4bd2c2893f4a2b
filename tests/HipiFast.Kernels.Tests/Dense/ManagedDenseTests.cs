using HipiFast.Kernels.Dense;

namespace HipiFast.Kernels.Tests.Dense;

/// <summary>The widest vectors that this machine has.</summary>
public sealed class ManagedDenseTests : DenseContract
{
    internal override IDenseKernel Kernel { get; } = new ManagedDense();
}

/// <summary>The path for machines without 512-bit vectors.</summary>
public sealed class PortableDenseTests : DenseContract
{
    internal override IDenseKernel Kernel { get; } = new ManagedDense(portable: true);
}

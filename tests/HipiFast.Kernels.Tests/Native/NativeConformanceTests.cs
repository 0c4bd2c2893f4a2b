using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance.Backends;
using HipiFast.Kernels.Conformance.SoftQ;

namespace HipiFast.Kernels.Tests.Native;

/// <summary>SoftQ of <c>native-amxbf16</c>.</summary>
[RunsBackend("native-amxbf16")]
public sealed class NativeAmxBf16SoftQConformance : SoftQContract
{
    protected override ComputeSession CreateSession(int maxThreads) =>
        Variants.CreateSession("native-amxbf16", maxThreads);
}

/// <summary>SoftQ of <c>native-avx512bf16</c>.</summary>
[RunsBackend("native-avx512bf16")]
public sealed class NativeAvx512Bf16SoftQConformance : SoftQContract
{
    protected override ComputeSession CreateSession(int maxThreads) =>
        Variants.CreateSession("native-avx512bf16", maxThreads);
}

/// <summary>SoftQ of <c>native-neonbf16</c>.</summary>
[RunsBackend("native-neonbf16")]
public sealed class NativeNeonBf16SoftQConformance : SoftQContract
{
    protected override ComputeSession CreateSession(int maxThreads) =>
        Variants.CreateSession("native-neonbf16", maxThreads);
}

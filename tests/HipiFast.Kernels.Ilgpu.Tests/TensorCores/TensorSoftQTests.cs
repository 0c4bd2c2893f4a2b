using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tests.Backends;
using HipiFast.Kernels.Tests.SoftQ;

namespace HipiFast.Kernels.Ilgpu.Tests.TensorCores;

/// <summary>SoftQ in bf16 on emulated tensor cores.</summary>
[RunsBackend(TensorTestBackend.OneWarp)]
public sealed class TensorSoftQConformance : SoftQContract
{
    protected override ComputeSession CreateSession(int maxThreads) => TensorTestBackend.Open(TensorTestBackend.OneWarp);
}

/// <summary>What the suite does not reach: arrangements of several warps, and slices that are read again for every tile.</summary>
public sealed class TensorSoftQTests
{
    [Theory]
    [InlineData(64, SoftQEstimator.Critic)]
    [InlineData(128, SoftQEstimator.SoftCritic)]
    [InlineData(200, SoftQEstimator.Critic)]
    [InlineData(256, SoftQEstimator.Bellman)]
    public void WarpsSideBySideAgreeWithTheOracle(int hidden, SoftQEstimator estimator)
    {
        using SoftQCase data = new(67, 19, hidden) { Estimator = estimator, ExactTerminalValue = true };
        data.AssertConforms(TensorTestBackend.Open(TensorTestBackend.EightWarps));
    }

    [Theory]
    [InlineData(40, SoftQEstimator.Critic)]
    [InlineData(96, SoftQEstimator.SoftCritic)]
    [InlineData(200, SoftQEstimator.Bellman)]
    public void SeveralTilesAgreeWithTheOracle(int hidden, SoftQEstimator estimator)
    {
        using SoftQCase data = new(21, 18, hidden) { Estimator = estimator };
        foreach (TwinCombination twin in Enum.GetValues<TwinCombination>())
        {
            data.Twin = twin;
            data.AssertConforms(TensorTestBackend.Open(TensorTestBackend.OneWarp));
        }
    }
}

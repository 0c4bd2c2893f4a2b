using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;

namespace HipiFast.Tests.Relabeling;

public sealed class BackendChoiceTests
{
    [Fact]
    public void AForcedVariantIsTheOneThatComputesOrAnError()
    {
        using AgentNetworks agent = new(new TransitionShape(3, 2, 2), 8);
        agent.Initialize(1);
        foreach (KernelBackend backend in KernelRegistry.Default.Backends)
        {
            if (backend.IsSupported(out string reason))
            {
                using Relabeler relabeler = Make(backend.Name, PrecisionMode.Auto);
                Assert.Same(backend, relabeler.Backend);
                PrecisionMode other = backend.Precision == KernelPrecision.Fp32
                    ? PrecisionMode.Bf16
                    : PrecisionMode.Fp32;
                string message = Assert.Throws<ArgumentException>(() => Make(backend.Name, other)).Message;
                Assert.Contains($"'{backend.Name}'", message, StringComparison.Ordinal);
            }
            else
            {
                string message = Assert.Throws<NotSupportedException>(
                    () => Make(backend.Name, PrecisionMode.Auto)).Message;
                Assert.Contains(reason.TrimEnd('.'), message, StringComparison.Ordinal);
            }
        }

        Relabeler Make(string name, PrecisionMode precision) =>
            new(
                TaskFamilies.Goal([0, 1], 0.1f), agent,
                new RelabelOptions { Compute = new() { Backend = name, Precision = precision } });
    }

    [Fact]
    public void AutoComputesInFp32UnlessBf16IsAllowed()
    {
        using Relabeler relabeler = new(
            TaskFamilies.Goal([0, 1], 0.1f), null, new RelabelOptions { Strategy = RelabelStrategy.Random });
        Assert.Equal(KernelPrecision.Fp32, relabeler.Backend.Precision);
        Assert.Throws<ArgumentException>(
            () => new RelabelOptions { Compute = new() { Precision = (PrecisionMode)7 } }.Validate());
    }
}

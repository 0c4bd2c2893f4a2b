using System.Numerics;
using System.Runtime.Intrinsics;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.Tests.Backends;

/// <summary>
/// How a backend is chosen. The environment variable belongs to the process, so the tests that set it share one class
/// and run in turn.
/// </summary>
public sealed class KernelRegistryTests : IDisposable
{
    private readonly string? _environment = Environment.GetEnvironmentVariable(KernelRegistry.EnvironmentVariable);

    public KernelRegistryTests() => Environment.SetEnvironmentVariable(KernelRegistry.EnvironmentVariable, null);

    public void Dispose() => Environment.SetEnvironmentVariable(KernelRegistry.EnvironmentVariable, _environment);

    [Fact]
    public void AutoTakesTheHighestPriorityThatCanRun()
    {
        KernelRegistry registry = new();
        registry.Register(new Backend("slow"), 0);
        registry.Register(new Backend("absent", "no such device"), 20);
        registry.Register(new Backend("fast"), 10);
        Assert.Equal("fast", registry.Resolve().Name);
        Assert.Equal("fast", registry.Resolve(KernelRegistry.Auto).Name);
        Assert.Equal(["absent", "fast", "slow"], registry.Backends.Select(backend => backend.Name));
    }

    [Fact]
    public void ANameTakesThatBackend()
    {
        KernelRegistry registry = new();
        registry.Register(new Backend("slow"), 0);
        registry.Register(new Backend("fast"), 10);
        Assert.Equal("slow", registry.Resolve("slow").Name);
    }

    [Fact]
    public void AnUnknownNameIsAnErrorThatListsTheKnown()
    {
        KernelRegistry registry = new();
        registry.Register(new Backend("slow"), 0);
        registry.Register(new Backend("fast"), 10);
        string message = Assert.Throws<ArgumentException>(() => registry.Resolve("quick")).Message;
        Assert.Equal("Unknown backend 'quick'; expected auto, fast, slow.", message);
    }

    [Fact]
    public void ABackendThatCannotRunIsAnErrorAndNeverAnother()
    {
        KernelRegistry registry = new();
        registry.Register(new Backend("managed"), 0);
        registry.Register(new Backend("gpu", "No driver was found."), 10);
        string message = Assert.Throws<NotSupportedException>(() => registry.Resolve("gpu")).Message;
        Assert.Contains("'gpu' cannot run here", message, StringComparison.Ordinal);
        Assert.Contains("No driver was found.", message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFamilyStandsForItsFastestThatCanRun()
    {
        KernelRegistry registry = new();
        registry.Register(new Backend("vector-wide", "No such vectors.", "vector"), 20);
        registry.Register(new Backend("vector-middle", null, "vector"), 10);
        registry.Register(new Backend("vector-narrow", null, "vector"), 0);
        registry.Register(new Backend("device-a", "No driver was found.", "device"), 30);
        registry.Register(new Backend("device-b", "The device is busy.", "device"), 25);
        Assert.Equal("vector-middle", registry.Resolve("vector").Name);
        Assert.Equal("vector-narrow", registry.Resolve("vector-narrow").Name);
        Assert.Throws<NotSupportedException>(() => registry.Resolve("vector-wide"));
        Assert.Equal(
            "Backend 'device' cannot run here: device-a: No driver was found.; device-b: The device is busy.",
            Assert.Throws<NotSupportedException>(() => registry.Resolve("device")).Message);
        Assert.Equal(
            "Unknown backend 'wide'; expected auto, device, vector, device-a, device-b, vector-wide, vector-middle, "
            + "vector-narrow.",
            Assert.Throws<ArgumentException>(() => registry.Resolve("wide")).Message);
    }

    [Theory]
    [InlineData("auto", PrecisionMode.Auto, "fp32-quick")]
    [InlineData("auto", PrecisionMode.Fp32, "fp32-quick")]
    [InlineData("auto", PrecisionMode.Bf16, "bf16-quick")]
    [InlineData("bf16", PrecisionMode.Auto, "bf16-quick")]
    [InlineData("bf16", PrecisionMode.Bf16, "bf16-quick")]
    [InlineData("bf16-slow", PrecisionMode.Auto, "bf16-slow")]
    [InlineData("fp32-slow", PrecisionMode.Fp32, "fp32-slow")]
    [InlineData("mixed", PrecisionMode.Auto, "mixed-bf16")]
    [InlineData("mixed", PrecisionMode.Fp32, "mixed-fp32")]
    [InlineData("mixed", PrecisionMode.Bf16, "mixed-bf16")]
    public void PrecisionIsFp32UnlessAskedForOrNamed(string name, PrecisionMode precision, string expected)
    {
        KernelRegistry registry = TwoPrecisions();
        Assert.Equal(expected, registry.Resolve(name, precision).Name);

        // What the environment names counts as named.
        Environment.SetEnvironmentVariable(KernelRegistry.EnvironmentVariable, name);
        Assert.Equal(expected, registry.Resolve(KernelRegistry.Auto, precision).Name);
    }

    [Theory]
    [InlineData(
        "bf16-slow", PrecisionMode.Fp32, "Precision fp32 was asked for, but backend 'bf16-slow' computes in bf16.")]
    [InlineData("bf16", PrecisionMode.Fp32, "Precision fp32 was asked for, but backend 'bf16' computes in bf16.")]
    [InlineData(
        "fp32-quick", PrecisionMode.Bf16, "Precision bf16 was asked for, but backend 'fp32-quick' computes in fp32.")]
    public void ABackendOfTheOtherPrecisionIsAnError(string name, PrecisionMode precision, string message)
    {
        KernelRegistry registry = TwoPrecisions();
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => registry.Resolve(name, precision)).Message);
        Environment.SetEnvironmentVariable(KernelRegistry.EnvironmentVariable, name);
        Assert.Equal(
            message.Replace($"'{name}'", $"'{name}' (from HIPIFAST_BACKEND)", StringComparison.Ordinal),
            Assert.Throws<ArgumentException>(() => registry.Resolve(KernelRegistry.Auto, precision)).Message);
    }

    [Fact]
    public void APrecisionThatNothingHereHasSaysWhy()
    {
        KernelRegistry registry = new();
        registry.Register(new Backend("plain"), 0);
        Assert.Equal(
            "Precision bf16 was asked for, in which no backend that is installed computes.",
            Assert.Throws<NotSupportedException>(
                () => registry.Resolve(KernelRegistry.Auto, PrecisionMode.Bf16)).Message);
        registry.Register(new Backend("half", "The library is missing.", "half", KernelPrecision.Bf16), 10);
        Assert.Equal(
            "No bf16 backend can run here: half: The library is missing.",
            Assert.Throws<NotSupportedException>(
                () => registry.Resolve(KernelRegistry.Auto, PrecisionMode.Bf16)).Message);
        Assert.Equal("plain", registry.Resolve().Name);
    }

    [Fact]
    public void TheEnvironmentForcesWhereAutoWasAsked()
    {
        KernelRegistry registry = new();
        registry.Register(new Backend("slow"), 0);
        registry.Register(new Backend("fast"), 10);
        registry.Register(new Backend("gpu", "No driver was found."), 20);
        Environment.SetEnvironmentVariable(KernelRegistry.EnvironmentVariable, "slow");
        Assert.Equal("slow", registry.Resolve().Name);
        Assert.Equal("fast", registry.Resolve("fast").Name);
        Environment.SetEnvironmentVariable(KernelRegistry.EnvironmentVariable, KernelRegistry.Auto);
        Assert.Equal("fast", registry.Resolve().Name);
        Environment.SetEnvironmentVariable(KernelRegistry.EnvironmentVariable, "gpu");
        Assert.Contains("No driver was found.", Assert.Throws<NotSupportedException>(
            () => registry.Resolve()).Message, StringComparison.Ordinal);
        Environment.SetEnvironmentVariable(KernelRegistry.EnvironmentVariable, "quick");
        string message = Assert.Throws<ArgumentException>(() => registry.Resolve()).Message;
        Assert.Contains("'quick' (from HIPIFAST_BACKEND)", message, StringComparison.Ordinal);
    }

    [Fact]
    public void NamesAreTakenOnce()
    {
        KernelRegistry registry = new();
        registry.Register(new Backend("one"), 0);
        Assert.Contains("'one'", Assert.Throws<ArgumentException>(
            () => registry.Register(new Backend("one"), 5)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => registry.Register(new Backend(KernelRegistry.Auto), 5));
        Assert.Single(registry.Backends);
    }

    [Fact]
    public void TheProcessHasTheManagedBackend()
    {
        KernelBackend managed = KernelRegistry.Default.Resolve("managed");
        Assert.IsType<ManagedBackend>(managed);
        Assert.True(managed.IsSupported(out string reason));
        Assert.Empty(reason);
        Assert.Contains("-bit vectors", managed.Description, StringComparison.Ordinal);
        using ComputeSession session = managed.CreateSession(default);
        Assert.Same(managed, session.Backend);
        Assert.NotNull(session.SoftQ);
        Assert.NotNull(session.LogPartition);
        Assert.NotNull(session.TaskSampling);
        Assert.NotNull(session.Dense);
    }

    [Fact]
    public void EverySessionComputesWithTheVectorsOfItsBackend()
    {
        foreach ((string name, Type dense) in ((string, Type)[])
        [
            ("managed-512", typeof(ManagedDense<Simd512, Vector512<float>>)),
            ("managed-256", typeof(ManagedDense<Simd256, Vector256<float>>)),
            ("managed-portable", typeof(ManagedDense<SimdPortable, Vector<float>>)),
        ])
        {
            KernelBackend backend = KernelRegistry.Default.Backends.Single(candidate => candidate.Name == name);
            Assert.Equal(("managed", KernelPrecision.Fp32), (backend.Family, backend.Precision));
            if (backend.IsSupported(out string reason))
            {
                using ComputeSession session = KernelRegistry.Default.Resolve(name).CreateSession(default);
                Assert.Same(backend, session.Backend);
                Assert.IsType(dense, session.Dense);
            }
            else
            {
                Assert.EndsWith(reason, Assert.Throws<NotSupportedException>(
                    () => backend.CreateSession(default)).Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void ADeviceChoosesAmongBackends()
    {
        KernelRegistry registry = new();
        registry.Register(new Backend("absent", "no driver") { DeviceIds = ["gpu:9"] }, 40);
        registry.Register(new Backend("gpus") { DeviceIds = ["gpu:0", "gpu:1"] }, 30);
        registry.Register(new Backend("processor"), 10);
        registry.Register(new Backend("simulator") { DeviceIds = ["cpu", "gpu:1"] }, 0);
        Assert.Equal("gpus", registry.Resolve().Name);
        Assert.Equal("gpus", registry.Resolve(device: "auto").Name);
        Assert.Equal("gpus", registry.Resolve(device: "GPU:1").Name);
        Assert.Equal("processor", registry.Resolve(device: "cpu").Name);
        Assert.Equal("simulator", registry.Resolve("simulator", device: "cpu").Name);
        Assert.Equal("simulator", registry.Resolve("simulator", device: string.Empty).Name);
        Assert.Equal(
            "No backend that can run here has a device 'gpu:9'; there are gpu:0 (gpus: gpu:0's name), gpu:1 (gpus: "
            + "gpu:1's name), cpu (processor), "
            + "cpu (simulator: cpu's name), gpu:1 (simulator: gpu:1's name).",
            Assert.Throws<ArgumentException>(() => registry.Resolve(device: "gpu:9")).Message);
        Assert.Equal(
            "Backend 'gpus' has no device 'cpu'; there are gpu:0 (gpus: gpu:0's name), gpu:1 (gpus: gpu:1's name).",
            Assert.Throws<ArgumentException>(() => registry.Resolve("gpus", device: "cpu")).Message);
        Assert.Equal(
            "Backend 'absent' cannot run here: no driver.",
            Assert.Throws<NotSupportedException>(() => registry.Resolve("absent", device: "gpu:9")).Message);
    }

    [Fact]
    public void BackendsOfTheProcessorHaveNoOtherDevice()
    {
        KernelBackend managed = KernelRegistry.Default.Resolve(ManagedBackend.FamilyName);
        using (managed.CreateSession(new SessionOptions(1, "cpu")))
        {
            Assert.Equal(
                $"Backend '{managed.Name}' runs on the processor ('cpu'); it has no device 'cuda:0'.",
                Assert.Throws<ArgumentException>(() => managed.CreateSession(new SessionOptions(1, "cuda:0"))).Message);
        }
    }

    private static KernelRegistry TwoPrecisions()
    {
        KernelRegistry registry = new();
        registry.Register(new Backend("bf16-quick", null, "bf16", KernelPrecision.Bf16), 40);
        registry.Register(new Backend("fp32-quick", null, "fp32"), 30);
        registry.Register(new Backend("bf16-slow", null, "bf16", KernelPrecision.Bf16), 20);
        registry.Register(new Backend("fp32-slow", null, "fp32"), 10);
        registry.Register(new Backend("mixed-bf16", null, "mixed", KernelPrecision.Bf16), 5);
        registry.Register(new Backend("mixed-fp32", null, "mixed"), 4);
        return registry;
    }

    private sealed class Backend(
        string name, string? reasonAgainst = null, string? family = null,
        KernelPrecision precision = KernelPrecision.Fp32)
        : KernelBackend
    {
        public override string Name => name;

        public override string Family => family ?? name;

        public override KernelPrecision Precision => precision;

        public override string Description => "for tests";

        public string[] DeviceIds { get; init; } = [];

        public override IReadOnlyList<DeviceInfo> Devices =>
            [.. DeviceIds.Select(id => new DeviceInfo(id, id + "'s name", 0, 0, 1, 1, 1, 0))];

        public override bool IsSupported(out string reason)
        {
            reason = reasonAgainst ?? string.Empty;
            return reasonAgainst is null;
        }

        public override ComputeSession CreateSession(SessionOptions options) => throw new NotSupportedException();
    }
}

using HipiFast.Kernels.Backends;

namespace HipiFast.Kernels.Tests.Backends;

/// <summary>
/// How a backend is chosen. The environment variable belongs to the process, so the tests that set it share one class and run in turn.
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
        Assert.Contains("No driver was found.", Assert.Throws<NotSupportedException>(() => registry.Resolve()).Message, StringComparison.Ordinal);
        Environment.SetEnvironmentVariable(KernelRegistry.EnvironmentVariable, "quick");
        string message = Assert.Throws<ArgumentException>(() => registry.Resolve()).Message;
        Assert.Contains("'quick' (from HIPIFAST_BACKEND)", message, StringComparison.Ordinal);
    }

    [Fact]
    public void NamesAreTakenOnce()
    {
        KernelRegistry registry = new();
        registry.Register(new Backend("one"), 0);
        Assert.Contains("'one'", Assert.Throws<ArgumentException>(() => registry.Register(new Backend("one"), 5)).Message, StringComparison.Ordinal);
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

    private sealed class Backend(string name, string? reasonAgainst = null) : KernelBackend
    {
        public override string Name => name;

        public override string Description => "for tests";

        public override bool IsSupported(out string reason)
        {
            reason = reasonAgainst ?? string.Empty;
            return reasonAgainst is null;
        }

        public override ComputeSession CreateSession(SessionOptions options) => throw new NotSupportedException();
    }
}

using HipiFast.Kernels.Backends;

namespace HipiFast.Kernels.Devices.Tests;

public sealed class DeviceBackendTests
{
    [Fact]
    public void BackendsOfTheProcessorOpenNoDevice()
    {
        KernelBackend managed = KernelRegistry.Default.Resolve(ManagedBackend.FamilyName);
        Assert.Equal(
            $"Backend '{managed.Name}' runs on the processor and opens no device.",
            Assert.Throws<NotSupportedException>(() => DeviceBackend.Of(managed)).Message);
        using ComputeSession session = managed.CreateSession(new SessionOptions(1));
        Assert.Null(session.Runtime);
        Assert.Null(session.Transitions);
    }
}

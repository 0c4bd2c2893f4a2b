using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;

namespace HipiFast.Kernels.Ilgpu.Tests.Runtime;

/// <summary>The backend among the others, and its devices.</summary>
public sealed class BackendTests
{
    private static readonly IlgpuBackend s_backend = new();

    [Fact]
    public void RegisteringBringsTheBackendAndTheCompiler()
    {
        Registration.Register();
        Assert.Equal(IlgpuBackend.BackendName, KernelRegistry.Default.Resolve(IlgpuBackend.BackendName).Name);
        Assert.IsType<PtxCompiler>(IPtxCompiler.Current);
        Assert.Throws<ArgumentException>(Registration.Register);
        if (!IlgpuBackend.HasGpu)
        {
            Assert.NotEqual(IlgpuBackend.BackendName, KernelRegistry.Default.Resolve().Name);
        }
    }

    [Fact]
    public void TheCpuAcceleratorIsTheLastDevice()
    {
        Assert.Equal(DeviceInfo.Cpu, s_backend.Devices[^1].Id);
        Assert.True(s_backend.IsSupported(out string reason), reason);
        Assert.Equal(s_backend.Devices.Count, s_backend.Devices.Select(device => device.Id).Distinct().Count());
    }

    [Fact]
    public void AnAbsentDeviceIsOneSentence()
    {
        ArgumentException refusal = Assert.Throws<ArgumentException>(() => s_backend.CreateSession(new SessionOptions(1, "cuda:7")));
        Assert.StartsWith("Backend 'ilgpu' has no device 'cuda:7'; it has ", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnUnknownKernelAndAWrongNumberOfParametersAreRefused()
    {
        using DeviceRuntime runtime = s_backend.CreateRuntime(DeviceInfo.Cpu);
        Assert.Throws<ArgumentException>(() => runtime.Load("no such kernel"));
        DeviceKernel kernel = runtime.Load(DeviceKernelNames.LogPartitionFinish);
        Assert.Same(kernel, runtime.Load(DeviceKernelNames.LogPartitionFinish));
        using LaunchArguments arguments = new();
        arguments.Add(default(DeviceView));
        ArgumentException refusal = Assert.Throws<ArgumentException>(() => runtime.Launch(kernel, new LaunchShape(new(1), new(1)), arguments));
        Assert.Contains("has 3 parameters; found 1", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void MemoryIsCopiedClearedAndTimed()
    {
        using DeviceRuntime runtime = s_backend.CreateRuntime(DeviceInfo.Cpu);
        using DeviceBuffer buffer = runtime.Allocate(64), other = runtime.Allocate(64);
        using PinnedBuffer pinned = runtime.AllocatePinned(64);
        float[] values = [1, 2, 3, 4], found = new float[4];
        runtime.Upload<float>(values, buffer.View<float>(16, 4));
        runtime.Copy(buffer.View<float>(16, 4), other.View<float>(0, 4), 16);
        runtime.Clear(other.View<float>(4, 1));
        runtime.Download<float>(other.View<float>(0, 4), found);
        Assert.Equal([1, 0, 3, 4], found);
        runtime.DownloadAsync(buffer.View<float>(16, 4), pinned, 8, 16);
        runtime.Synchronize();
        Assert.Equal(values, pinned.Span<float>(8, 4).ToArray());
        runtime.UploadAsync(pinned, 12, other.View<float>(0, 4), 8);
        runtime.Download<float>(other.View<float>(0, 4), found);
        Assert.Equal([2, 3, 3, 4], found);
        using DeviceEvent first = runtime.CreateEvent(), second = runtime.CreateEvent();
        runtime.Record(first);
        runtime.Record(second);
        Assert.True(runtime.Elapsed(first, second) >= TimeSpan.Zero);
        Assert.False(runtime.CanCapture);
    }
}

using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;

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
        DeviceBackend compiler = DeviceBackend.Of(KernelRegistry.Default.Resolve(IlgpuBackend.BackendName));
        Assert.Contains(
            ".entry", compiler.CompilePtx(DeviceKernelNames.ReplaySample, null, 80)!.Text, StringComparison.Ordinal);
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
        ArgumentException refusal = Assert.Throws<ArgumentException>(
            () => s_backend.CreateSession(new SessionOptions(1, "cuda:7")));
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
        ArgumentException refusal = Assert.Throws<ArgumentException>(
            () => runtime.Launch(kernel, new LaunchShape(new(1), new(1)), arguments));
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
        using DeviceEvent first = runtime.CreateEvent(isTimed: true), second = runtime.CreateEvent(isTimed: true);
        runtime.Record(first);
        runtime.Record(second);
        Assert.True(runtime.Elapsed(first, second) >= TimeSpan.Zero);
        using DeviceEvent plain = runtime.CreateEvent(), later = runtime.CreateEvent(isTimed: true);
        runtime.Record(plain);
        Assert.Throws<ArgumentException>(() => runtime.Elapsed(first, plain));
        Assert.Throws<ArgumentException>(() => runtime.Elapsed(first, later));
        Assert.False(runtime.CanCapture);
    }

    [Fact]
    public unsafe void MemoryOfTheProcessIsUsedWhereItLies()
    {
        using DeviceRuntime runtime = s_backend.CreateRuntime(DeviceInfo.Cpu);
        using NativeBuffer<float> memory = new(8);
        memory.Span.Fill(1f);
        ulong address = (ulong)memory.Pointer;
        Assert.True(runtime.CanShare);
        using (DeviceBuffer own = runtime.Allocate(32), shared = runtime.Share(address, 32))
        {
            Assert.Equal((address, 32L), (shared.Address, shared.Bytes));
            runtime.Upload<float>([2, 3], own.View<float>(0, 2));
            runtime.Copy(own.View<float>(0, 2), shared.View<float>(8, 2), 8);
            using DeviceStream stream = runtime.ShareStream(0);
            runtime.Clear(shared.View<float>(28, 1), stream);
            runtime.Synchronize(stream);
        }

        // The memory outlives the buffer that showed it.
        Assert.Equal([1, 1, 2, 3, 1, 1, 1, 0], memory.Span.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => runtime.Share(0, 32));
        Assert.Throws<ArgumentOutOfRangeException>(() => runtime.Share(address, 0));
    }
}

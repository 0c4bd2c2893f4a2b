using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Cuda.Tests;

/// <summary>Everything that is taken is given back, once.</summary>
[Collection(FakeDriverGroup.Name)]
public sealed class LifeCycleTests
{
    [FakeDriverFact]
    public void DisposingGivesEverythingBackOnce()
    {
        FakeDriver fake = new();
        CudaRuntime runtime = fake.Open();
        DeviceBuffer buffer = runtime.Allocate(64), forgotten = runtime.Allocate(32);
        PinnedBuffer pinned = runtime.AllocatePinned(64);
        DeviceStream stream = runtime.CreateStream();
        DeviceEvent mark = runtime.CreateEvent();
        runtime.Load(PtxFixture.Scale);
        runtime.Load("twice");
        runtime.Load(PtxFixture.Reduce);
        runtime.Upload<int>([1, 2], buffer.View<int>());
        runtime.BeginCapture();
        DeviceGraph graph = runtime.EndCapture();

        // Kernels of one file share a module.
        Assert.Equal(2, fake.Live("module"));
        Assert.Equal(1, fake.Retained);
        buffer.Dispose();
        buffer.Dispose();
        Assert.Equal(1, fake.Live("buffer"));
        runtime.Dispose();
        runtime.Dispose();
        fake.AssertNothingIsLeft();
        Assert.Single(fake.Calls("cuDevicePrimaryCtxRelease_v2"));

        // Late, but harmless.
        foreach (IDisposable late in (IDisposable[])[forgotten, pinned, stream, mark, graph])
        {
            late.Dispose();
            late.Dispose();
        }

        fake.AssertNothingIsLeft();
    }

    [FakeDriverFact]
    public void NothingWorksAfterDispose()
    {
        FakeDriver fake = new();
        CudaRuntime runtime = fake.Open();
        DeviceBuffer buffer = runtime.Allocate(64);
        DeviceKernel kernel = runtime.Load("twice");
        DeviceEvent mark = runtime.CreateEvent();
        using LaunchArguments arguments = new();
        arguments.Add(default(DeviceView)).Add(1);
        DeviceView view = buffer.View<int>();
        runtime.Dispose();
        LaunchShape shape = new(new DeviceExtent(1), new DeviceExtent(1));
        Action[] uses =
        [
            () => runtime.Allocate(1), () => runtime.AllocatePinned(1), () => runtime.CreateStream(),
            () => runtime.CreateEvent(), () => runtime.Load("twice"),
            () => runtime.Launch(kernel, shape, arguments), () => runtime.Upload<int>([1], view),
            () => runtime.Download(view, new int[1].AsSpan()),
            () => runtime.Clear(view), () => runtime.Copy(view, view, 4), () => runtime.Record(mark),
            () => runtime.Synchronize(),
            () => runtime.BeginCapture(), () => _ = runtime.FreeMemoryBytes, () => runtime.Share(16, 16),
            () => runtime.ShareStream(0),
        ];
        foreach (Action use in uses)
        {
            Assert.Throws<ObjectDisposedException>(use);
        }

        fake.AssertNothingIsLeft();
    }

    [FakeDriverFact]
    public void DisposedPartsAreRefused()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        DeviceBuffer buffer = runtime.Allocate(64);
        DeviceView view = buffer.View<int>();
        PinnedBuffer pinned = runtime.AllocatePinned(64);
        DeviceStream stream = runtime.CreateStream();
        DeviceEvent mark = runtime.CreateEvent();
        buffer.Dispose();
        pinned.Dispose();
        stream.Dispose();
        mark.Dispose();
        Assert.Throws<ObjectDisposedException>(() => runtime.Clear(view));
        Assert.Throws<ObjectDisposedException>(() => runtime.Synchronize(stream));
        Assert.Throws<ObjectDisposedException>(() => runtime.Record(mark));
        Assert.Throws<ObjectDisposedException>(() => pinned.Span<int>(0, 1));
        using DeviceBuffer other = runtime.Allocate(64);
        Assert.Throws<ObjectDisposedException>(() => runtime.UploadAsync(pinned, 0, other.View<int>(), 4));
        using LaunchArguments arguments = new();
        Assert.Throws<ObjectDisposedException>(
            () => runtime.Launch(
                runtime.Load("twice"), new LaunchShape(new DeviceExtent(1), new DeviceExtent(1)),
                arguments.Add(view).Add(1)));
    }

    [FakeDriverFact]
    public void TwoRuntimesShareThePrimaryContext()
    {
        FakeDriver fake = new();
        CudaRuntime first = fake.Open(), second = fake.Open();
        Assert.Equal(2, fake.Retained);
        Assert.Equal(1, fake.Live("context"));
        first.Dispose();
        using (second.Allocate(16))
        {
            Assert.Equal(1, fake.Retained);
        }

        second.Dispose();
        fake.AssertNothingIsLeft();
    }

    [FakeDriverFact]
    public void AnyThreadMayWork()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        Exception? failure = null;
        Thread thread = new(() => failure = Record.Exception(() => runtime.Allocate(16).Dispose()));
        thread.Start();
        thread.Join();
        Assert.Null(failure);
        Assert.Equal(0, fake.Depth);
    }

    [FakeDriverFact]
    public void AFailureHalfWayThroughOpeningGivesTheContextBack()
    {
        FakeDriver fake = new();
        fake.Fail("cuStreamCreate", 2);
        Assert.Throws<DeviceException>(() => fake.Open());
        fake.AssertNothingIsLeft();
    }

    [FakeDriverFact]
    public void AFailedKernelDoesNotKeepTheContext()
    {
        FakeDriver fake = new();
        CudaRuntime runtime = fake.Open();
        runtime.Allocate(16);
        fake.Fail("cuCtxSynchronize", 719);
        runtime.Dispose();
        Assert.Equal(0, fake.Retained);
    }
}

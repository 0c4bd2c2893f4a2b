using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Cuda.Tests;

/// <summary>Recording and replaying.</summary>
[Collection(FakeDriverGroup.Name)]
public sealed class GraphTests
{
    [FakeDriverFact]
    public void AGraphHoldsWhatWasQueuedInOrderAndRunsAnew()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using DeviceBuffer buffer = runtime.Allocate(64), result = runtime.Allocate(64);
        using PinnedBuffer pinned = runtime.AllocatePinned(128);
        using LaunchArguments arguments = new();
        DeviceKernel kernel = runtime.Load("twice");
        fake.ClearLog();

        runtime.BeginCapture();
        runtime.UploadAsync(pinned, 0, buffer.View<int>(), 64);
        runtime.Launch(kernel, new LaunchShape(
            new DeviceExtent(2), new DeviceExtent(32)), arguments.Add(buffer.View<int>()).Add(5));
        runtime.Copy(buffer.View<int>(), result.View<int>(), 64);
        runtime.DownloadAsync(result.View<int>(), pinned, 64, 64);
        using DeviceGraph graph = runtime.EndCapture();

        // The recorded copies have not run, and the arguments may be used for something else.
        arguments.Clear().Add(9);
        Assert.Equal(0, pinned.Span<int>(64, 16)[0]);
        string[] recorded = [.. fake.Calls("captured").Select(call => call["captured ".Length..])];
        Assert.Equal(4, recorded.Length);
        Assert.StartsWith("cuMemcpyHtoDAsync_v2", recorded[0]);
        Assert.StartsWith("cuLaunchKernel Kernel_Scale_Twice grid 2 1 1", recorded[1]);
        Assert.EndsWith("05000000", recorded[1]);
        Assert.StartsWith("cuMemcpyDtoDAsync_v2", recorded[2]);
        Assert.StartsWith("cuMemcpyDtoHAsync_v2", recorded[3]);
        Assert.Equal(
            [
                "cuStreamBeginCapture_v2 stream1 mode 1", "cuStreamEndCapture graph1 nodes 4",
                "cuGraphInstantiateWithFlags executable1 graph1", "cuGraphDestroy graph1",
            ],
            fake.Calls("cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraph"));

        for (int call = 1; call <= 3; call++)
        {
            fake.ClearLog();
            pinned.Span<int>(0, 16).Fill(call);
            runtime.Replay(graph);
            runtime.Synchronize();
            Assert.Equal(call, pinned.Span<int>(64, 16)[15]);
            Assert.Equal("cuGraphLaunch executable1 stream1", fake.Log[0]);
            Assert.Equal(recorded, fake.Calls("replayed").Select(line => line["replayed ".Length..]));
        }
    }

    [FakeDriverFact]
    public void WhatCannotBeRecordedIsRefused()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using DeviceBuffer buffer = runtime.Allocate(64);
        runtime.BeginCapture();
        Assert.Equal(
            "Only pinned buffers may be copied from and to while a graph is recorded.",
            Assert.Throws<InvalidOperationException>(() => runtime.Upload<int>([1], buffer.View<int>())).Message);
        Assert.Throws<InvalidOperationException>(() => runtime.BeginCapture());
        Assert.Equal(
            "CUDA could not finish the work of a stream: the operation cannot be recorded in a graph (error 900).",
            Assert.Throws<DeviceException>(() => runtime.Synchronize()).Message);
        Assert.Equal(
            "CUDA could not end the recording of a graph: an operation in between broke the recording of a graph "
            + "(error 901).",
            Assert.Throws<DeviceException>(() => runtime.EndCapture()).Message);

        // The stream works as before.
        runtime.Upload<int>([1], buffer.View<int>());
        Assert.Throws<InvalidOperationException>(() => runtime.EndCapture());
    }

    [FakeDriverFact]
    public void AFailedInstantiationLeavesNoGraph()
    {
        FakeDriver fake = new();
        using (CudaRuntime runtime = fake.Open())
        {
            runtime.BeginCapture();
            fake.Fail("cuGraphInstantiateWithFlags", 2);
            Assert.Throws<DeviceException>(() => runtime.EndCapture());
            Assert.Equal((0, 0), (fake.Live("graph"), fake.Live("executable")));

            // A recording that nobody ended goes with the runtime.
            runtime.BeginCapture();
        }

        fake.AssertNothingIsLeft();
    }
}

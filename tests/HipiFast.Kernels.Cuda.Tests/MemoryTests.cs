using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Cuda.Tests;

/// <summary>Device and pinned memory, copies, events.</summary>
[Collection(FakeDriverGroup.Name)]
public sealed class MemoryTests
{
    // Below, at and above the blocks of 4 MiB through which ordinary memory goes, and not a multiple of them.
    [FakeDriverTheory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(1 << 20)]
    [InlineData((1 << 20) + 1)]
    [InlineData((3 << 20) + 77)]
    public void WhatGoesUpComesDown(int floats)
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using DeviceBuffer buffer = runtime.Allocate(
            (floats + 4L) * sizeof(float)), copy = runtime.Allocate((floats + 4L) * sizeof(float));
        float[] sent = [.. Enumerable.Range(0, floats).Select(i => i * 0.25f)], received = new float[floats];
        runtime.Upload<float>(sent, buffer.View<float>(16, floats));
        runtime.Copy(buffer.View<float>(16, floats), copy.View<float>(8, floats), floats * 4L);
        runtime.Download(copy.View<float>(8, floats), received.AsSpan());
        Assert.Equal(sent, received);
    }

    [FakeDriverFact]
    public void PinnedMemoryIsCopiedFromAndToWithoutABlockBetween()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using DeviceBuffer buffer = runtime.Allocate(256);
        using PinnedBuffer pinned = runtime.AllocatePinned(512);
        using DeviceStream stream = runtime.CreateStream();
        Assert.True(pinned.Span<byte>(0, 512).IndexOfAnyExcept((byte)0) < 0, "Pinned memory was not cleared.");
        pinned.Span<int>(64, 8).Fill(11);
        runtime.UploadAsync(pinned, 64, buffer.View<int>(32, 8), 32, stream);
        runtime.DownloadAsync(buffer.View<int>(32, 8), pinned, 256, 32, stream);
        runtime.Synchronize(stream);
        Assert.Equal(Enumerable.Repeat(11, 8), pinned.Span<int>(256, 8).ToArray());
        Assert.Equal(
            [
                "cuMemcpyHtoDAsync_v2 buffer1+32 host1+64 32 stream2",
                "cuMemcpyDtoHAsync_v2 host1+256 buffer1+32 32 stream2",
                "cuStreamSynchronize stream2",
            ],
            fake.Calls("cuMemcpy", "cuStreamSynchronize"));
    }

    [FakeDriverFact]
    public void ClearSetsOnlyTheView()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using DeviceBuffer buffer = runtime.Allocate(16);
        byte[] bytes = [.. Enumerable.Repeat((byte)1, 16)];
        runtime.Upload<byte>(bytes, buffer.View<byte>());
        runtime.Clear(buffer.View<int>(4, 2));
        runtime.Download(buffer.View<byte>(), bytes.AsSpan());
        Assert.Equal("01010101000000000000000001010101", Convert.ToHexString(bytes));
    }

    [FakeDriverFact]
    public void TooLittleMemorySaysWhatWasNeededAndWhatIsFree()
    {
        FakeDriver fake = new() { MemoryBytes = 8 << 20 };
        using CudaRuntime runtime = fake.Open();
        using DeviceBuffer buffer = runtime.Allocate(3 << 20);
        Assert.Equal(5 << 20, runtime.FreeMemoryBytes);
        DeviceOutOfMemoryException error = Assert.Throws<DeviceOutOfMemoryException>(() => runtime.Allocate(6 << 20));
        Assert.Equal("Out of memory on device cuda:0: 6.0 MiB needed, 5.0 MiB free.", error.Message);
        Assert.Equal((6 << 20, 5 << 20), (error.NeededBytes, error.FreeBytes));
    }

    [FakeDriverFact]
    public void MemoryOfOthersIsUsedAndLeftAlone()
    {
        FakeDriver fake = new();
        using CudaRuntime owner = fake.Open(), guest = fake.Open();
        using DeviceBuffer buffer = owner.Allocate(64);
        DeviceBuffer shared = guest.Share(buffer.Address + 16, 32);
        guest.Upload<int>([1, 2, 3], shared.View<int>(0, 3));
        shared.Dispose();

        // The two runtimes have a stream each.
        guest.Synchronize();
        int[] received = new int[3];
        owner.Download(buffer.View<int>(16, 3), received.AsSpan());
        Assert.Equal([1, 2, 3], received);
        Assert.Empty(fake.Calls("cuMemFree_v2"));
    }

    [FakeDriverFact]
    public void EventsTimeAndOrderStreams()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using DeviceStream uploads = runtime.CreateStream();
        using DeviceEvent first = runtime.CreateEvent(isTimed: true), second = runtime.CreateEvent(isTimed: true);
        runtime.Record(first, uploads);
        runtime.Wait(first);
        runtime.Record(second);
        Assert.Equal(TimeSpan.FromMilliseconds(0.5), runtime.Elapsed(first, second));
        Assert.Equal(
            ["cuEventRecord event1 stream2", "cuStreamWaitEvent stream1 event1", "cuEventRecord event2 stream1"],
            fake.Calls("cuEventRecord", "cuStreamWaitEvent"));
    }

    [FakeDriverFact]
    public void EventsThatOnlyOrderStreamsAreNotTimed()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open(PtxCatalog.Embedded);
        using DeviceEvent timed = runtime.CreateEvent(isTimed: true), plain = runtime.CreateEvent();
        runtime.Record(timed);
        runtime.Record(plain);
        Assert.Equal(
            "Time passes between events that were made to be timed and have been recorded; found one that was not made "
            + "to be timed.",
            Assert.Throws<ArgumentException>(() => runtime.Elapsed(timed, plain)).Message);
        using DeviceEvent later = runtime.CreateEvent(isTimed: true);
        Assert.EndsWith(
            "found one that was not recorded.",
            Assert.Throws<ArgumentException>(() => runtime.Elapsed(timed, later)).Message, StringComparison.Ordinal);

        // All that the engine itself makes: of uploads, of the replay's own stream, of the hand-over to streams of
        // others.
        fake.ClearLog();
        using DeviceBuffer buffer = runtime.Allocate(1 << 10);
        runtime.Upload(new float[1 << 8], buffer.View<float>());
        using DeviceLauncher launcher = new(runtime);
        using DeviceReplay replay = SessionData.Ring(new DeviceTransitions(launcher), 100, transitions: 1);
        using ExternalStream stream = new(runtime, 1);
        string[] made = fake.Calls("cuEventCreate");
        Assert.True(made.Length >= 5, $"{made.Length} events were made.");
        Assert.All(made, line => Assert.EndsWith(" untimed", line));
    }

    [FakeDriverFact]
    public void RangesOutsideAreRefused()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using DeviceBuffer buffer = runtime.Allocate(64);
        using PinnedBuffer pinned = runtime.AllocatePinned(64);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.View<float>(0, 17));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.View<float>(2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.View<float>().Slice(10, 7));
        Assert.Throws<ArgumentOutOfRangeException>(() => runtime.Upload<float>(new float[17], buffer.View<float>()));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => runtime.Download(buffer.View<float>(), new float[17].AsSpan()));
        Assert.Throws<ArgumentOutOfRangeException>(() => runtime.UploadAsync(pinned, 32, buffer.View<float>(), 33));
        Assert.Throws<ArgumentOutOfRangeException>(() => runtime.DownloadAsync(buffer.View<float>(), pinned, 32, 33));
        Assert.Throws<ArgumentOutOfRangeException>(() => runtime.Allocate(0));
        Assert.Empty(fake.Calls("cuMemcpy"));
    }
}

using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Replay;

namespace HipiFast.Kernels.Cuda.Tests.Machine;

/// <summary>
/// Mistakes of those who queue work are caught: memory that is gone, calls that were forgotten, grids of the wrong
/// size.
/// </summary>
[Collection(FakeDriverGroup.Name)]
public sealed class LauncherFaultTests
{
    private const int Words = 64;
    private static readonly TransitionShape s_shape = new(1, 1, 1);

    // Every thread adds one to its word.
    private const string Increment =
        "ld.global.b32 %r1, [%own]; add.s32 %r1, %r1, 1; st.global.b32 [%own], %r1;";

    [FakeDriverTheory]
    [InlineData(2, "")]
    [InlineData(3, "out-of-bounds")]
    [InlineData(1, Outcome.WrongAnswer)]
    public void AGridOfTheWrongSizeIsCaught(int groups, string fault) => Assert.Equal(
        fault,
        Run(runtime =>
        {
            using DeviceBuffer buffer = Zeros(runtime);
            SmallKernel.Launch(runtime, buffer.View<int>(), groups);
            int[] found = new int[Words];
            runtime.Download(buffer.View<int>(), found.AsSpan());
            Assert.All(found, word => Assert.Equal(1, word));
        }));

    [FakeDriverTheory]
    [InlineData(false, "")]
    [InlineData(true, "freed-memory")]
    public void AGraphThatIsReplayedOnFreedMemoryIsCaught(bool isFreed, string fault) => Assert.Equal(
        fault,
        Run(runtime =>
        {
            DeviceBuffer buffer = Zeros(runtime);
            runtime.Load("small");
            runtime.BeginCapture();
            SmallKernel.Launch(runtime, buffer.View<int>(), 2);
            using DeviceGraph graph = runtime.EndCapture();
            if (isFreed)
            {
                buffer.Dispose();

                // As long as the one before: a driver may give it the same address, this one does not.
                buffer = Zeros(runtime);
            }

            runtime.Replay(graph);
            runtime.Synchronize();
        }));

    [FakeDriverTheory]
    [InlineData(false, "")]
    [InlineData(true, "freed-memory")]
    public void ACopyInAGraphOfFreedMemoryIsCaught(bool isFreed, string fault) => Assert.Equal(
        fault,
        Run(runtime =>
        {
            DeviceBuffer buffer = Zeros(runtime);
            using PinnedBuffer pinned = runtime.AllocatePinned(buffer.Bytes);
            runtime.BeginCapture();
            runtime.DownloadAsync(buffer.View<int>(), pinned, 0, buffer.Bytes);
            using DeviceGraph graph = runtime.EndCapture();
            if (isFreed)
            {
                buffer.Dispose();
            }

            runtime.Replay(graph);
            runtime.Synchronize();
        }));

    [FakeDriverTheory]
    [InlineData(true, "")]
    [InlineData(false, "global-never-written")]
    public void AStreamThatDoesNotWaitForAnotherIsCaught(bool waits, string fault) => Assert.Equal(
        fault,
        Run(runtime =>
        {
            using DeviceBuffer buffer = runtime.Allocate(Words * sizeof(int));
            using DeviceStream other = runtime.CreateStream();
            using DeviceEvent done = runtime.CreateEvent();
            runtime.Clear(buffer.View<int>(), other);
            runtime.Record(done, other);
            if (waits)
            {
                runtime.Wait(done);
            }

            SmallKernel.Launch(runtime, buffer.View<int>(), 2);
            runtime.Synchronize();
        }));

    [FakeDriverTheory]
    [InlineData(true, "")]
    [InlineData(false, Outcome.WrongAnswer)]
    public void MemoryThatIsWrittenWhileAnotherStreamReadsItIsCaught(bool waits, string fault) => Assert.Equal(
        fault,
        Run(runtime =>
        {
            using DeviceBuffer source = Zeros(runtime), copy = runtime.Allocate(source.Bytes);
            using DeviceStream other = runtime.CreateStream();
            using DeviceEvent done = runtime.CreateEvent();
            runtime.Synchronize();
            runtime.Copy(source.View<int>(), copy.View<int>(), source.Bytes);
            runtime.Record(done);
            if (waits)
            {
                runtime.Wait(done, other);
            }

            SmallKernel.Launch(runtime, source.View<int>(), 2, stream: other);
            int[] found = new int[Words];
            runtime.Download(copy.View<int>(), found.AsSpan());
            runtime.Synchronize(other);
            Assert.All(found, word => Assert.Equal(0, word));
        },
        othersFirst: true));

    [FakeDriverTheory]
    [InlineData(true, "")]
    [InlineData(false, Outcome.WrongAnswer)]
    public void PinnedMemoryThatIsReadBeforeItsCopyIsDoneIsCaught(bool waits, string fault) => Assert.Equal(
        fault,
        Run(runtime =>
        {
            using DeviceBuffer buffer = Zeros(runtime);
            using PinnedBuffer pinned = runtime.AllocatePinned(buffer.Bytes);
            runtime.DownloadAsync(buffer.View<int>(), pinned, 0, buffer.Bytes);
            if (waits)
            {
                runtime.Synchronize();
            }

            Assert.Equal(0, pinned.Span<int>(0, 1)[0]);
        }));

    [FakeDriverTheory]
    [InlineData(true, "")]
    [InlineData(false, Outcome.WrongAnswer)]
    public void PinnedMemoryThatIsFilledAgainBeforeItsCopyIsDoneIsCaught(bool waits, string fault) => Assert.Equal(
        fault,
        Run(runtime =>
        {
            using DeviceBuffer first = runtime.Allocate(4), second = runtime.Allocate(4);
            using PinnedBuffer pinned = runtime.AllocatePinned(4);
            pinned.Span<int>(0, 1)[0] = 1;
            runtime.UploadAsync(pinned, 0, first.View<int>(), 4);
            if (waits)
            {
                runtime.Synchronize();
            }

            pinned.Span<int>(0, 1)[0] = 2;
            runtime.UploadAsync(pinned, 0, second.View<int>(), 4);
            int[] found = new int[1];
            runtime.Download(first.View<int>(), found.AsSpan());
            Assert.Equal(1, found[0]);
        }));

    // The launcher itself, with one of its calls forgotten.
    [FakeDriverTheory]
    [InlineData("", "")]
    [InlineData("cuMemcpyHtoDAsync_v2", "global-never-written")]
    [InlineData("cuStreamSynchronize", Outcome.WrongAnswer)]
    [InlineData("cuLaunchKernel", Outcome.WrongAnswer)]
    [InlineData("cuGraphLaunch", Outcome.WrongAnswer)]
    public void ARelabelCallThatForgetsACallOfTheDriverIsCaught(string entryPoint, string fault)
    {
        string found = Outcome.OfRelabeling(
            PtxCatalog.Embedded, Backends.KernelPrecision.Fp32, forgotten: entryPoint);
        Assert.Equal(fault, found);
    }

    // Appends go up on a stream of their own, beside batches that are gathered on another.
    [FakeDriverTheory]
    [InlineData("", false, "")]
    [InlineData("", true, "")]
    [InlineData("cuStreamWaitEvent", false, "global-never-written")]
    [InlineData("cuStreamWaitEvent", true, Outcome.WrongAnswer)]
    [InlineData("cuEventRecord", false, "global-never-written")]
    [InlineData("cuEventSynchronize", false, Outcome.WrongAnswer)]
    public void AReplayThatForgetsACallOfTheDriverIsCaught(string entryPoint, bool othersFirst, string fault)
    {
        FakeDriver fake = MachineBackend.Start();
        fake.OthersFirst = othersFirst;
        fake.Skip(entryPoint);
        Assert.Equal(fault, Outcome.Of(fake, () =>
        {
            using CudaRuntime runtime = fake.Open(PtxCatalog.Embedded);
            using DeviceLauncher launcher = new(runtime);
            using DeviceReplay replay = SessionData.Ring(new DeviceTransitions(launcher), s_shape, capacity: 8);
            for (int lap = 0; lap < 9; lap++)
            {
                // Every batch comes of a ring that holds this lap's number alone.
                Append(replay, lap);
                DeviceBatch batch = replay.Sample(32, 1, (uint)lap);

                // What comes next overwrites the ring while the batch may still be being gathered.
                Append(replay, lap + 100f);
                float[] found = new float[32];
                runtime.Download(batch.Observation, found.AsSpan());
                Assert.All(found, value => Assert.Equal(lap, value));
            }
        }));
    }

    private static void Append(DeviceReplay replay, float number)
    {
        using TransitionBatch data = new(s_shape, 8) { Count = 8 };
        data.Observation.Fill(number);
        replay.Append(data.Stored, data.Count);
    }

    private static string Run(Action<CudaRuntime> work, bool othersFirst = false)
    {
        FakeDriver fake = new() { Executes = true, OthersFirst = othersFirst };
        return Outcome.Of(fake, () =>
        {
            using CudaRuntime runtime = fake.Open(SmallKernel.Catalog(Increment));
            work(runtime);
        });
    }

    private static DeviceBuffer Zeros(CudaRuntime runtime)
    {
        DeviceBuffer buffer = runtime.Allocate(Words * sizeof(int));
        runtime.Clear(buffer.View<int>());
        return buffer;
    }
}

using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Replay;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Ilgpu;
using HipiFast.Replay;
using HipiFast.Testing;
using static HipiFast.Lifetimes.Tests.Subjects.AllSubjects;

namespace HipiFast.Lifetimes.Tests.Subjects;

/// <summary>The device layer, on ILGPU's CPU accelerator.</summary>
internal static unsafe class DeviceSubjects
{
    private static readonly LaunchShape s_one = new(new DeviceExtent(1), new DeviceExtent(1));

    public static IReadOnlyList<Subject> All { get; } =
        [Runtime(), Buffer(), Pinned(), Stream(), Event(), Arguments(), Replay(), Batch()];

    private static DeviceRuntime NewRuntime(Needs needs) => needs.Add(new IlgpuBackend().CreateRuntime(DeviceInfo.Cpu));

    private static ComputeSession NewSession(Needs needs) =>
        needs.Add(new IlgpuBackend().CreateSession(new SessionOptions(1, DeviceInfo.Cpu)));

    private static Subject<DeviceRuntime> Runtime()
    {
        // What was made of the runtime, still there when it goes.
        DeviceBuffer buffer = null!;
        PinnedBuffer pinned = null!;
        DeviceEvent mark = null!;
        DeviceView view = default;
        LaunchArguments arguments = null!;
        DeviceKernel kernel = null!;
        return new Subject<DeviceRuntime>(needs =>
        {
            DeviceRuntime runtime = new IlgpuBackend().CreateRuntime(DeviceInfo.Cpu);
            buffer = runtime.Allocate(64);
            view = buffer.View<int>();
            pinned = runtime.AllocatePinned(64);
            mark = runtime.CreateEvent(isTimed: true);
            runtime.Record(mark);
            kernel = runtime.Load(DeviceKernelNames.ReplaySample);
            arguments = needs.Add(new LaunchArguments());
            return runtime;
        })
            .Reads("FreeMemoryBytes", runtime => _ = runtime.FreeMemoryBytes)
            .Reads("Allocate(Int64)", runtime => runtime.Allocate(16))
            .Reads("AllocatePinned(Int64)", runtime => runtime.AllocatePinned(16))
            .Reads("Share(UInt64, Int64)", runtime => runtime.Share(64, 16))
            .Reads("ShareStream(IntPtr)", runtime => runtime.ShareStream(0))
            .Reads("CreateStream()", runtime => runtime.CreateStream())
            .Reads("CreateEvent(Boolean)", runtime => runtime.CreateEvent())
            .Reads("Load(String, TaskFamily)", runtime => runtime.Load(DeviceKernelNames.ReplaySample))
            .Reads(
                "Launch(DeviceKernel, LaunchShape, LaunchArguments, DeviceStream)",
                runtime => runtime.Launch(kernel, s_one, arguments))
            .Reads("Upload(ReadOnlySpan, DeviceView, DeviceStream)", runtime => runtime.Upload<int>([1], view))
            .Reads(
                "UploadAsync(PinnedBuffer, Int64, DeviceView, Int64, DeviceStream)",
                runtime => runtime.UploadAsync(pinned, 0, view, 4))
            .Reads("Download(DeviceView, Span, DeviceStream)", runtime => runtime.Download(view, new int[1].AsSpan()))
            .Reads(
                "DownloadAsync(DeviceView, PinnedBuffer, Int64, Int64, DeviceStream)",
                runtime => runtime.DownloadAsync(view, pinned, 0, 4))
            .Reads("Copy(DeviceView, DeviceView, Int64, DeviceStream)", runtime => runtime.Copy(view, view, 4))
            .Reads("Clear(DeviceView, DeviceStream)", runtime => runtime.Clear(view))
            .Reads("Record(DeviceEvent, DeviceStream)", runtime => runtime.Record(mark))
            .Reads("Wait(DeviceEvent, DeviceStream)", runtime => runtime.Wait(mark))
            .Reads("Elapsed(DeviceEvent, DeviceEvent)", runtime => runtime.Elapsed(mark, mark))
            .Reads("Synchronize(DeviceStream)", runtime => runtime.Synchronize())
            .Reads("Synchronize(DeviceEvent)", runtime => runtime.Synchronize(mark))
            .Keeps(Fact, "Device", "MainStream", "CanCapture", "CanShare")
            .Keeps(
                "this runtime cannot record, whatever its state; the CUDA runtime's own tests have those that can",
                "BeginCapture(DeviceStream)", "EndCapture(DeviceStream)", "Replay(DeviceGraph, DeviceStream)");
    }

    private static Subject<DeviceBuffer> Buffer() => new Subject<DeviceBuffer>(needs => NewRuntime(needs).Allocate(64))
        .Reads("View(Int64, Int64)", buffer => buffer.View<int>(0, 1))
        .Reads("View()", buffer => buffer.View<int>())
        .Keeps(Fact, "Bytes")
        .Keeps("0, by which runtimes refuse views of it", "Address");

    private static Subject<PinnedBuffer> Pinned() =>
        new Subject<PinnedBuffer>(needs => NewRuntime(needs).AllocatePinned(64))
            .Reads("Span(Int64, Int32)", buffer => buffer.Span<int>(0, 1))
            .Keeps(Fact, "Bytes")
            .Keeps("null, by which runtimes refuse it", "Pointer");

    private static Subject<DeviceStream> Stream() => new(needs => NewRuntime(needs).CreateStream());

    private static Subject<DeviceEvent> Event() => new(needs => NewRuntime(needs).CreateEvent());

    private static Subject<LaunchArguments> Arguments() => new Subject<LaunchArguments>(_ => new LaunchArguments())
        .Reads("Clear()", arguments => arguments.Clear())
        .Reads("Add(DeviceView)", arguments => arguments.Add(default(DeviceView)))
        .Reads("Add(T)", arguments => arguments.Add(1))
        .Reads("IsView(Int32)", arguments => arguments.IsView(0))
        .Reads("View(Int32)", arguments => arguments.View(0))
        .Reads("Struct(Int32)", arguments => arguments.Struct<int>(0))
        .Reads("StructBytes(Int32)", arguments => arguments.StructBytes(0))
        .Keeps("0, which says that there is nothing left", "Count");

    private static Subject<ResidentReplay> Replay() => new Subject<ResidentReplay>(
        needs => new ResidentReplay(NewSession(needs).Transitions!, new ReplayBuffer(RelabelData.Shape, 8)))
        .Enters("Append(TransitionBatch, ReadOnlySpan)", replay =>
        {
            using TransitionBatch step = RelabelData.Batch(1);
            replay.Append(step, [(byte)0]);
        })
        .Enters("CreateBatch(Int32)", replay => replay.CreateBatch(4))
        .Enters("Sample(ITransitionBatch, Int32, UInt64, UInt32)", replay =>
        {
            using TransitionBatch batch = RelabelData.Batch(1);
            replay.Sample(batch, 1, 1, 1);
        })
        .Enters("SaveState(SafetensorsWriter, String)", replay => replay.SaveState(new(), string.Empty))
        .Enters("LoadState(SafetensorsFile, String)", replay => StorageSubjects.WithFile(
            file => replay.LoadState(file, string.Empty)))
        .Keeps("the buffer, which is disposed of with the replay and then throws itself", "Host");

    private static Subject<ResidentTransitionBatch> Batch() => new Subject<ResidentTransitionBatch>(needs =>
    {
        const int Rows = 2, Part = 256;
        ComputeSession session = NewSession(needs);
        DeviceBuffer memory = needs.Add(session.Runtime!.Allocate(7 * Part));
        return new ResidentTransitionBatch(session.Transitions!, RelabelData.Shape, new DeviceBatch(
            Column(0, 3), Column(1, 2), Column(2, 3), Column(3, 2), Column(4, 1), memory.View<int>(5 * Part, Rows),
            memory.View<long>(6 * Part, Rows)));

        DeviceView Column(int number, int width) => memory.View<float>(number * Part, Rows * width);
    })
        .Enters("ToHost()", batch => batch.ToHost())
        .Reads("Transitions", batch => _ = batch.Transitions)
        .Reads("MarkChanged()", batch => batch.MarkChanged())
        .Keeps(Fact, "Memory", "Shape")
        .Keeps("0, which says that there is nothing left", "Count");
}

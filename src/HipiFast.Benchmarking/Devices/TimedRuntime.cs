using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Benchmarking.Devices;

/// <summary>
/// A device whose launches and copies are timed one by one by the device's own events, while <see cref="IsTiming"/>;
/// else the device itself. It also decides whether work may be captured, so that graphs can be compared with plain
/// launches.
/// </summary>
internal sealed unsafe class TimedRuntime(DeviceRuntime inner) : DeviceRuntime
{
    /// <summary>What copies to the device are booked under.</summary>
    public const string Uploads = "upload";

    /// <summary>What copies from the device are booked under.</summary>
    public const string Downloads = "download";

    /// <summary>What copies within the device and clearing are booked under.</summary>
    public const string Copies = "copy";

    // A copy by a span is at most this long.
    private const int LongestSpan = 1 << 30;

    private readonly List<(string Name, DeviceEvent First, DeviceEvent Last)> _marks = [];
    private readonly Stack<DeviceEvent> _free = [];
    private readonly HashSet<DeviceKernel> _launched = [];

    /// <summary>Whether operations are timed, which keeps them from overlapping and from being captured.</summary>
    public bool IsTiming { get; set; }

    /// <summary>Whether <see cref="CanCapture"/> may say yes.</summary>
    public bool AllowsCapture { get; set; } = true;

    /// <summary>Every kernel launched so far.</summary>
    public IReadOnlyCollection<DeviceKernel> Kernels => _launched;

    public override DeviceInfo Device => inner.Device;

    public override long FreeMemoryBytes => inner.FreeMemoryBytes;

    public override DeviceStream MainStream => inner.MainStream;

    public override bool CanCapture => AllowsCapture && !IsTiming && inner.CanCapture;

    public override bool CanShare => inner.CanShare;

    /// <summary>What was timed since the last call, summed by name.</summary>
    /// <returns>Seconds by kernel, and by kind of copy.</returns>
    public Dictionary<string, double> Collect()
    {
        Dictionary<string, double> seconds = [];
        foreach ((string name, DeviceEvent first, DeviceEvent last) in _marks)
        {
            seconds[name] = seconds.GetValueOrDefault(name) + inner.Elapsed(first, last).TotalSeconds;
            _free.Push(first);
            _free.Push(last);
        }

        _marks.Clear();
        return seconds;
    }

    public override DeviceBuffer Allocate(long bytes) => inner.Allocate(bytes);

    public override PinnedBuffer AllocatePinned(long bytes) => inner.AllocatePinned(bytes);

    public override DeviceBuffer Share(ulong address, long bytes) => inner.Share(address, bytes);

    internal override bool Owns(DeviceBuffer buffer) => inner.Owns(buffer);

    public override DeviceStream ShareStream(nint handle) => inner.ShareStream(handle);

    public override DeviceStream CreateStream() => inner.CreateStream();

    public override DeviceEvent CreateEvent(bool isTimed = false) => inner.CreateEvent(isTimed);

    public override DeviceKernel Load(string name, TaskFamily? family = null) => inner.Load(name, family);

    public override void Launch(
        DeviceKernel kernel, in LaunchShape shape, LaunchArguments arguments, DeviceStream? stream = null)
    {
        _launched.Add(kernel);
        DeviceEvent? first = Begin(stream);
        inner.Launch(kernel, shape, arguments, stream);
        End(kernel.Name, first, stream);
    }

    public override void Record(DeviceEvent mark, DeviceStream? stream = null) => inner.Record(mark, stream);

    public override void Wait(DeviceEvent mark, DeviceStream? stream = null) => inner.Wait(mark, stream);

    public override TimeSpan Elapsed(DeviceEvent first, DeviceEvent second) => inner.Elapsed(first, second);

    public override void Synchronize(DeviceStream? stream = null) => inner.Synchronize(stream);

    public override void Synchronize(DeviceEvent mark) => inner.Synchronize(mark);

    public override void BeginCapture(DeviceStream? stream = null) => inner.BeginCapture(stream);

    public override DeviceGraph EndCapture(DeviceStream? stream = null) => inner.EndCapture(stream);

    public override void Replay(DeviceGraph graph, DeviceStream? stream = null) => inner.Replay(graph, stream);

    protected override void Dispose(bool disposing)
    {
        Collect();
        while (_free.TryPop(out DeviceEvent? mark))
        {
            mark.Dispose();
        }

        inner.Dispose();
    }

    protected override void UploadCore(void* source, DeviceView destination, long bytes, DeviceStream? stream)
    {
        DeviceEvent? first = Begin(stream);
        for (long at = 0; at < bytes; at += LongestSpan)
        {
            int part = (int)Math.Min(LongestSpan, bytes - at);
            inner.Upload(new ReadOnlySpan<byte>(
                (byte*)source + at, part), destination.Buffer!.View<byte>(destination.ByteOffset + at, part), stream);
        }

        End(Uploads, first, stream);
    }

    protected override void UploadAsyncCore(
        PinnedBuffer source, long sourceOffset, DeviceView destination, long bytes, DeviceStream? stream)
    {
        DeviceEvent? first = Begin(stream);
        inner.UploadAsync(source, sourceOffset, destination, bytes, stream);
        End(Uploads, first, stream);
    }

    protected override void DownloadCore(DeviceView source, void* destination, long bytes, DeviceStream? stream)
    {
        DeviceEvent? first = Begin(stream);
        for (long at = 0; at < bytes; at += LongestSpan)
        {
            int part = (int)Math.Min(LongestSpan, bytes - at);
            inner.Download(source.Buffer!.View<byte>(
                source.ByteOffset + at, part), new Span<byte>((byte*)destination + at, part), stream);
        }

        End(Downloads, first, stream);
    }

    protected override void DownloadAsyncCore(
        DeviceView source, PinnedBuffer destination, long destinationOffset, long bytes, DeviceStream? stream)
    {
        DeviceEvent? first = Begin(stream);
        inner.DownloadAsync(source, destination, destinationOffset, bytes, stream);
        End(Downloads, first, stream);
    }

    protected override void CopyCore(DeviceView source, DeviceView destination, long bytes, DeviceStream? stream)
    {
        DeviceEvent? first = Begin(stream);
        inner.Copy(source, destination, bytes, stream);
        End(Copies, first, stream);
    }

    protected override void ClearCore(DeviceView view, long bytes, DeviceStream? stream)
    {
        DeviceEvent? first = Begin(stream);
        inner.Clear(view, stream);
        End(Copies, first, stream);
    }

    private DeviceEvent? Begin(DeviceStream? stream)
    {
        if (!IsTiming)
        {
            return null;
        }

        DeviceEvent mark = Take();
        inner.Record(mark, stream);
        return mark;
    }

    private void End(string name, DeviceEvent? first, DeviceStream? stream)
    {
        if (first is not null)
        {
            DeviceEvent last = Take();
            inner.Record(last, stream);
            _marks.Add((name, first, last));
        }
    }

    private DeviceEvent Take() => _free.TryPop(out DeviceEvent? mark) ? mark : inner.CreateEvent(isTimed: true);
}

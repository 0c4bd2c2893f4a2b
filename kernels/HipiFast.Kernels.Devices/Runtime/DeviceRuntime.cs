using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>
/// A device with its memory, its kernels and its streams: the one layer that device code is written on, whoever talks
/// to the driver underneath.
/// </summary>
/// <remarks>
/// <para>Work is queued on a stream (the runtime's <see cref="MainStream"/> unless another is named) and runs in order;
/// nothing waits for the device but the <c>Synchronize</c> methods, <see cref="Download"/> and the allocation and
/// freeing of memory. One runtime serves one thread at a time, but any thread. Every method throws
/// <see cref="ObjectDisposedException"/> after <see cref="Dispose()"/>, <see cref="DeviceException"/> where the driver
/// reports an error; an error of a kernel surfaces at a later call.</para>
/// <para>Graphs: what is queued between <see cref="BeginCapture"/> and <see cref="EndCapture"/> does not run but is
/// recorded with its arguments as they are then: structs by value, views by address. So what changes from call to call
/// (seed, call number, temperature, ...) must lie in device memory that the captured sequence reads or uploads from a
/// pinned buffer, not in the structs. Only pinned buffers may be copied from and to during a capture, and nothing may
/// be allocated, loaded or waited for. The first launch of a kernel must have been before.</para>
/// </remarks>
public abstract unsafe class DeviceRuntime : IDisposable
{
    /// <summary>The device.</summary>
    public abstract DeviceInfo Device { get; }

    /// <summary>Free memory in bytes; -1 where the device does not tell.</summary>
    public abstract long FreeMemoryBytes { get; }

    /// <summary>The stream that work goes to where none is named.</summary>
    public abstract DeviceStream MainStream { get; }

    /// <summary>Whether <see cref="BeginCapture"/> works.</summary>
    public abstract bool CanCapture { get; }

    /// <summary>
    /// Whether memory and streams that others made (such as tensors of libtorch) can be used here: CUDA devices through
    /// the backend <c>cuda</c>, and ILGPU's CPU accelerator, for which any memory of the process will do.
    /// </summary>
    public virtual bool CanShare => false;

    /// <summary>Networks that kernels of this runtime read in place.</summary>
    internal ResidentNetworks Networks { get; } = new();

    /// <summary>Allocates device memory.</summary>
    /// <param name="bytes">1 or more.</param>
    /// <returns>The buffer; dispose it before the runtime.</returns>
    /// <exception cref="DeviceOutOfMemoryException">There is not enough.</exception>
    public abstract DeviceBuffer Allocate(long bytes);

    /// <summary>Allocates host memory for copies that run by themselves.</summary>
    /// <param name="bytes">1 or more.</param>
    /// <returns>The buffer; dispose it before the runtime.</returns>
    /// <exception cref="OutOfMemoryException">There is not enough.</exception>
    public abstract PinnedBuffer AllocatePinned(long bytes);

    /// <summary>Makes a buffer of memory that somebody else owns.</summary>
    /// <param name="address">Its address in the device's primary context.</param>
    /// <param name="bytes">Its size.</param>
    /// <returns>The buffer; disposing it leaves the memory alone.</returns>
    /// <exception cref="NotSupportedException">Not where <see cref="CanShare"/> is false.</exception>
    public virtual DeviceBuffer Share(ulong address, long bytes) => throw CannotShare();

    /// <summary>Makes a stream of one that somebody else owns.</summary>
    /// <param name="handle">
    /// Its handle in the device's primary context (a <c>cudaStream_t</c> or <c>CUstream</c>); 0 for the default stream.
    /// </param>
    /// <returns>The stream; disposing it leaves the other alone.</returns>
    /// <exception cref="NotSupportedException">Not where <see cref="CanShare"/> is false.</exception>
    public virtual DeviceStream ShareStream(nint handle) => throw CannotShare();

    /// <summary>Whether a buffer was allocated or shared through this runtime.</summary>
    /// <param name="buffer">The buffer.</param>
    /// <returns>Whether its kernels and copies may use it.</returns>
    internal abstract bool Owns(DeviceBuffer buffer);

    /// <summary>Makes a stream.</summary>
    /// <returns>The stream; dispose it.</returns>
    public abstract DeviceStream CreateStream();

    /// <summary>Makes an event.</summary>
    /// <param name="isTimed">
    /// Whether <see cref="Elapsed"/> is to read it; an event that only orders streams costs the device less.
    /// </param>
    /// <returns>The event; dispose it.</returns>
    public abstract DeviceEvent CreateEvent(bool isTimed = false);

    /// <summary>Finds a kernel, and compiles and loads it when it is asked for the first time.</summary>
    /// <param name="name">One of <see cref="DeviceKernelNames"/>.</param>
    /// <param name="family">
    /// The task family that the kernel is specialised for; null for kernels that judge nothing.
    /// </param>
    /// <returns>The kernel. The same object for the same name and the same type of family.</returns>
    /// <exception cref="NotSupportedException">
    /// The kernel cannot be had for this family here; one sentence says what to install.
    /// </exception>
    /// <exception cref="DeviceException">It does not compile; the message holds the compiler's first line.</exception>
    public abstract DeviceKernel Load(string name, TaskFamily? family = null);

    /// <summary>Queues a kernel.</summary>
    /// <param name="kernel">A kernel of this runtime.</param>
    /// <param name="shape">Groups and threads.</param>
    /// <param name="arguments">Its parameters.</param>
    /// <param name="stream">Where; null for <see cref="MainStream"/>.</param>
    /// <exception cref="ArgumentException">The number of parameters is not the kernel's.</exception>
    public abstract void Launch(
        DeviceKernel kernel, in LaunchShape shape, LaunchArguments arguments, DeviceStream? stream = null);

    /// <summary>Copies host memory to the device. Returns as soon as the source may be changed.</summary>
    /// <typeparam name="T">Element type.</typeparam>
    /// <param name="source">What to copy.</param>
    /// <param name="destination">Where to; as long as the source or longer.</param>
    /// <param name="stream">Where to queue it; null for <see cref="MainStream"/>.</param>
    public void Upload<T>(ReadOnlySpan<T> source, DeviceView destination, DeviceStream? stream = null)
        where T : unmanaged
    {
        long bytes = (long)source.Length * sizeof(T);
        if (IsCopied(destination, bytes))
        {
            fixed (T* pointer = source)
            {
                UploadCore(pointer, destination, bytes, stream);
            }
        }
    }

    /// <summary>
    /// Queues a copy of pinned host memory to the device; the source must not change until it has run.
    /// </summary>
    /// <param name="source">Pinned memory.</param>
    /// <param name="sourceOffset">First byte.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="stream">Where to queue it; null for <see cref="MainStream"/>.</param>
    public void UploadAsync(
        PinnedBuffer source, long sourceOffset, DeviceView destination, long bytes, DeviceStream? stream = null)
    {
        if (IsCopied(destination, source, sourceOffset, bytes))
        {
            UploadAsyncCore(source, sourceOffset, destination, bytes, stream);
        }
    }

    /// <summary>
    /// Copies device memory to the host, after all work queued on the stream; returns when the data are there.
    /// </summary>
    /// <typeparam name="T">Element type.</typeparam>
    /// <param name="source">What to copy; as long as the destination or longer.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="stream">Where to queue it; null for <see cref="MainStream"/>.</param>
    public void Download<T>(DeviceView source, Span<T> destination, DeviceStream? stream = null)
        where T : unmanaged
    {
        long bytes = (long)destination.Length * sizeof(T);
        if (IsCopied(source, bytes))
        {
            fixed (T* pointer = destination)
            {
                DownloadCore(source, pointer, bytes, stream);
            }
        }
    }

    /// <summary>
    /// Queues a copy of device memory to pinned host memory, which holds the data once the stream has been
    /// synchronised.
    /// </summary>
    /// <param name="source">Where from.</param>
    /// <param name="destination">Pinned memory.</param>
    /// <param name="destinationOffset">First byte.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="stream">Where to queue it; null for <see cref="MainStream"/>.</param>
    public void DownloadAsync(
        DeviceView source, PinnedBuffer destination, long destinationOffset, long bytes, DeviceStream? stream = null)
    {
        if (IsCopied(source, destination, destinationOffset, bytes))
        {
            DownloadAsyncCore(source, destination, destinationOffset, bytes, stream);
        }
    }

    /// <summary>Queues a copy within the device; the two parts must not overlap.</summary>
    /// <param name="source">Where from.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="stream">Where to queue it; null for <see cref="MainStream"/>.</param>
    public void Copy(DeviceView source, DeviceView destination, long bytes, DeviceStream? stream = null)
    {
        if (IsCopied(source, bytes) && IsCopied(destination, bytes))
        {
            CopyCore(source, destination, bytes, stream);
        }
    }

    /// <summary>Queues the setting of all bytes of a view to zero.</summary>
    /// <param name="view">What to clear.</param>
    /// <param name="stream">Where to queue it; null for <see cref="MainStream"/>.</param>
    public void Clear(DeviceView view, DeviceStream? stream = null)
    {
        if (view.Length > 0)
        {
            ClearCore(view, view.Length * view.ElementSize, stream);
        }
    }

    /// <summary>Queues a mark.</summary>
    /// <param name="mark">An event of this runtime.</param>
    /// <param name="stream">Where; null for <see cref="MainStream"/>.</param>
    public abstract void Record(DeviceEvent mark, DeviceStream? stream = null);

    /// <summary>Makes a stream's later work wait for a mark in another; the host does not wait.</summary>
    /// <param name="mark">The mark, recorded before.</param>
    /// <param name="stream">The stream that waits; null for <see cref="MainStream"/>.</param>
    public abstract void Wait(DeviceEvent mark, DeviceStream? stream = null);

    /// <summary>Time between two marks, once both have been reached; waits for the second.</summary>
    /// <param name="first">Made to be timed, recorded first.</param>
    /// <param name="second">Made to be timed, recorded later.</param>
    /// <returns>The time as the device measured it, or the host where the device cannot.</returns>
    /// <exception cref="ArgumentException">An event was not made to be timed, or has not been recorded.</exception>
    public abstract TimeSpan Elapsed(DeviceEvent first, DeviceEvent second);

    /// <summary>Waits for all work of a stream.</summary>
    /// <param name="stream">The stream; null for <see cref="MainStream"/>.</param>
    public abstract void Synchronize(DeviceStream? stream = null);

    /// <summary>Waits for a mark, recorded before.</summary>
    /// <param name="mark">The mark.</param>
    public abstract void Synchronize(DeviceEvent mark);

    /// <summary>Begins to record instead of to run what is queued.</summary>
    /// <param name="stream">The stream that is recorded; null for <see cref="MainStream"/>.</param>
    /// <exception cref="NotSupportedException">Not where <see cref="CanCapture"/> is false.</exception>
    public virtual void BeginCapture(DeviceStream? stream = null) => throw CannotCapture();

    /// <summary>Ends recording.</summary>
    /// <param name="stream">The stream that was recorded; null for <see cref="MainStream"/>.</param>
    /// <returns>The sequence; dispose it.</returns>
    /// <exception cref="NotSupportedException">Not where <see cref="CanCapture"/> is false.</exception>
    public virtual DeviceGraph EndCapture(DeviceStream? stream = null) => throw CannotCapture();

    /// <summary>Queues a recorded sequence.</summary>
    /// <param name="graph">The sequence.</param>
    /// <param name="stream">Where; null for <see cref="MainStream"/>.</param>
    /// <exception cref="NotSupportedException">Not where <see cref="CanCapture"/> is false.</exception>
    public virtual void Replay(DeviceGraph graph, DeviceStream? stream = null) => throw CannotCapture();

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Waits for the device and gives everything back; a second call does nothing.</summary>
    /// <param name="disposing">True.</param>
    protected abstract void Dispose(bool disposing);

    /// <summary><see cref="Upload"/>, after its checks.</summary>
    /// <param name="source">Host memory.</param>
    /// <param name="destination">Long enough.</param>
    /// <param name="bytes">1 or more.</param>
    /// <param name="stream">A stream, or null for <see cref="MainStream"/>.</param>
    protected abstract void UploadCore(void* source, DeviceView destination, long bytes, DeviceStream? stream);

    /// <summary><see cref="UploadAsync"/>, after its checks.</summary>
    /// <param name="source">Pinned memory.</param>
    /// <param name="sourceOffset">First byte.</param>
    /// <param name="destination">Long enough.</param>
    /// <param name="bytes">1 or more.</param>
    /// <param name="stream">A stream, or null for <see cref="MainStream"/>.</param>
    protected abstract void UploadAsyncCore(
        PinnedBuffer source, long sourceOffset, DeviceView destination, long bytes, DeviceStream? stream);

    /// <summary><see cref="Download"/>, after its checks.</summary>
    /// <param name="source">Long enough.</param>
    /// <param name="destination">Host memory.</param>
    /// <param name="bytes">1 or more.</param>
    /// <param name="stream">A stream, or null for <see cref="MainStream"/>.</param>
    protected abstract void DownloadCore(DeviceView source, void* destination, long bytes, DeviceStream? stream);

    /// <summary><see cref="DownloadAsync"/>, after its checks.</summary>
    /// <param name="source">Long enough.</param>
    /// <param name="destination">Pinned memory.</param>
    /// <param name="destinationOffset">First byte.</param>
    /// <param name="bytes">1 or more.</param>
    /// <param name="stream">A stream, or null for <see cref="MainStream"/>.</param>
    protected abstract void DownloadAsyncCore(
        DeviceView source, PinnedBuffer destination, long destinationOffset, long bytes, DeviceStream? stream);

    /// <summary><see cref="Copy"/>, after its checks.</summary>
    /// <param name="source">Long enough.</param>
    /// <param name="destination">Long enough.</param>
    /// <param name="bytes">1 or more.</param>
    /// <param name="stream">A stream, or null for <see cref="MainStream"/>.</param>
    protected abstract void CopyCore(DeviceView source, DeviceView destination, long bytes, DeviceStream? stream);

    /// <summary><see cref="Clear"/>, after its checks.</summary>
    /// <param name="view">What to clear.</param>
    /// <param name="bytes">1 or more.</param>
    /// <param name="stream">A stream, or null for <see cref="MainStream"/>.</param>
    protected abstract void ClearCore(DeviceView view, long bytes, DeviceStream? stream);

    /// <summary>Throws unless <see cref="Elapsed"/> can read an event.</summary>
    /// <param name="isTimed">Whether it was made to be timed.</param>
    /// <param name="isRecorded">Whether it has been recorded.</param>
    /// <exception cref="ArgumentException">It was not.</exception>
    private protected static void RequireTimed(bool isTimed, bool isRecorded)
    {
        if (!isTimed || !isRecorded)
        {
            throw new ArgumentException(
                "Time passes between events that were made to be timed and have been recorded; found one that was not "
                + $"{(isTimed ? "recorded" : "made to be timed")}.");
        }
    }

    // Whether there is anything to copy; throws where the view is too short for it.
    private static bool IsCopied(DeviceView view, long bytes)
    {
        if (bytes < 0 || bytes > view.Length * view.ElementSize)
        {
            throw new ArgumentOutOfRangeException(
                nameof(bytes), $"Cannot copy {bytes} bytes from or to a view of {view.Length * view.ElementSize}.");
        }

        return bytes > 0;
    }

    private static bool IsCopied(DeviceView view, PinnedBuffer buffer, long offset, long bytes)
    {
        bool isCopied = IsCopied(view, bytes);
        ArgumentNullException.ThrowIfNull(buffer);
        ObjectDisposedException.ThrowIf(buffer.Pointer is null, buffer);
        if (offset < 0 || offset > buffer.Bytes - bytes)
        {
            throw new ArgumentOutOfRangeException(
                nameof(offset),
                $"Cannot copy {bytes} bytes from byte {offset} on, from or to a pinned buffer of {buffer.Bytes}.");
        }

        return isCopied;
    }

    private NotSupportedException CannotShare() =>
        new($"Device {Device.Id} cannot use memory or streams of others through this backend; the backend 'cuda' can.");

    private NotSupportedException CannotCapture() =>
        new($"Device {Device.Id} cannot record work through this backend.");
}

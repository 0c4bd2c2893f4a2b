using System.Runtime.CompilerServices;
using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>
/// The parameters of a launch, in the order of the kernel's own: views of device memory and structs of plain numbers.
/// Made once and filled again for every launch, so that launching allocates nothing. Not thread-safe.
/// </summary>
/// <remarks>
/// The order that all kernels keep: first the views; then one struct of scalars; then, for kernels that judge by a task
/// family, its struct and a view of its constants. A launch reads everything before it returns, so the same object
/// serves the next one at once.
/// </remarks>
public sealed unsafe class LaunchArguments : IDisposable
{
    /// <summary>Most parameters of a kernel.</summary>
    public const int MaxCount = 64;

    /// <summary>Most bytes of all structs together: what a CUDA kernel's parameters may be.</summary>
    public const int MaxStructBytes = 4096;

    /// <summary>Structs begin at multiples of this, the strictest alignment of a plain number.</summary>
    private const int StructAlignment = 16;

    private readonly DeviceView[] _views = new DeviceView[MaxCount];

    // Size of each struct; 0 for a view.
    private readonly int[] _sizes = new int[MaxCount];
    private readonly int[] _offsets = new int[MaxCount];
    private readonly NativeBuffer<byte> _structs = new(MaxStructBytes);
    private int _structBytes;

    /// <summary>Parameters so far.</summary>
    public int Count { get; private set; }

    /// <summary>Forgets all parameters.</summary>
    /// <returns>This object.</returns>
    public LaunchArguments Clear()
    {
        ThrowIfDisposed();

        // Views are forgotten too, so that no buffer is kept alive.
        Array.Clear(_views, 0, Count);
        Count = 0;
        _structBytes = 0;
        return this;
    }

    /// <summary>Adds a view.</summary>
    /// <param name="view">The view; the default value for one that the kernel does not read.</param>
    /// <returns>This object.</returns>
    /// <exception cref="InvalidOperationException">There are <see cref="MaxCount"/> parameters already.</exception>
    public LaunchArguments Add(DeviceView view)
    {
        CheckCount();
        _sizes[Count] = 0;
        _views[Count++] = view;
        return this;
    }

    /// <summary>Adds a struct of plain numbers, byte for byte.</summary>
    /// <typeparam name="T">Its type: fields in order, aligned as in C.</typeparam>
    /// <param name="value">Its value.</param>
    /// <returns>This object.</returns>
    /// <exception cref="InvalidOperationException">
    /// There are too many parameters, or too many bytes of structs.
    /// </exception>
    public LaunchArguments Add<T>(in T value)
        where T : unmanaged
    {
        CheckCount();
        int offset = (_structBytes + StructAlignment - 1) / StructAlignment * StructAlignment;
        if (sizeof(T) > MaxStructBytes - offset)
        {
            throw new InvalidOperationException(
                $"The parameters of a kernel have room for {MaxStructBytes} bytes of structs; "
                + $"{typeof(T).Name} takes {sizeof(T)} from byte {offset} on.");
        }

        Unsafe.WriteUnaligned(_structs.Pointer + offset, value);
        _offsets[Count] = offset;
        _sizes[Count++] = sizeof(T);
        _structBytes = offset + sizeof(T);
        return this;
    }

    /// <summary>Whether a parameter is a view.</summary>
    /// <param name="index">In [0, <see cref="Count"/>).</param>
    /// <returns>False for a struct.</returns>
    public bool IsView(int index) => SizeOf(index) == 0;

    /// <summary>A parameter that is a view.</summary>
    /// <param name="index">In [0, <see cref="Count"/>).</param>
    /// <returns>The view.</returns>
    /// <exception cref="InvalidOperationException">It is a struct.</exception>
    public DeviceView View(int index) =>
        IsView(index) ? _views[index] : throw new InvalidOperationException(
            $"Parameter {index} is a struct of {_sizes[index]} bytes, not a view.");

    /// <summary>A parameter that is a struct.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="index">In [0, <see cref="Count"/>).</param>
    /// <returns>Its value.</returns>
    /// <exception cref="InvalidOperationException">It is a view, or a struct of another size.</exception>
    public T Struct<T>(int index)
        where T : unmanaged =>
        SizeOf(index) == sizeof(T)
            ? Unsafe.ReadUnaligned<T>(_structs.Pointer + _offsets[index])
            : throw new InvalidOperationException(
                $"Parameter {index} is {(IsView(index) ? "a view" : $"a struct of {_sizes[index]} bytes")}, "
                + $"not a {typeof(T).Name} of {sizeof(T)} bytes.");

    /// <summary>The bytes of a parameter that is a struct, aligned to 16.</summary>
    /// <param name="index">In [0, <see cref="Count"/>).</param>
    /// <returns>The bytes; valid until <see cref="Clear"/>.</returns>
    /// <exception cref="InvalidOperationException">It is a view.</exception>
    public ReadOnlySpan<byte> StructBytes(int index) =>
        IsView(index)
            ? throw new InvalidOperationException($"Parameter {index} is a view, not a struct.")
            : _structs.Slice(_offsets[index], _sizes[index]);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_structs.IsDisposed)
        {
            Clear();
        }

        _structs.Dispose();
    }

    private int SizeOf(int index)
    {
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return _sizes[index];
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_structs.IsDisposed, this);

    private void CheckCount()
    {
        ThrowIfDisposed();
        if (Count == MaxCount)
        {
            throw new InvalidOperationException($"A kernel has at most {MaxCount} parameters.");
        }
    }
}

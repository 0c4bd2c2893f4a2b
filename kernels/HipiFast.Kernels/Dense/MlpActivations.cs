using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.Dense;

/// <summary>
/// What a pass through one network needs beside its parameters: activations and their gradients for a batch, all
/// row-major with rows padded to at least the strides of <see cref="MlpShape"/> (each view has its own stride), and
/// room for repacked weights. Memory that no pass touches costs nothing.
/// </summary>
/// <remarks>A view is good until this object is disposed of or collected. One pass at a time.</remarks>
public sealed class MlpActivations : IDisposable
{
    /// <summary>
    /// From this width on, rows whose length is a multiple of 64 floats get one more cache line: a column panel of a
    /// matrix that is larger than the L1 cache would otherwise fall on a few of its sets and be read from L2 again for
    /// every tile.
    /// </summary>
    private const int SmallestSpreadWidth = 128;

    private readonly NativeBuffer<float> _memory;

    /// <summary>Allocates for batches of up to <paramref name="capacity"/> rows.</summary>
    /// <param name="shape">Network shape.</param>
    /// <param name="capacity">Largest batch, 1 or more.</param>
    public unsafe MlpActivations(MlpShape shape, int capacity)
    {
        shape.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        Shape = shape;
        Capacity = capacity;

        int stride = SpreadStride(shape.HiddenStride);
        int repackedRows = Math.Max(shape.HiddenStride, MlpShape.RoundUp(shape.Outputs)), repackedStride = Math.Max(
            stride, 2 * MlpShape.LaneCount);
        long hidden = (long)capacity * stride;
        long output = (
            (((long)capacity * shape.OutputStride) + MlpShape.LaneCount - 1) / MlpShape.LaneCount) * MlpShape.LaneCount;
        _memory = new NativeBuffer<float>((4 * hidden) + (2 * output) + ((long)repackedRows * repackedStride));
        nint at = (nint)_memory.Pointer;
        Hidden1 = Take(ref at, capacity, shape.HiddenStride, stride, hidden);
        Hidden2 = Take(ref at, capacity, shape.HiddenStride, stride, hidden);
        Hidden1Gradient = Take(ref at, capacity, shape.HiddenStride, stride, hidden);
        Hidden2Gradient = Take(ref at, capacity, shape.HiddenStride, stride, hidden);
        Output = Take(ref at, capacity, shape.OutputStride, shape.OutputStride, output);
        OutputGradient = Take(ref at, capacity, shape.OutputStride, shape.OutputStride, output);
        Repacked = new MatrixView(at, repackedRows, repackedStride, repackedStride);

        static MatrixView Take(ref nint address, int rows, int columns, int stride, long length)
        {
            MatrixView view = new(address, rows, columns, stride);
            address += (nint)(length * sizeof(float));
            return view;
        }
    }

    /// <summary>Network shape.</summary>
    public MlpShape Shape { get; }

    /// <summary>Largest batch.</summary>
    public int Capacity { get; }

    /// <summary>First hidden layer after ReLU, <c>[capacity, HiddenStride]</c>.</summary>
    public MatrixView Hidden1
    {
        get
        {
            ThrowIfDisposed();
            return field;
        }
    }

    /// <summary>Second hidden layer after ReLU, <c>[capacity, HiddenStride]</c>.</summary>
    public MatrixView Hidden2
    {
        get
        {
            ThrowIfDisposed();
            return field;
        }
    }

    /// <summary>Gradient at the first hidden layer before ReLU, <c>[capacity, HiddenStride]</c>.</summary>
    public MatrixView Hidden1Gradient
    {
        get
        {
            ThrowIfDisposed();
            return field;
        }
    }

    /// <summary>Gradient at the second hidden layer before ReLU, <c>[capacity, HiddenStride]</c>.</summary>
    public MatrixView Hidden2Gradient
    {
        get
        {
            ThrowIfDisposed();
            return field;
        }
    }

    /// <summary>Network output, <c>[capacity, OutputStride]</c>.</summary>
    public MatrixView Output
    {
        get
        {
            ThrowIfDisposed();
            return field;
        }
    }

    /// <summary>
    /// Gradient of the loss with respect to the output, <c>[capacity, OutputStride]</c>; written by the caller before a
    /// backward pass, who leaves its padding columns at the zero they start with.
    /// </summary>
    public MatrixView OutputGradient
    {
        get
        {
            ThrowIfDisposed();
            return field;
        }
    }

    /// <summary>
    /// Scratch of a pass for weights in another order: at least HiddenStride rows, at least 32 floats wide.
    /// </summary>
    internal MatrixView Repacked { get; }

    /// <summary>Gives the memory back; the views lead nowhere afterwards. A second call does nothing.</summary>
    public void Dispose() => _memory.Dispose();

    private void ThrowIfDisposed()
    {
        if (_memory.IsDisposed)
        {
            UseGuard.ThrowDisposed(this);
        }
    }

    private static int SpreadStride(int width) => width >= SmallestSpreadWidth && width % 64 == 0
        ? width + MlpShape.LaneCount
        : width;
}

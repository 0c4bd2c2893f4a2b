using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Networks;

/// <summary>Parameters of one network in the layout of <see cref="MlpShape"/>, in host memory.</summary>
public sealed unsafe class MlpParameters : IDisposable
{
    private readonly NativeBuffer<float> _memory;
    private readonly bool _ownsMemory;
    private float* _first;

    /// <summary>Allocates parameters that are all zero.</summary>
    /// <param name="shape">Shape of the network.</param>
    /// <exception cref="ArgumentException">The shape is not valid (<see cref="MlpShape.Validate"/>).</exception>
    public MlpParameters(MlpShape shape)
    {
        shape.Validate();
        Shape = shape;
        _memory = new NativeBuffer<float>(shape.Length);
        _ownsMemory = true;
        _first = _memory.Pointer;
    }

    /// <summary>Parameters in memory of the caller's, so that networks of one shape can lie side by side.</summary>
    /// <param name="shape">Shape of the network.</param>
    /// <param name="memory">The memory, zero in the padding; stays the caller's to dispose, after this object.</param>
    /// <param name="start">First float, a multiple of 16.</param>
    /// <exception cref="ArgumentException">
    /// The shape is not valid (<see cref="MlpShape.Validate"/>), or <see cref="MlpShape.Length"/> floats from
    /// <paramref name="start"/> on do not lie in the memory.
    /// </exception>
    public MlpParameters(MlpShape shape, NativeBuffer<float> memory, long start)
    {
        ArgumentNullException.ThrowIfNull(memory);
        shape.Validate();
        if (start < 0 || start % MlpShape.LaneCount != 0 || start > memory.Length - shape.Length)
        {
            throw new ArgumentException(
                $"A network of {shape.Length} floats cannot start at float {start} of {memory.Length}.", nameof(start));
        }

        Shape = shape;
        _memory = memory;
        _first = memory.Pointer + start;
    }

    /// <summary>Shape and offsets.</summary>
    public MlpShape Shape { get; }

    /// <summary>
    /// Counts changes of the values. Whoever writes to <see cref="Values"/> calls <see cref="MarkChanged"/>; a backend
    /// that keeps a packed or a device copy renews it when the version differs from the one it copied.
    /// </summary>
    public long Version { get; private set; }

    /// <summary>The flat block, <see cref="MlpShape.Length"/> floats, padding included.</summary>
    /// <exception cref="ObjectDisposedException">
    /// The network, or the memory it lies in, has been disposed of.
    /// </exception>
    public Span<float> Values
    {
        get
        {
            ThrowIfDisposed();
            return new Span<float>(_first, Shape.Length);
        }
    }

    /// <summary>
    /// Address of the flat block; 64-byte aligned; good until the network is disposed of or collected.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The network has been disposed of.</exception>
    public float* Pointer
    {
        get
        {
            if (_first is null)
            {
                UseGuard.ThrowDisposed(this);
            }

            return _first;
        }
    }

    /// <summary>Whether the network, or the memory that it lies in, has been disposed of.</summary>
    internal bool IsDisposed => _first is null || _memory.IsDisposed;

    /// <summary>Says that the values have changed.</summary>
    public void MarkChanged() => Version++;

    /// <summary>Copies the values of a network of the same shape.</summary>
    /// <param name="source">Where the values come from.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public void CopyFrom(MlpParameters source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Shape != Shape)
        {
            throw new ArgumentException(
                $"Cannot copy a network of shape {source.Shape} into one of shape {Shape}.", nameof(source));
        }

        source.Values.CopyTo(Values);
        MarkChanged();
    }

    /// <summary>
    /// Draws every weight and bias uniformly from ±1/sqrt(fan-in) of its layer, PyTorch's default for linear layers.
    /// </summary>
    /// <param name="seed">Philox key.</param>
    /// <param name="stream">Tells networks of one seed apart.</param>
    public void Initialize(ulong seed, uint stream)
    {
        uint counter = 0;
        for (int layer = 0; layer < 3; layer++)
        {
            int inputs = LayerInputs(layer);
            float bound = 1f / MathF.Sqrt(inputs);
            for (int row = 0; row <= inputs; row++)
            {
                Span<float> values = row < inputs ? WeightRow(layer, row) : Bias(layer);
                for (int i = 0; i < values.Length; i++)
                {
                    uint bits = Random.Philox.Next(
                        counter++, 0, stream, (uint)Random.RandomPurpose.Initialization, seed).X;
                    values[i] = bound * ((2f * Random.Philox.ToUniform(bits)) - 1f);
                }
            }
        }

        MarkChanged();
    }

    /// <summary>Bias of a layer, without padding.</summary>
    /// <param name="layer">0, 1 or 2.</param>
    /// <returns>The values, writable; call <see cref="MarkChanged"/> after writing.</returns>
    public Span<float> Bias(int layer) => layer switch
    {
        0 => Values.Slice(Shape.Bias1, Shape.Hidden),
        1 => Values.Slice(Shape.Bias2, Shape.Hidden),
        2 => Values.Slice(Shape.Bias3, Shape.Outputs),
        _ => throw new ArgumentOutOfRangeException(nameof(layer)),
    };

    /// <summary>The weights that leave one input unit of a layer, without padding.</summary>
    /// <param name="layer">0, 1 or 2.</param>
    /// <param name="input">Input unit, in [0, fan-in).</param>
    /// <returns>
    /// One weight per output unit of the layer, writable; call <see cref="MarkChanged"/> after writing.
    /// </returns>
    public Span<float> WeightRow(int layer, int input)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)input, (uint)LayerInputs(layer), nameof(input));
        return layer switch
        {
            0 => Values.Slice(Shape.Weight1 + (input * Shape.HiddenStride), Shape.Hidden),
            1 => Values.Slice(Shape.Weight2 + (input * Shape.HiddenStride), Shape.Hidden),
            _ => Values.Slice(Shape.Weight3 + (input * Shape.OutputStride), Shape.Outputs),
        };
    }

    /// <summary>Writes a layer's weights in PyTorch's order, <c>[out, in]</c> row-major without padding.</summary>
    /// <param name="layer">0, 1 or 2.</param>
    /// <param name="destination">out * in floats.</param>
    public void ExportWeight(int layer, Span<float> destination)
    {
        int inputs = LayerInputs(layer);
        CheckLength(layer, destination.Length);
        for (int i = 0; i < inputs; i++)
        {
            Span<float> row = WeightRow(layer, i);
            for (int o = 0; o < row.Length; o++)
            {
                destination[(o * inputs) + i] = row[o];
            }
        }
    }

    /// <summary>Reads a layer's weights from PyTorch's order, <c>[out, in]</c> row-major without padding.</summary>
    /// <param name="layer">0, 1 or 2.</param>
    /// <param name="source">out * in floats.</param>
    public void ImportWeight(int layer, ReadOnlySpan<float> source)
    {
        int inputs = LayerInputs(layer);
        CheckLength(layer, source.Length);
        for (int i = 0; i < inputs; i++)
        {
            Span<float> row = WeightRow(layer, i);
            for (int o = 0; o < row.Length; o++)
            {
                row[o] = source[(o * inputs) + i];
            }
        }

        MarkChanged();
    }

    /// <summary>Fan-in of a layer.</summary>
    /// <param name="layer">0, 1 or 2.</param>
    /// <returns>Inputs for layer 0, H otherwise.</returns>
    public int LayerInputs(int layer) => layer == 0 ? Shape.Inputs : Shape.Hidden;

    /// <summary>Fan-out of a layer.</summary>
    /// <param name="layer">0, 1 or 2.</param>
    /// <returns>Outputs for layer 2, H otherwise.</returns>
    public int LayerOutputs(int layer) => layer == 2 ? Shape.Outputs : Shape.Hidden;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsMemory)
        {
            _memory.Dispose();
        }

        _first = null;
    }

    /// <summary>Throws when the values are gone.</summary>
    internal void ThrowIfDisposed()
    {
        if (IsDisposed)
        {
            UseGuard.ThrowDisposed(this);
        }
    }

    private void CheckLength(int layer, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)layer, 2u, nameof(layer));
        int expected = LayerInputs(layer) * LayerOutputs(layer);
        if (length != expected)
        {
            throw new ArgumentException(
                $"Layer {layer} has {LayerOutputs(layer)} x {LayerInputs(layer)} = {expected} weights; found "
                + $"{length}.");
        }
    }
}

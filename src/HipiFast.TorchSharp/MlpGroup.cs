using HipiFast.Kernels.Networks;
using TorchSharp;
using static TorchSharp.torch;
using TensorModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace HipiFast.TorchSharp;

/// <summary>
/// Standard networks (<see cref="MlpShape"/>) as strided views of their flat parameters, two critics as one batch: a
/// batched product costs little more than a single one, and torch's cost at these sizes is the number of calls.
/// </summary>
internal sealed class MlpGroup : NetworkGroup
{
    private readonly MlpShape _shape;
    private readonly Place[] _places;
    private readonly Tensor[] _frozen;
    private readonly Tensor[] _gradients;
    private readonly List<Tensor> _bound = [];
    private readonly Dictionary<long, long[]> _expanded = [];

    /// <summary>Makes the views.</summary>
    /// <param name="shape">Shape of every network; its padding is never touched by torch.</param>
    /// <param name="parameters">The parameters.</param>
    /// <param name="trained">Whether they are trained.</param>
    public MlpGroup(MlpShape shape, ParameterBlock parameters, bool trained)
        : base(parameters)
    {
        _shape = shape;
        (int hidden, int stride) = (shape.Hidden, shape.HiddenStride);
        _places =
        [
            new(shape.Weight1, shape.Inputs, hidden, stride), new(shape.Bias1, 0, hidden, stride),
            new(shape.Weight2, hidden, hidden, stride), new(shape.Bias2, 0, hidden, stride),
            new(shape.Weight3, hidden, shape.Outputs, shape.OutputStride),
            new(shape.Bias3, 0, shape.Outputs, shape.OutputStride),
        ];
        _frozen = [.. _places.Select(place => View(parameters.Values, place, trains: false))];
        Leaves = trained ? [.. _places.Select(place => View(parameters.Values, place, trains: true))] : [];
        _gradients = parameters.Gradient is null
            ? []
            : [.. _places.Select(place => View(parameters.Gradient, place, trains: false))];
    }

    /// <inheritdoc/>
    protected override Tensor[] Leaves { get; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor input, bool trains)
    {
        Tensor[] tensors = trains ? Leaves : _frozen;
        Tensor x = Count == 1 ? input : input.expand(Expanded(input.size(0)));
        x = Linear(x, tensors[0], tensors[1]).relu_();
        x = Linear(x, tensors[2], tensors[3]).relu_();
        return Linear(x, tensors[4], tensors[5]);
    }

    /// <summary>
    /// Makes the parameters of a module of this shape views of one network's: the module then follows the training.
    /// </summary>
    /// <param name="network">Which network.</param>
    /// <param name="module">
    /// Linear, ReLU, Linear, ReLU, Linear; gets memory of its own back when the group is disposed.
    /// </param>
    public void Bind(int network, TensorModule module)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        module.to(Parameters.Values.device);
        int leaf = 0;
        foreach (Tensor parameter in module.parameters())
        {
            Place place = _places[leaf++];
            (long[] sizes, long[] strides) = place.Rows == 0
                ? (new long[] { place.Columns }, new long[] { 1 })
                : ([place.Columns, place.Rows], [1, place.Stride]);
            parameter.set_(
                Parameters.Values.as_strided(sizes, strides, ((long)network * Parameters.Length) + place.Start));
            _bound.Add(parameter);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        using (DisposeScope scope = NewDisposeScope())
        using (no_grad())
        {
            foreach (Tensor parameter in _bound)
            {
                parameter.set_(parameter.contiguous().clone());
            }
        }

        foreach (Tensor view in (IEnumerable<Tensor>)[.. _frozen, .. Leaves, .. _gradients])
        {
            view.Dispose();
        }

        base.Dispose();
    }

    /// <inheritdoc/>
    protected override unsafe void Store(int leaf, Tensor gradient)
    {
        if (!Parameters.IsShared)
        {
            _gradients[leaf].copy_(gradient);
            return;
        }

        Place place = _places[leaf];
        float* from = TorchMemory.Address(gradient.contiguous());
        for (int network = 0; network < Count; network++)
        {
            Span<float> to = Parameters.State(network, 0)[place.Start..];
            for (int row = 0; row < Math.Max(place.Rows, 1); row++, from += place.Columns)
            {
                new ReadOnlySpan<float>(from, place.Columns).CopyTo(to[(row * place.Stride)..]);
            }
        }
    }

    private Tensor Linear(Tensor x, Tensor weight, Tensor bias)
    {
        if (Count == 1)
        {
            return bias.addmm(x, weight);
        }

        nint result = NativeMethods.THSTensor_baddbmm(x.Handle, weight.Handle, bias.Handle, 1f, 1f);
        if (result == 0)
        {
            CheckForErrors();
        }

        return Tensor.UnsafeCreateTensor(result);
    }

    private long[] Expanded(long rows)
    {
        if (!_expanded.TryGetValue(rows, out long[]? sizes))
        {
            sizes = [Count, rows, _shape.Inputs];
            _expanded.Add(rows, sizes);
        }

        return sizes;
    }

    // A leaf of its own over a part of flat memory.
    private Tensor View(Tensor flat, Place place, bool trains)
    {
        using DisposeScope scope = NewDisposeScope();
        long[] sizes = place.Rows == 0
            ? (Count == 1 ? [place.Columns] : [Count, 1, place.Columns])
            : (Count == 1 ? [place.Rows, place.Columns] : [Count, place.Rows, place.Columns]);
        long[] strides =
            sizes.Length switch { 1 => [1], 2 => [place.Stride, 1], _ => [Parameters.Length, place.Stride, 1] };
        Tensor view = flat.as_strided(sizes, strides, place.Start).detach();
        view.requires_grad = trains;
        return view.DetachFromDisposeScope();
    }

    // Where a network's weights (by input unit) or biases (Rows = 0) lie.
    private readonly record struct Place(int Start, int Rows, int Columns, int Stride);
}

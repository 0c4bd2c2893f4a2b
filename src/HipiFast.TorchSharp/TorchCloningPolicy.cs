using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Learning;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp;

/// <summary>The network of behavior cloning with forward and backward passes in torch; otherwise as <see cref="CloningPolicy"/>.</summary>
public sealed unsafe class TorchCloningPolicy : ICloningPolicy
{
    private readonly ComputeSession _session;
    private readonly Device _device;
    private readonly MlpParameters _parameters;
    private readonly NativeBuffer<float> _state;
    private readonly ParameterBlock _host;
    private readonly MlpGroup _network;
    private readonly SacOptions _options;
    private long _step;

    /// <summary>Makes a policy with fresh parameters.</summary>
    /// <param name="backend">Kernels.</param>
    /// <param name="shape">S + P inputs, A outputs.</param>
    /// <param name="capacity">Most rows of one call, 1 or more.</param>
    /// <param name="learningRate">Adam's step size, above 0.</param>
    /// <param name="seed">Philox key of the initial parameters.</param>
    /// <param name="torchOptions">Options of torch; null for the CPU.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="NotSupportedException">libtorch or the device cannot be used here; the message says what to install.</exception>
    public TorchCloningPolicy(KernelBackend backend, MlpShape shape, int capacity, float learningRate, ulong seed, TorchOptions? torchOptions = null)
    {
        ArgumentNullException.ThrowIfNull(backend);
        torchOptions ??= new TorchOptions();
        torchOptions.Apply((long)capacity * shape.Hidden * shape.Hidden);
        _session = backend.CreateSession(new SessionOptions(1));
        _device = device(torchOptions.Device);
        _options = new SacOptions { LearningRate = learningRate };
        _parameters = new MlpParameters(shape);
        _parameters.Initialize(seed, 0);
        _state = new NativeBuffer<float>((long)NetworkOptimizer.Parts * shape.Length);
        _host = new ParameterBlock(_parameters.Pointer, 1, shape.Length, _state);
        _network = new MlpGroup(
            shape, torchOptions.SharesMemory ? _host : new ParameterBlock(1, shape.Length, trained: true, _device), trained: true);
        Upload();
    }

    /// <inheritdoc/>
    public MlpShape Shape => _parameters.Shape;

    /// <inheritdoc/>
    public double Step(in MatrixView input, in MatrixView target)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor output = _network.Forward(Place(input), trains: true);
        Tensor loss = nn.functional.mse_loss(output, Place(target));
        float error = TorchMemory.Entries(loss.cpu())[0];
        _network.Differentiate(loss);
        _network.Parameters.Step(_session.Dense, _options, ++_step, null);
        return error;
    }

    /// <inheritdoc/>
    public void Predict(in MatrixView input, in MatrixView output)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        ReadOnlySpan<float> values = TorchMemory.Entries(_network.Forward(Place(input), trains: false).cpu().contiguous());
        for (int row = 0; row < input.Rows; row++)
        {
            values.Slice(row * Shape.Outputs, Shape.Outputs).CopyTo(new Span<float>(output.Row(row), Shape.Outputs));
        }
    }

    /// <inheritdoc/>
    public void Export(MlpParameters parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        if (!_network.Parameters.IsShared)
        {
            _network.Parameters.CopyTo(_host, withMoments: false);
        }

        parameters.CopyFrom(_parameters);
    }

    /// <inheritdoc/>
    public void Import(MlpParameters parameters)
    {
        _parameters.CopyFrom(parameters);
        Upload();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _network.Dispose();
        _host.Dispose();
        _state.Dispose();
        _parameters.Dispose();
        _session.Dispose();
    }

    private void Upload()
    {
        if (!_network.Parameters.IsShared)
        {
            _network.Parameters.CopyFrom(_host, withMoments: false);
        }
    }

    // The rows of a view as a tensor; on the CPU the same memory.
    private Tensor Place(in MatrixView view)
    {
        Tensor flat = TorchMemory.Share(view.Row(0), ((long)(view.Rows - 1) * view.Stride) + view.Columns);
        Tensor rows = flat.as_strided([view.Rows, view.Columns], [view.Stride, 1]);
        flat.Dispose();
        return _device.type == DeviceType.CPU ? rows : rows.to(_device);
    }
}

using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Learning;
using HipiFast.Storage;
using TorchSharp;
using static TorchSharp.torch;
using TensorModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace HipiFast.TorchSharp;

/// <summary>
/// The network of behavior cloning with forward and backward passes in torch, the standard one or a module of the
/// user's own; otherwise as <see cref="CloningPolicy"/>.
/// </summary>
/// <remarks>
/// The dispose scopes belong to the calling thread. A step allocates small managed objects, one per tensor, all of
/// which it disposes.
/// </remarks>
public sealed unsafe class TorchCloningPolicy : ICloningPolicy
{
    private readonly ComputeSession _session;
    private readonly Device _device;
    private readonly int _outputs;
    private readonly NetworkGroup _network;
    private readonly StandardNetwork? _standard;
    private readonly TensorModule? _module;
    private readonly Tensor _kept;
    private readonly SacOptions _options;
    private UseGuard _use;
    private long _step;

    /// <summary>Makes a policy with fresh parameters.</summary>
    /// <param name="backend">Kernels.</param>
    /// <param name="shape">S + P inputs, A outputs.</param>
    /// <param name="capacity">Most rows of one call, 1 or more.</param>
    /// <param name="learningRate">Adam's step size, above 0.</param>
    /// <param name="seed">Philox key of the initial parameters.</param>
    /// <param name="torchOptions">Options of torch; null for the CPU.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="NotSupportedException">
    /// libtorch or the device cannot be used here; the message says what to install.
    /// </exception>
    public TorchCloningPolicy(
        KernelBackend backend, MlpShape shape, int capacity, float learningRate, ulong seed,
        TorchOptions? torchOptions = null)
        : this(
            backend, shape.Outputs, (long)capacity * shape.Hidden * shape.Hidden, learningRate,
            torchOptions ??= new TorchOptions())
    {
        _standard = new StandardNetwork(shape, seed);
        ParameterBlock host = _standard.Block;
        _network = new MlpGroup(
            shape, torchOptions.SharesMemory ? host : new ParameterBlock(1, shape.Length, trained: true, _device),
            trained: true);
        if (!torchOptions.SharesMemory)
        {
            _network.Parameters.CopyFrom(host, withMoments: false);
        }

        _kept = Copy(_network);
    }

    /// <summary>Makes a policy of a module of the caller's own.</summary>
    /// <param name="backend">Kernels.</param>
    /// <param name="module">
    /// <c>[rows, inputs]</c> (state, task) to <c>[rows, outputs]</c> (actions); float32 parameters, no buffers. They
    /// move into the policy's flat memory and train in place; the module stays the caller's to dispose, after the
    /// policy. It is in its training mode for steps and not for predictions.
    /// </param>
    /// <param name="inputs">S + P, or S for a policy that does not see the task.</param>
    /// <param name="outputs">A.</param>
    /// <param name="learningRate">Adam's step size, above 0.</param>
    /// <param name="torchOptions">Options of torch; null for the CPU.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or the module does not fit.</exception>
    /// <exception cref="NotSupportedException">
    /// libtorch or the device cannot be used here; the message says what to install.
    /// </exception>
    public TorchCloningPolicy(
        KernelBackend backend, TensorModule module, int inputs, int outputs, float learningRate,
        TorchOptions? torchOptions = null)
        : this(backend, outputs, 0, learningRate, torchOptions ??= new TorchOptions())
    {
        ArgumentNullException.ThrowIfNull(module);
        _module = module;
        try
        {
            _network = ModuleGroup.Create("policy", [module], trained: true, _device, torchOptions.SharesMemory);
            _network.CheckOutputs("policy", inputs, outputs, _device);
        }
        catch
        {
            _network?.Dispose();
            _session.Dispose();
            throw;
        }

        _kept = Copy(_network);
    }

    private TorchCloningPolicy(
        KernelBackend backend, int outputs, long work, float learningRate, TorchOptions torchOptions)
    {
        ArgumentNullException.ThrowIfNull(backend);
        torchOptions.Apply(work);
        _session = backend.CreateSession(new SessionOptions(1));
        _device = device(torchOptions.Device);
        _outputs = outputs;
        _options = new SacOptions { LearningRate = learningRate };
        _options.Validate();
        _network = null!;
        _kept = null!;
    }

    /// <inheritdoc/>
    public double Step(in MatrixView input, in MatrixView target)
    {
        using UseGuard.Scope use = _use.Enter(this);
        using DisposeScope scope = NewDisposeScope();
        SetMode(trains: true);
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
        using UseGuard.Scope use = _use.Enter(this);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        SetMode(trains: false);
        ReadOnlySpan<float> values = TorchMemory.Entries(
            _network.Forward(Place(input), trains: false).cpu().contiguous());
        for (int row = 0; row < input.Rows; row++)
        {
            values.Slice(row * _outputs, _outputs).CopyTo(new Span<float>(output.Row(row), _outputs));
        }
    }

    /// <inheritdoc/>
    public void Keep()
    {
        using UseGuard.Scope use = _use.Enter(this);
        Move(_network.Parameters.Values, _kept);
    }

    /// <inheritdoc/>
    public void Restore()
    {
        using UseGuard.Scope use = _use.Enter(this);
        Move(_kept, _network.Parameters.Values);
    }

    /// <inheritdoc/>
    /// <remarks>Parameters of a module have the names that the module gives them.</remarks>
    public void AddTo(SafetensorsWriter writer, string name)
    {
        ArgumentNullException.ThrowIfNull(writer);
        using UseGuard.Scope use = _use.Enter(this);
        if (_standard is null)
        {
            ((ModuleGroup)_network).AddTo(writer, string.Empty, [name], withMoments: false);
            return;
        }

        if (!_network.Parameters.IsShared)
        {
            _network.Parameters.CopyTo(_standard.Block, withMoments: false);
        }

        AgentFile.AddNetwork(writer, name, _standard.Parameters);
    }

    /// <summary>Gives memory and kernels back; a module that was given stays. A second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A call is under way.</exception>
    public void Dispose()
    {
        if (!_use.Close(this))
        {
            return;
        }

        _kept.Dispose();
        _network.Dispose();
        _standard?.Dispose();
        _session.Dispose();
    }

    private static Tensor Copy(NetworkGroup network)
    {
        using IDisposable noGradient = no_grad();
        return network.Parameters.Values.clone().DetachFromDisposeScope();
    }

    private static void Move(Tensor from, Tensor to)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        to.copy_(from);
    }

    private void SetMode(bool trains)
    {
        if (_module is not null && _module.training != trains)
        {
            _module.train(trains);
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

    /// <summary>
    /// The standard network on the host: where torch trains it, on the CPU, and where it comes from and goes to, on a
    /// device.
    /// </summary>
    private sealed class StandardNetwork : IDisposable
    {
        private readonly NativeBuffer<float> _state;

        public StandardNetwork(MlpShape shape, ulong seed)
        {
            Parameters = new MlpParameters(shape);
            Parameters.Initialize(seed, 0);
            _state = new NativeBuffer<float>((long)NetworkOptimizer.Parts * shape.Length);
            Block = new ParameterBlock(Parameters.Pointer, 1, shape.Length, _state);
        }

        public MlpParameters Parameters { get; }

        public ParameterBlock Block { get; }

        public void Dispose()
        {
            Block.Dispose();
            _state.Dispose();
            Parameters.Dispose();
        }
    }
}

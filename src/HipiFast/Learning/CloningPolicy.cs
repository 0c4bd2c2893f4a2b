using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Storage;

namespace HipiFast.Learning;

/// <summary>A cloning policy on the dense kernels of a backend, on one thread.</summary>
public sealed unsafe class CloningPolicy : ICloningPolicy
{
    private readonly ComputeSession _session;
    private readonly IDenseKernel _dense;
    private readonly MlpParameters _network;
    private readonly MlpParameters _kept;
    private readonly NetworkOptimizer _optimizer;
    private readonly MlpActivations _activations;
    private readonly SacOptions _options;
    private UseGuard _use;
    private long _step;

    /// <summary>Makes a policy with fresh parameters.</summary>
    /// <param name="backend">Kernels.</param>
    /// <param name="shape">S + P inputs, A outputs.</param>
    /// <param name="capacity">Most rows of one call, 1 or more.</param>
    /// <param name="learningRate">Adam's step size, above 0.</param>
    /// <param name="seed">Philox key of the initial parameters.</param>
    public CloningPolicy(KernelBackend backend, MlpShape shape, int capacity, float learningRate, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(backend);
        _session = backend.CreateSession(new SessionOptions(1));
        _dense = _session.Dense;
        _network = new MlpParameters(shape);
        _network.Initialize(seed, 0);
        _kept = new MlpParameters(shape);
        _optimizer = new NetworkOptimizer(_network);
        _activations = new MlpActivations(shape, capacity);
        _options = new SacOptions { LearningRate = learningRate };
    }

    /// <summary>The network.</summary>
    internal MlpParameters Network => _network;

    /// <inheritdoc/>
    public double Step(in MatrixView input, in MatrixView target)
    {
        using UseGuard.Scope use = _use.Enter(this);
        _dense.Forward(_network, input, _activations);
        MlpShape shape = _network.Shape;
        double squares = 0, count = (double)input.Rows * shape.Outputs;
        float factor = (float)(2 / count);
        for (int row = 0; row < input.Rows; row++)
        {
            float* y = _activations.Output.Row(row), wanted = target.Row(row),
                gradient = _activations.OutputGradient.Row(row);
            for (int i = 0; i < shape.Outputs; i++)
            {
                float error = y[i] - wanted[i];
                squares += (double)error * error;
                gradient[i] = factor * error;
            }
        }

        _dense.Backward(_network, input, _activations, _optimizer.Gradient, default, 0);
        _optimizer.Step(_dense, _options, ++_step);
        return squares / count;
    }

    /// <inheritdoc/>
    public void Predict(in MatrixView input, in MatrixView output)
    {
        using UseGuard.Scope use = _use.Enter(this);
        _dense.Forward(_network, input, _activations);
        int outputs = _network.Shape.Outputs;
        for (int row = 0; row < input.Rows; row++)
        {
            new ReadOnlySpan<float>(
                _activations.Output.Row(row), outputs).CopyTo(new Span<float>(output.Row(row), outputs));
        }
    }

    /// <inheritdoc/>
    public void Keep()
    {
        using UseGuard.Scope use = _use.Enter(this);
        _kept.CopyFrom(_network);
    }

    /// <inheritdoc/>
    public void Restore()
    {
        using UseGuard.Scope use = _use.Enter(this);
        _network.CopyFrom(_kept);
    }

    /// <inheritdoc/>
    public void AddTo(SafetensorsWriter writer, string name)
    {
        using UseGuard.Scope use = _use.Enter(this);
        AgentFile.AddNetwork(writer, name, _network);
    }

    /// <summary>Gives memory and kernels back; a second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">A call is under way.</exception>
    public void Dispose()
    {
        if (!_use.Close(this))
        {
            return;
        }

        _activations.Dispose();
        _optimizer.Dispose();
        _network.Dispose();
        _kept.Dispose();
        _session.Dispose();
    }
}

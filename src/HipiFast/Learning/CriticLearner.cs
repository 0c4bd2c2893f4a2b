using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;

namespace HipiFast.Learning;

/// <summary>
/// One critic, its target and the memory that their updates need. The critics of an agent share nothing, so they can
/// run on two threads.
/// </summary>
internal sealed unsafe class CriticLearner : IDisposable
{
    private readonly IDenseKernel _dense;
    private readonly MlpParameters _online;
    private readonly MlpParameters _target;
    private readonly MlpActivations _onlineActivations;
    private readonly MlpActivations _targetActivations;
    private readonly NativeBuffer<float> _values;
    private readonly int _actionDimension;

    public CriticLearner(
        IDenseKernel dense, MlpParameters online, MlpParameters target, int capacity, int actionDimension)
    {
        _dense = dense;
        _online = online;
        _target = target;
        _actionDimension = actionDimension;
        _onlineActivations = new MlpActivations(online.Shape, capacity);
        _targetActivations = new MlpActivations(online.Shape, capacity);
        _values = new NativeBuffer<float>((long)capacity * (3 + actionDimension));
        Value = _values.Pointer;
        Slope = Value + capacity;
        TargetValue = Slope + capacity;
        ActionGradient = TargetValue + capacity;
        Optimizer = new NetworkOptimizer(online);
    }

    public NetworkOptimizer Optimizer { get; }

    /// <summary>Q of the last forward pass, <c>[rows]</c>.</summary>
    public float* Value { get; }

    /// <summary>
    /// dQ / d(network output) of the last forward pass, <c>[rows]</c>: 1 unless the critic is bounded.
    /// </summary>
    public float* Slope { get; }

    /// <summary>The target's Q(s', a'), <c>[rows]</c>.</summary>
    public float* TargetValue { get; }

    /// <summary>Gradient of the loss with respect to the action, <c>[rows][A]</c>.</summary>
    public float* ActionGradient { get; }

    /// <summary>
    /// Gradient of the loss with respect to the network's output, <c>[rows]</c>; the caller fills it.
    /// </summary>
    public float* OutputGradient => _onlineActivations.OutputGradient.Row(0);

    /// <summary>Q of the online network.</summary>
    public void Evaluate(in MatrixView input, CriticRange range) =>
        Evaluate(_online, _onlineActivations, input, range, Value, Slope);

    /// <summary>Q of the target network.</summary>
    public void EvaluateTarget(in MatrixView input, CriticRange range)
    {
        // The slope is not wanted here; the online evaluation that follows overwrites it.
        Evaluate(_target, _targetActivations, input, range, TargetValue, Slope);
    }

    /// <summary>
    /// One Adam step along the gradient that <see cref="OutputGradient"/> implies, then the target's Polyak step.
    /// </summary>
    public void Improve(in MatrixView input, SacOptions options, long step)
    {
        _dense.Backward(_online, input, _onlineActivations, Optimizer.Gradient, default, 0);
        Optimizer.Step(_dense, options, step, _target);
    }

    /// <summary>Fills <see cref="ActionGradient"/> from <see cref="OutputGradient"/>.</summary>
    public void BackwardToAction(in MatrixView input, int firstActionColumn)
    {
        MatrixView gradient = new((nint)ActionGradient, input.Rows, _actionDimension, _actionDimension);
        _dense.Backward(_online, input, _onlineActivations, [], gradient, firstActionColumn);
    }

    public void Dispose()
    {
        _onlineActivations.Dispose();
        _targetActivations.Dispose();
        _values.Dispose();
        Optimizer.Dispose();
    }

    private void Evaluate(
        MlpParameters network, MlpActivations activations, in MatrixView input, CriticRange range, float* value,
        float* slope)
    {
        _dense.Forward(network, input, activations);
        float* output = activations.Output.Row(0);
        if (!range.IsBounded)
        {
            new Span<float>(output, input.Rows).CopyTo(new Span<float>(value, input.Rows));
            new Span<float>(slope, input.Rows).Fill(1f);
            return;
        }

        float width = range.High - range.Low;
        for (int row = 0; row < input.Rows; row++)
        {
            float sigmoid = 1f / (1f + MathF.Exp(-output[row]));
            value[row] = range.Low + (width * sigmoid);
            slope[row] = width * sigmoid * (1f - sigmoid);
        }
    }
}

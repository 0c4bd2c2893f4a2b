using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Memory;
using HipiFast.Learning;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp;

/// <summary>
/// The parameters of C networks of one shape as one flat tensor, network c at floats [c N, (c + 1) N); their gradients
/// and Adam moments likewise. Clipping, Adam and the target's step are a handful of calls however many parameters the
/// networks have.
/// </summary>
/// <remarks>
/// In shared memory one kernel call per network does all three. On a device they are torch operations on the flat
/// tensors.
/// </remarks>
internal sealed unsafe class ParameterBlock : IDisposable
{
    private readonly NativeBuffer<float>? _values;
    private readonly NativeBuffer<float>? _state;
    private readonly float* _valuesPointer;
    private readonly Tensor? _firstMoment;
    private readonly Tensor? _secondMoment;

    /// <summary>Parameters in memory that is there already.</summary>
    /// <param name="values">C N floats; must outlive this object.</param>
    /// <param name="count">C.</param>
    /// <param name="length">N.</param>
    /// <param name="state">
    /// Gradients, first moments and second moments, each of C N floats; null for networks that are not trained. Must
    /// outlive this object.
    /// </param>
    public ParameterBlock(float* values, int count, int length, NativeBuffer<float>? state)
    {
        Count = count;
        Length = length;
        _valuesPointer = values;
        _state = state;
        Values = TorchMemory.Share(values, (long)count * length);
    }

    /// <summary>Zero parameters in memory of their own.</summary>
    /// <param name="count">C.</param>
    /// <param name="length">N.</param>
    /// <param name="trained">Whether they have gradients.</param>
    /// <param name="device">Where; null for memory shared with the kernels.</param>
    public ParameterBlock(int count, int length, bool trained, Device? device)
    {
        Count = count;
        Length = length;
        long floats = (long)count * length;
        if (device is null)
        {
            _values = new NativeBuffer<float>(floats);
            _valuesPointer = _values.Pointer;
            _state = trained ? new NativeBuffer<float>(NetworkOptimizer.Parts * floats) : null;
            Values = TorchMemory.Share(_valuesPointer, floats);
            return;
        }

        Values = Zeros();
        if (trained)
        {
            Gradient = Zeros();
            _firstMoment = Zeros();
            _secondMoment = Zeros();
        }

        Tensor Zeros() => zeros(floats, ScalarType.Float32, device).DetachFromDisposeScope();
    }

    /// <summary>C.</summary>
    public int Count { get; }

    /// <summary>N.</summary>
    public int Length { get; }

    /// <summary>The parameters, <c>[C N]</c>.</summary>
    public Tensor Values { get; }

    /// <summary>
    /// The gradient, <c>[C N]</c>; null for networks that are not trained, and in shared memory (<see cref="State"/>).
    /// </summary>
    public Tensor? Gradient { get; }

    /// <summary>Whether there are gradients and moments.</summary>
    public bool IsTrained => _state is not null || Gradient is not null;

    /// <summary>
    /// Copies parameters (0), first (1) or second moments (2) of all networks, <c>[C N]</c>, to
    /// <paramref name="destination"/>.
    /// </summary>
    public void Read(int kind, Span<float> destination)
    {
        if (IsShared)
        {
            Shared(kind).CopyTo(destination);
            return;
        }

        fixed (float* host = destination)
        {
            Download(OnDevice(kind), host);
        }
    }

    /// <summary>Overwrites what <see cref="Read"/> reads.</summary>
    public void Write(int kind, ReadOnlySpan<float> source)
    {
        if (IsShared)
        {
            source.CopyTo(Shared(kind));
            return;
        }

        fixed (float* host = source)
        {
            Upload(host, OnDevice(kind));
        }
    }

    /// <summary>Whether the memory is shared with the kernels.</summary>
    public bool IsShared => _valuesPointer is not null;

    /// <summary>
    /// One Adam step of every network along its gradient, clipped by its norm, and the step of the targets behind them.
    /// </summary>
    /// <param name="dense">Kernels, for shared memory.</param>
    /// <param name="options">Step size, largest norm and tau.</param>
    /// <param name="step">Number of the step, from 1.</param>
    /// <param name="target">The networks that follow these, or null.</param>
    public void Step(IDenseKernel dense, SacOptions options, long step, ParameterBlock? target)
    {
        if (!IsShared)
        {
            StepOnDevice(options, step, target);
            return;
        }

        for (int network = 0; network < Count; network++)
        {
            NetworkOptimizer.StepBlock(
                dense, options, step, State(network, 0), Network(network), State(network, 1), State(network, 2),
                target is null ? [] : target.Network(network));
        }
    }

    /// <summary>Copies parameters, and moments if wanted, from a device into shared memory of the same shape.</summary>
    public void CopyTo(ParameterBlock host, bool withMoments)
    {
        for (int kind = 0; kind < (withMoments ? NetworkOptimizer.Parts : 1); kind++)
        {
            Read(kind, host.Shared(kind));
        }
    }

    /// <summary>
    /// Copies parameters, and moments if wanted, from shared memory of the same shape to this device.
    /// </summary>
    public void CopyFrom(ParameterBlock host, bool withMoments)
    {
        for (int kind = 0; kind < (withMoments ? NetworkOptimizer.Parts : 1); kind++)
        {
            Write(kind, host.Shared(kind));
        }
    }

    /// <summary>Shows the parameters on a device to the kernels of a runtime of that device, in place.</summary>
    /// <param name="kernels">The runtime.</param>
    /// <returns>C N floats; dispose it before the runtime and before this object.</returns>
    public DeviceBuffer Share(DeviceRuntime kernels) =>
        kernels.Share((ulong)TorchMemory.Address(Values), (long)Count * Length * sizeof(float));

    /// <summary>Parameters of one network, in shared memory.</summary>
    public Span<float> Network(int network) => new(_valuesPointer + ((nint)network * Length), Length);

    /// <summary>Gradient (0), first (1) or second moment (2) of one network, in shared memory.</summary>
    public Span<float> State(int network, int part) => _state!.Slice((((long)part * Count) + network) * Length, Length);

    public void Dispose()
    {
        Values.Dispose();
        Gradient?.Dispose();
        _firstMoment?.Dispose();
        _secondMoment?.Dispose();
        if (_values is not null)
        {
            _values.Dispose();
            _state?.Dispose();
        }
    }

    private void StepOnDevice(SacOptions options, long step, ParameterBlock? target)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        AdamStep adam = new(options.LearningRate, step);
        Tensor gradient = Gradient!;
        if (options.GradientClipNorm > 0)
        {
            using Scalar largest = options.GradientClipNorm;
            Tensor rows = gradient.view(Count, Length);
            Tensor factor =
                rows.mul(rows).sum(1, keepdim: true).sqrt_().reciprocal_().mul_(largest).clamp_max_(Scalars.One);
            gradient = rows.mul(factor).view(-1);
        }

        using Scalar beta1 = adam.Beta1, beta2 = adam.Beta2, rest1 = 1 - adam.Beta1, rest2 = 1 - adam.Beta2;
        using Scalar correction = adam.RootCorrection, epsilon = adam.Epsilon, rate = -adam.CorrectedRate;
        _firstMoment!.mul_(beta1).add_(gradient, rest1);
        _secondMoment!.mul_(beta2).addcmul_(gradient, gradient, rest2);
        Tensor denominator = _secondMoment.sqrt().mul_(correction).add_(epsilon);
        Values.addcdiv_(_firstMoment, denominator, rate);
        if (target is not null)
        {
            using Scalar tau = options.Tau, rest = 1 - options.Tau;
            target.Values.mul_(rest).add_(Values, tau);
        }
    }

    private Span<float> Shared(int kind) =>
        kind == 0
            ? new Span<float>(_valuesPointer, Count * Length)
            : _state!.Slice((long)kind * Count * Length, Count * Length);

    private Tensor OnDevice(int kind) => kind switch
    {
        0 => Values,
        1 => _firstMoment!,
        _ => _secondMoment!,
    };

    private static void Download(Tensor source, float* destination)
    {
        using DisposeScope scope = NewDisposeScope();
        using Tensor host = TorchMemory.Share(destination, source.numel());
        host.copy_(source);
    }

    private static void Upload(float* source, Tensor destination)
    {
        using Tensor host = TorchMemory.Share(source, destination.numel());
        destination.copy_(host);
    }
}

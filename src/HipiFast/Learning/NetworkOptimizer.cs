using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Storage;

namespace HipiFast.Learning;

/// <summary>One network's gradient and Adam moments.</summary>
internal sealed class NetworkOptimizer : IDisposable
{
    /// <summary>Gradient, first moment, second moment.</summary>
    public const int Parts = 3;

    private readonly NativeBuffer<float> _memory;
    private readonly long _start;
    private readonly long _partStride;
    private readonly bool _ownsMemory;

    public NetworkOptimizer(MlpParameters network)
        : this(network, new NativeBuffer<float>((long)Parts * network.Shape.Length), 0, network.Shape.Length)
    {
        _ownsMemory = true;
    }

    /// <summary>An optimiser in memory of the caller's.</summary>
    /// <param name="network">The parameters.</param>
    /// <param name="memory">Zeroed memory; stays the caller's to dispose.</param>
    /// <param name="start">First float of the gradient.</param>
    /// <param name="partStride">Floats from the gradient to the first moment, and from there to the second.</param>
    public NetworkOptimizer(MlpParameters network, NativeBuffer<float> memory, long start, long partStride)
    {
        Network = network;
        _memory = memory;
        _start = start;
        _partStride = partStride;
    }

    /// <summary>The parameters that <see cref="Step"/> changes.</summary>
    public MlpParameters Network { get; }

    /// <summary>The gradient in the layout of the network's shape; not scaled by clipping.</summary>
    public Span<float> Gradient => Part(0);

    /// <summary>Running mean of the clipped gradient.</summary>
    public Span<float> FirstMoment => Part(1);

    /// <summary>Running mean of the clipped gradient's square.</summary>
    public Span<float> SecondMoment => Part(2);

    /// <summary>
    /// One Adam step along <see cref="Gradient"/>, its norm clipped, and the step of a target behind it.
    /// </summary>
    /// <param name="dense">Kernels.</param>
    /// <param name="options">Step size, largest norm and tau.</param>
    /// <param name="step">Number of the step, from 1.</param>
    /// <param name="target">The network that follows this one, or null.</param>
    public void Step(IDenseKernel dense, SacOptions options, long step, MlpParameters? target = null)
    {
        StepBlock(
            dense, options, step, Gradient, Network.Values, FirstMoment, SecondMoment,
            target is null ? [] : target.Values);
        Network.MarkChanged();
        target?.MarkChanged();
    }

    /// <summary>The same on parameters of any layout; the target is empty when there is none.</summary>
    public static void StepBlock(
        IDenseKernel dense, SacOptions options, long step, ReadOnlySpan<float> gradient, Span<float> parameters,
        Span<float> firstMoment,
        Span<float> secondMoment, Span<float> target)
    {
        float scale = 1f;
        if (options.GradientClipNorm > 0)
        {
            double norm = Math.Sqrt(dense.SquaredNorm(gradient));
            scale = norm > options.GradientClipNorm ? (float)(options.GradientClipNorm / norm) : 1f;
        }

        AdamStep adam = new(options.LearningRate, step, GradientScale: scale, TargetUpdateRate: options.Tau);
        dense.Adam(adam, gradient, parameters, firstMoment, secondMoment, target);
    }

    /// <summary>
    /// Adds both moments under <paramref name="name"/>, in the network's own tensor names and layout.
    /// </summary>
    public void AddTo(SafetensorsWriter writer, string name)
    {
        using MlpParameters copy = new(Network.Shape);
        FirstMoment.CopyTo(copy.Values);
        AgentFile.AddNetwork(writer, name + ".m", copy);
        SecondMoment.CopyTo(copy.Values);
        AgentFile.AddNetwork(writer, name + ".v", copy);
    }

    public void Load(SafetensorsFile file, string name)
    {
        using MlpParameters copy = new(Network.Shape);
        AgentFile.LoadNetwork(file, name + ".m", copy);
        copy.Values.CopyTo(FirstMoment);
        AgentFile.LoadNetwork(file, name + ".v", copy);
        copy.Values.CopyTo(SecondMoment);
    }

    public void Dispose()
    {
        if (_ownsMemory)
        {
            _memory.Dispose();
        }
    }

    private Span<float> Part(int index) => _memory.Slice(_start + (index * _partStride), Network.Shape.Length);
}

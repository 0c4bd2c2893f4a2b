using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Storage;

namespace HipiFast.Learning;

/// <summary>One network's gradient and Adam moments.</summary>
internal sealed class NetworkOptimizer(MlpParameters network) : IDisposable
{
    private readonly NativeBuffer<float> _gradient = new(network.Shape.Length);
    private readonly NativeBuffer<float> _firstMoment = new(network.Shape.Length);
    private readonly NativeBuffer<float> _secondMoment = new(network.Shape.Length);

    /// <summary>The parameters that <see cref="Step"/> changes.</summary>
    public MlpParameters Network { get; } = network;

    /// <summary>The gradient in the layout of the network's shape; not scaled by clipping.</summary>
    public Span<float> Gradient => _gradient.Span;

    /// <summary>Running mean of the clipped gradient.</summary>
    public Span<float> FirstMoment => _firstMoment.Span;

    /// <summary>One Adam step along <see cref="Gradient"/>, its norm clipped, and the step of a target behind it.</summary>
    /// <param name="dense">Kernels.</param>
    /// <param name="options">Step size, largest norm and tau.</param>
    /// <param name="step">Number of the step, from 1.</param>
    /// <param name="target">The network that follows this one, or null.</param>
    public void Step(IDenseKernel dense, SacOptions options, long step, MlpParameters? target = null)
    {
        float scale = 1f;
        if (options.GradientClipNorm > 0)
        {
            double norm = Math.Sqrt(dense.SquaredNorm(Gradient));
            scale = norm > options.GradientClipNorm ? (float)(options.GradientClipNorm / norm) : 1f;
        }

        AdamStep adam = new(options.LearningRate, step, GradientScale: scale, TargetUpdateRate: options.Tau);
        dense.Adam(adam, Gradient, Network.Values, _firstMoment.Span, _secondMoment.Span, target is null ? [] : target.Values);
        Network.MarkChanged();
        target?.MarkChanged();
    }

    /// <summary>Adds both moments under <paramref name="name"/>, in the network's own tensor names and layout.</summary>
    public void AddTo(SafetensorsWriter writer, string name)
    {
        using MlpParameters copy = new(Network.Shape);
        _firstMoment.Span.CopyTo(copy.Values);
        AgentFile.AddNetwork(writer, name + ".m", copy);
        _secondMoment.Span.CopyTo(copy.Values);
        AgentFile.AddNetwork(writer, name + ".v", copy);
    }

    public void Load(SafetensorsFile file, string name)
    {
        using MlpParameters copy = new(Network.Shape);
        AgentFile.LoadNetwork(file, name + ".m", copy);
        copy.Values.CopyTo(_firstMoment.Span);
        AgentFile.LoadNetwork(file, name + ".v", copy);
        copy.Values.CopyTo(_secondMoment.Span);
    }

    public void Dispose()
    {
        _gradient.Dispose();
        _firstMoment.Dispose();
        _secondMoment.Dispose();
    }
}

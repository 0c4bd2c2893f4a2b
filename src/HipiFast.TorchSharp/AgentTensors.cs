using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Storage;
using TorchSharp;
using static TorchSharp.torch;
using TensorModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace HipiFast.TorchSharp;

/// <summary>An agent's networks as torch evaluates and trains them, wherever they live.</summary>
internal abstract class AgentTensors(TransitionShape shape, CriticRange range) : IDisposable
{
    private readonly Scalar? _low = range.IsBounded ? range.Low : null;
    private readonly Scalar? _width = range.IsBounded ? range.High - range.Low : null;

    /// <summary>Widths.</summary>
    protected TransitionShape Shape { get; } = shape;

    /// <summary>pi.</summary>
    public abstract NetworkGroup Actor { get; }

    /// <summary>Q.</summary>
    public abstract NetworkGroup Critics { get; }

    /// <summary>Slow copies of Q.</summary>
    public abstract NetworkGroup Targets { get; }

    /// <summary>Q of every critic.</summary>
    /// <param name="critics"><see cref="Critics"/> or <see cref="Targets"/>.</param>
    /// <param name="input">(state, action, task), <c>[rows, S + A + P]</c>.</param>
    /// <param name="trains">Whether a backward pass reaches the parameters.</param>
    /// <returns><c>[C, rows]</c>.</returns>
    public Tensor Values(NetworkGroup critics, Tensor input, bool trains)
    {
        Tensor output = critics.Forward(input, trains);
        Tensor value = critics.Count == 1 ? output.t() : output.squeeze(2);
        return _low is null ? value : value.sigmoid().mul(_width!).add(_low);
    }

    /// <summary>
    /// Says, after an update, that the weights have changed, and brings them to where the relabeler reads them.
    /// </summary>
    /// <param name="update">Number of the update, from 1.</param>
    public abstract void Publish(long update);

    /// <summary>
    /// Brings the weights to the host's networks where those are older and the relabeler reads torch's in place.
    /// </summary>
    public virtual void BringToHost()
    {
    }

    /// <summary>Writes the newest networks, atomically.</summary>
    /// <param name="path">File to make or replace.</param>
    public abstract void Save(string path);

    /// <summary>Adds networks and moments to a checkpoint.</summary>
    public abstract void AddTo(SafetensorsWriter writer, string prefix);

    /// <summary>Reads what <see cref="AddTo"/> wrote.</summary>
    public abstract void Load(SafetensorsFile file, string prefix);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        Actor.Dispose();
        Critics.Dispose();
        Targets.Dispose();
        _low?.Dispose();
        _width?.Dispose();
    }
}

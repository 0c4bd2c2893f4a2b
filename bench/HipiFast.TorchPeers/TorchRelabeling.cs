using HipiFast.Kernels.SoftQ;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchPeers;

/// <summary>How the pairs of transitions and tasks go through the networks.</summary>
internal enum PairStyle
{
    /// <summary>Every pair's (s, a, psi) is put together: a batch of B K rows.</summary>
    Eager,

    /// <summary>The first layer's products are taken once per transition and per task, and added per pair.</summary>
    Split,

    /// <summary>As <see cref="Split"/>, some transitions at a time: the pairs' layers stay in a cache.</summary>
    Tiled,
}

/// <summary>What a way of computing can be varied in.</summary>
/// <param name="Style">How pairs go through the networks.</param>
/// <param name="IsBf16">bfloat16 instead of float32.</param>
/// <param name="TilePairs">Most pairs of a tile, of one row at the least; 0 where all are one.</param>
/// <param name="Threads">Threads of one operation.</param>
internal readonly record struct PeerSetting(PairStyle Style, bool IsBf16, int TilePairs, int Threads)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{Style.ToString().ToLowerInvariant()}{(TilePairs > 0 ? $" {TilePairs}" : string.Empty)}, {Threads} thr.";
}

/// <summary>
/// Soft Q-values by twin critics (the paper's Eq. 8), their partition and a task for each transition, as a user of
/// torch writes them.
/// </summary>
internal sealed class TorchRelabeling : IDisposable
{
    private readonly PeerSetting _setting;
    private readonly TorchNetwork[] _critics;
    private readonly Tensor _pairs, _task;

    /// <summary>Copies a problem.</summary>
    /// <param name="problem">Transitions, tasks and critics, whose smaller value counts.</param>
    /// <param name="setting">How to compute it.</param>
    public TorchRelabeling(in SoftQProblem problem, PeerSetting setting)
    {
        ScalarType type = setting.IsBf16 ? ScalarType.BFloat16 : ScalarType.Float32;
        (int s, int a) = (problem.ObservationDimension, problem.ActionDimension);
        float[] pairs = new float[problem.Rows * (s + a)];
        for (int row = 0; row < problem.Rows; row++)
        {
            problem.Observation.Slice(row * s, s).CopyTo(pairs.AsSpan(row * (s + a)));
            problem.Action.Slice(row * a, a).CopyTo(pairs.AsSpan((row * (s + a)) + s));
        }

        _setting = setting;
        _critics = [new(problem.Critic1, type), new(problem.Critic2!, type)];
        _pairs = TorchNetwork.Make(pairs, type, problem.Rows, s + a);
        _task = TorchNetwork.Make(problem.Task.ToArray(), type, problem.Candidates, problem.TaskDimension);
    }

    /// <summary>B.</summary>
    public int Rows => (int)_pairs.shape[0];

    /// <summary>K.</summary>
    public int Candidates => (int)_task.shape[0];

    /// <summary>Q~.</summary>
    /// <returns><c>[B, K]</c> in float32; belongs to the caller's dispose scope.</returns>
    public Tensor SoftQ()
    {
        using IDisposable noGradients = no_grad();
        Tensor? smaller = null;
        foreach (TorchNetwork critic in _critics)
        {
            Tensor value = _setting.Style == PairStyle.Eager ? Eager(critic) : Split(critic);
            smaller = smaller is null ? value : minimum(smaller, value);
        }

        return smaller!.to_type(ScalarType.Float32);
    }

    /// <summary>A task for each transition, drawn with probability proportional to exp(Q~ - logZ).</summary>
    /// <returns>Indices of tasks <c>[B]</c> and logZ <c>[K]</c>; belong to the caller's dispose scope.</returns>
    public (Tensor Task, Tensor LogPartition) Relabel()
    {
        using IDisposable noGradients = no_grad();
        Tensor softQ = SoftQ();
        Tensor logPartition = softQ.logsumexp(0L, keepdim: false).sub_(Math.Log(Rows));
        Tensor posterior = softQ.sub(logPartition).softmax(1);
        return (multinomial(posterior, 1).squeeze(1), logPartition);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TorchNetwork critic in _critics)
        {
            critic.Dispose();
        }

        _pairs.Dispose();
        _task.Dispose();
    }

    private Tensor Eager(TorchNetwork critic)
    {
        (long b, long k) = (Rows, Candidates);
        Tensor left = _pairs.unsqueeze(1).expand(b, k, _pairs.shape[1]);
        Tensor right = _task.unsqueeze(0).expand(b, k, _task.shape[1]);
        return critic.Forward(cat([left, right], 2).reshape(b * k, -1)).reshape(b, k);
    }

    private Tensor Split(TorchNetwork critic)
    {
        int rowsOfTile = _setting.TilePairs == 0 ? Rows : Math.Clamp(_setting.TilePairs / Candidates, 1, Rows);
        Tensor ofRows = critic.FirstLayer(_pairs, 0, withBias: true).unsqueeze(1);
        Tensor ofTasks = critic.FirstLayer(_task, _pairs.shape[1], withBias: false).unsqueeze(0);
        List<Tensor> tiles = [];
        for (int row = 0; row < Rows; row += rowsOfTile)
        {
            // What a tile makes on its way is freed at its end, so that the next finds its memory warm.
            using DisposeScope scope = NewDisposeScope();
            int rows = Math.Min(rowsOfTile, Rows - row);
            Tensor sums = ofRows.narrow(0, row, rows).add(ofTasks).reshape((long)rows * Candidates, critic.Hidden);
            tiles.Add(critic.AfterFirst(sums).reshape(rows, Candidates).MoveToOuterDisposeScope());
        }

        return tiles.Count == 1 ? tiles[0] : cat(tiles, 0);
    }
}

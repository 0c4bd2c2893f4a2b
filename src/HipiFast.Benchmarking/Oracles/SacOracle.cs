using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Benchmarking.Oracles;

/// <summary>
/// The losses of SAC in double precision, written from the formulas, for one batch with the noise of one update.
/// </summary>
public sealed class SacOracle
{
    // Blocks of the noise of actions in the batch's own states come after those of the next ones.
    private const uint OwnStates = 32768;

    private readonly TransitionBatch _batch;
    private readonly TransitionShape _shape;
    private readonly int _firstRow;
    private readonly int _rows;
    private readonly ulong _seed;
    private readonly uint _update;
    private readonly PolicyOracle _policy;
    private readonly CriticOracle _targets;
    private CriticOracle _critics;

    /// <summary>Copies networks.</summary>
    /// <param name="networks">The networks before the update.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="firstRow">First of its rows that are learned from.</param>
    /// <param name="rows">How many are.</param>
    /// <param name="seed">The learner's seed.</param>
    /// <param name="update">Updates made before this one.</param>
    public SacOracle(AgentNetworks networks, TransitionBatch batch, int firstRow, int rows, ulong seed, uint update)
    {
        ArgumentNullException.ThrowIfNull(networks);
        ArgumentNullException.ThrowIfNull(batch);
        (_batch, _shape, _firstRow, _rows, _seed, _update) = (batch, batch.Shape, firstRow, rows, seed, update);
        _policy = new PolicyOracle(networks.Actor);
        _targets = new CriticOracle(networks.Target1, networks.Target2, networks.CriticRange);
        _critics = new CriticOracle(networks.Critic1, networks.Critic2, networks.CriticRange);
        Alpha = Math.Exp(networks.LogAlpha);
    }

    /// <summary>The actor.</summary>
    public NetworkOracle Actor => _policy.Network;

    /// <summary>The critics, one or two.</summary>
    public IReadOnlyList<NetworkOracle> Critics => _critics.Networks;

    /// <summary>The temperature.</summary>
    public double Alpha { get; set; }

    /// <summary>Copies the critics anew, as the actor's loss sees them after their step.</summary>
    /// <param name="networks">The networks.</param>
    public void SetCritics(AgentNetworks networks)
    {
        ArgumentNullException.ThrowIfNull(networks);
        _critics = new CriticOracle(networks.Critic1, networks.Critic2, networks.CriticRange);
    }

    /// <summary>What the critics are fitted to: r + gamma (min Q'(s', a', psi) - alpha log pi(a' | s', psi)).</summary>
    /// <param name="gamma">The discount.</param>
    /// <returns>One number for each row; r alone where the transition ends its episode.</returns>
    public double[] Regressands(double gamma)
    {
        double[] regressands = new double[_rows];
        for (int row = 0; row < _rows; row++)
        {
            double[] next = Row(_batch.NextObservation, row, _shape.ObservationDimension), task = TaskOf(row);
            (double[] action, double logProbability) = Sample([.. next, .. task], row, 0);
            double value = _targets.Value([.. next, .. action, .. task], TwinCombination.Min);
            double proceed = _batch.Terminated[_firstRow + row] == 0 ? 1 : 0;
            regressands[row] = _batch.Reward[_firstRow + row] + (gamma * proceed * (value - (Alpha * logProbability)));
        }

        return regressands;
    }

    /// <summary>The critics' loss: squared errors, summed over critics, meaned over rows.</summary>
    /// <param name="regressands">See <see cref="Regressands"/>.</param>
    /// <param name="scale">What they are multiplied with.</param>
    /// <returns>The loss.</returns>
    public double CriticLoss(double[] regressands, double scale)
    {
        ArgumentNullException.ThrowIfNull(regressands);
        double sum = 0;
        for (int row = 0; row < _rows; row++)
        {
            double[] action = Row(
                _batch.Action, row, _shape.ActionDimension), input = [.. StateOf(row), .. action, .. TaskOf(row)];
            sum += Critics.Sum(network => Math.Pow(_critics.Value(network, input) - regressands[row], 2));
        }

        return scale * sum / _rows;
    }

    /// <summary>The actor's loss: the mean of alpha log pi(a | s, psi) - min Q(s, a, psi).</summary>
    /// <returns>The loss.</returns>
    public double ActorLoss() => MeanOverRows((value, logProbability) => (Alpha * logProbability) - value);

    /// <summary>The mean of log pi(a | s, psi), which the temperature is stepped by.</summary>
    /// <returns>Nats.</returns>
    public double MeanLogProbability() => MeanOverRows((_, logProbability) => logProbability);

    /// <summary>Central finite differences of a loss by each parameter of a network.</summary>
    /// <param name="network">The network; left as it was.</param>
    /// <param name="loss">The loss.</param>
    /// <returns>At the places of <see cref="NetworkOracle.Values"/>; padding gets 0.</returns>
    public static double[] Differentiate(NetworkOracle network, Func<double> loss)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(loss);
        const double Step = 1e-6;
        double[] gradient = new double[network.Values.Length];
        foreach (int i in network.Indices())
        {
            double value = network.Values[i];
            network.Values[i] = value + Step;
            double above = loss();
            network.Values[i] = value - Step;
            gradient[i] = (above - loss()) / (2 * Step);
            network.Values[i] = value;
        }

        return gradient;
    }

    private double MeanOverRows(Func<double, double, double> term)
    {
        double sum = 0;
        for (int row = 0; row < _rows; row++)
        {
            double[] state = StateOf(row), task = TaskOf(row);
            (double[] action, double logProbability) = Sample([.. state, .. task], row, OwnStates);
            sum += term(_critics.Value([.. state, .. action, .. task], TwinCombination.Min), logProbability);
        }

        return sum / _rows;
    }

    private (double[] Action, double LogProbability) Sample(double[] input, int row, uint offset)
    {
        double[] noise = new double[_shape.ActionDimension];
        for (int d = 0; d < noise.Length; d++)
        {
            PhiloxBlock block = Philox.Next(
                (uint)row, (uint)(d / 4) + offset, _update, (uint)RandomPurpose.LearnerAction, _seed);
            (float cosine, float sine) = Philox.ToNormals(block[d & 2], block[(d & 2) + 1]);
            noise[d] = d % 2 == 0 ? cosine : sine;
        }

        return _policy.Sample(input, noise);
    }

    private double[] StateOf(int row) => Row(_batch.Observation, row, _shape.ObservationDimension);

    private double[] TaskOf(int row) => Row(_batch.Task, row, _shape.TaskDimension);

    private double[] Row(Span<float> values, int row, int columns)
    {
        double[] result = new double[columns];
        for (int i = 0; i < columns; i++)
        {
            result[i] = values[((_firstRow + row) * columns) + i];
        }

        return result;
    }
}

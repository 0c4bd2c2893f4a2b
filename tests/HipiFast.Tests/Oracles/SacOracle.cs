using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Tests.Oracles;

/// <summary>A network in double precision whose parameters keep the places that <see cref="MlpShape"/> gives them.</summary>
internal sealed class OracleNetwork
{
    private readonly MlpShape _shape;

    public OracleNetwork(MlpParameters network)
    {
        _shape = network.Shape;
        Values = new double[_shape.Length];
        for (int i = 0; i < Values.Length; i++)
        {
            Values[i] = network.Values[i];
        }
    }

    public double[] Values { get; }

    /// <summary>Indices of all weights and biases of all layers, padding left out.</summary>
    public IEnumerable<int> Indices()
    {
        foreach ((int start, int rows, int columns, int stride) in ((int, int, int, int)[])[
            (_shape.Weight1, _shape.Inputs + 1, _shape.Hidden, _shape.HiddenStride), (_shape.Weight2, _shape.Hidden, _shape.Hidden,
                _shape.HiddenStride),
            (_shape.Bias2, 1, _shape.Hidden, 0), (_shape.Weight3, _shape.Hidden, _shape.Outputs, _shape.OutputStride), (_shape.Bias3, 1,
                _shape.Outputs, 0)])
        {
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                {
                    yield return start + (row * stride) + column;
                }
            }
        }
    }

    public double[] Evaluate(double[] x) =>
        Layer(
            Layer(Layer(x, _shape.Weight1, _shape.Bias1, _shape.Hidden, _shape.HiddenStride, true), _shape.Weight2, _shape.Bias2, _shape.Hidden,
                _shape.HiddenStride, true),
            _shape.Weight3, _shape.Bias3, _shape.Outputs, _shape.OutputStride, false);

    private double[] Layer(double[] x, int weight, int bias, int outputs, int stride, bool relu)
    {
        double[] y = new double[outputs];
        for (int o = 0; o < outputs; o++)
        {
            y[o] = Values[bias + o];
            for (int i = 0; i < x.Length; i++)
            {
                y[o] += x[i] * Values[weight + (i * stride) + o];
            }

            y[o] = relu ? Math.Max(0, y[o]) : y[o];
        }

        return y;
    }
}

/// <summary>The three losses of SAC in double precision, written from the formulas, for one batch with the noise of one update.</summary>
internal sealed class SacOracle
{
    private readonly TransitionBatch _batch;
    private readonly TransitionShape _shape;
    private readonly int _firstRow;
    private readonly int _rows;
    private readonly ulong _seed;
    private readonly uint _update;
    private readonly CriticRange _range;

    public SacOracle(AgentNetworks networks, TransitionBatch batch, int firstRow, int rows, ulong seed, uint update)
    {
        (_batch, _shape, _firstRow, _rows, _seed, _update, _range) = (batch, batch.Shape, firstRow, rows, seed, update, networks.CriticRange);
        Actor = new OracleNetwork(networks.Actor);
        Targets = networks.Target2 is null ? [new(networks.Target1)] : [new(networks.Target1), new(networks.Target2)];
        Alpha = Math.Exp(networks.LogAlpha);
        SetCritics(networks);
    }

    public OracleNetwork Actor { get; }

    public OracleNetwork[] Critics { get; private set; } = [];

    public OracleNetwork[] Targets { get; }

    public double Alpha { get; set; }

    public void SetCritics(AgentNetworks networks) =>
        Critics = networks.Critic2 is null ? [new(networks.Critic1)] : [new(networks.Critic1), new(networks.Critic2)];

    /// <summary>y of every row.</summary>
    public double[] Regressands(double gamma)
    {
        double[] targets = new double[_rows];
        for (int row = 0; row < _rows; row++)
        {
            double[] next = Row(_batch.NextObservation, row, _shape.ObservationDimension), task = Row(_batch.Task, row, _shape.TaskDimension);
            (double[] action, double logProbability) = Sample([.. next, .. task], row, 0);
            double value = Targets.Min(network => Value(network, [.. next, .. action, .. task]));
            double proceed = _batch.Terminated[_firstRow + row] == 0 ? 1 : 0;
            targets[row] = _batch.Reward[_firstRow + row] + (gamma * proceed * (value - (Alpha * logProbability)));
        }

        return targets;
    }

    public double CriticLoss(double[] regressands, double scale)
    {
        double sum = 0;
        for (int row = 0; row < _rows; row++)
        {
            double[] input = [
                .. Row(_batch.Observation, row, _shape.ObservationDimension), .. Row(_batch.Action, row, _shape.ActionDimension),
                .. Row(_batch.Task, row, _shape.TaskDimension)];
            sum += Critics.Sum(network => Math.Pow(Value(network, input) - regressands[row], 2));
        }

        return scale * sum / _rows;
    }

    public double ActorLoss() => MeanOverRows((value, logProbability) => (Alpha * logProbability) - value);

    public double MeanLogProbability() => MeanOverRows((_, logProbability) => logProbability);

    /// <summary>Central finite differences of a loss by each parameter of a network; padding gets zero.</summary>
    public static double[] Differentiate(OracleNetwork network, Func<double> loss)
    {
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
            double[] state = Row(_batch.Observation, row, _shape.ObservationDimension), task = Row(_batch.Task, row, _shape.TaskDimension);
            (double[] action, double logProbability) = Sample([.. state, .. task], row, 32768);
            sum += term(Critics.Min(network => Value(network, [.. state, .. action, .. task])), logProbability);
        }

        return sum / _rows;
    }

    private double Value(OracleNetwork network, double[] input)
    {
        double output = network.Evaluate(input)[0];
        return _range.IsBounded ? _range.Low + ((_range.High - _range.Low) / (1 + Math.Exp(-output))) : output;
    }

    private (double[] Action, double LogProbability) Sample(double[] input, int row, uint offset)
    {
        double[] output = Actor.Evaluate(input), action = new double[_shape.ActionDimension];
        double logProbability = 0;
        for (int d = 0; d < action.Length; d++)
        {
            PhiloxBlock block = Philox.Next((uint)row, (uint)(d / 4) + offset, _update, (uint)RandomPurpose.LearnerAction, _seed);
            (float cosine, float sine) = Philox.ToNormals(block[d & 2], block[(d & 2) + 1]);
            double noise = d % 2 == 0 ? cosine : sine, logStd = Math.Clamp(output[action.Length + d], -20, 2);
            double x = output[d] + (Math.Exp(logStd) * noise);
            action[d] = Math.Tanh(x);
            logProbability += (-0.5 * noise * noise) - logStd - (0.5 * Math.Log(2 * Math.PI)) - Math.Log(1 / (Math.Cosh(x) * Math.Cosh(x)));
        }

        return (action, logProbability);
    }

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

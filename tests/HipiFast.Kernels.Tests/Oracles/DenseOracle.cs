using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.Tests.Oracles;

/// <summary>A two-hidden-layer network in double precision, its gradients and Adam, written as the formulas read.</summary>
internal sealed class DenseOracle
{
    private readonly double[][,] _weights = new double[3][,];
    private readonly double[][] _biases = new double[3][];

    public DenseOracle(MlpParameters network)
    {
        for (int layer = 0; layer < 3; layer++)
        {
            int inputs = network.LayerInputs(layer), outputs = network.LayerOutputs(layer);
            _weights[layer] = new double[inputs, outputs];
            _biases[layer] = new double[outputs];
            for (int o = 0; o < outputs; o++)
            {
                _biases[layer][o] = network.Bias(layer)[o];
                for (int i = 0; i < inputs; i++)
                {
                    _weights[layer][i, o] = network.WeightRow(layer, i)[o];
                }
            }
        }
    }

    /// <summary>Inputs and outputs of every layer for one row: [0] = x, [1] = h1, [2] = h2, [3] = y.</summary>
    public double[][] Forward(double[] x)
    {
        double[][] values = [x, [], [], []];
        for (int layer = 0; layer < 3; layer++)
        {
            double[] y = (double[])_biases[layer].Clone();
            for (int o = 0; o < y.Length; o++)
            {
                for (int i = 0; i < values[layer].Length; i++)
                {
                    y[o] += values[layer][i] * _weights[layer][i, o];
                }

                y[o] = layer < 2 ? Math.Max(0, y[o]) : y[o];
            }

            values[layer + 1] = y;
        }

        return values;
    }

    /// <summary>Gradients of sum over rows of dy . y(x): per layer weights and biases, and the gradient of every row's input.</summary>
    public (double[][,] Weights, double[][] Biases, double[][] Inputs) Backward(double[][] x, double[][] dy)
    {
        double[][,] weights = [.. _weights.Select(w => new double[w.GetLength(0), w.GetLength(1)])];
        double[][] biases = [.. _biases.Select(b => new double[b.Length])];
        double[][] inputs = new double[x.Length][];
        for (int row = 0; row < x.Length; row++)
        {
            double[][] values = Forward(x[row]);
            double[] d = dy[row];
            for (int layer = 2; layer >= 0; layer--)
            {
                double[] below = new double[values[layer].Length];
                for (int o = 0; o < d.Length; o++)
                {
                    biases[layer][o] += d[o];
                    for (int i = 0; i < below.Length; i++)
                    {
                        weights[layer][i, o] += values[layer][i] * d[o];
                        below[i] += _weights[layer][i, o] * d[o];
                    }
                }

                for (int i = 0; layer > 0 && i < below.Length; i++)
                {
                    below[i] = values[layer][i] > 0 ? below[i] : 0;
                }

                d = below;
            }

            inputs[row] = d;
        }

        return (weights, biases, inputs);
    }
}

using HipiFast.Kernels.Networks;

namespace HipiFast.Benchmarking.Oracles;

/// <summary>
/// A network with two hidden ReLU layers in double precision, and its gradients, written as the formulas read:
/// <c>y = W3 relu(W2 relu(W1 x + b1) + b2) + b3</c>.
/// </summary>
public sealed class NetworkOracle
{
    private readonly MlpShape _shape;

    /// <summary>Copies a network's parameters.</summary>
    /// <param name="network">The network.</param>
    public NetworkOracle(MlpParameters network)
    {
        ArgumentNullException.ThrowIfNull(network);
        _shape = network.Shape;
        Values = new double[_shape.Length];
        for (int layer = 0; layer < 3; layer++)
        {
            Place at = PlaceOf(layer);
            for (int o = 0; o < at.Outputs; o++)
            {
                Values[at.Bias + o] = network.Bias(layer)[o];
            }

            for (int i = 0; i < at.Inputs; i++)
            {
                ReadOnlySpan<float> row = network.WeightRow(layer, i);
                for (int o = 0; o < at.Outputs; o++)
                {
                    Values[at.Weight + (i * at.Stride) + o] = row[o];
                }
            }
        }
    }

    /// <summary>
    /// All parameters, at the places that <see cref="MlpShape"/> gives them; padding is 0. May be changed.
    /// </summary>
    public double[] Values { get; }

    /// <summary>Places in <see cref="Values"/> of all weights and biases, padding left out.</summary>
    /// <returns>The places, layer by layer.</returns>
    public IEnumerable<int> Indices()
    {
        for (int layer = 0; layer < 3; layer++)
        {
            Place at = PlaceOf(layer);
            for (int i = 0; i < at.Inputs; i++)
            {
                for (int o = 0; o < at.Outputs; o++)
                {
                    yield return at.Weight + (i * at.Stride) + o;
                }
            }

            for (int o = 0; o < at.Outputs; o++)
            {
                yield return at.Bias + o;
            }
        }
    }

    /// <summary>The network's output.</summary>
    /// <param name="x">Input, one number for each of the shape's inputs.</param>
    /// <returns>y.</returns>
    public double[] Evaluate(double[] x) => Layers(x)[3];

    /// <summary>Input and output of every layer.</summary>
    /// <param name="x">Input, one number for each of the shape's inputs.</param>
    /// <returns>[0] = x, [1] = h1, [2] = h2, [3] = y.</returns>
    public double[][] Layers(double[] x)
    {
        double[][] values = [x, [], [], []];
        for (int layer = 0; layer < 3; layer++)
        {
            Place at = PlaceOf(layer);
            double[] y = Values.AsSpan(at.Bias, at.Outputs).ToArray();
            for (int i = 0; i < at.Inputs; i++)
            {
                double input = values[layer][i];
                ReadOnlySpan<double> row = Values.AsSpan(at.Weight + (i * at.Stride), at.Outputs);
                for (int o = 0; o < y.Length; o++)
                {
                    y[o] += input * row[o];
                }
            }

            for (int o = 0; o < y.Length; o++)
            {
                y[o] = layer < 2 && y[o] < 0 ? 0 : y[o];
            }

            values[layer + 1] = y;
        }

        return values;
    }

    /// <summary>Gradients of the sum over rows of dy . y(x).</summary>
    /// <param name="x">Inputs, one array a row.</param>
    /// <param name="dy">What each row's outputs are weighted with.</param>
    /// <returns>Of each layer's weights <c>[in, out]</c> and biases, and of every row's input.</returns>
    public (double[][,] Weights, double[][] Biases, double[][] Inputs) Backward(double[][] x, double[][] dy)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(dy);
        Place[] layers = [PlaceOf(0), PlaceOf(1), PlaceOf(2)];
        double[][,] weights = [.. layers.Select(at => new double[at.Inputs, at.Outputs])];
        double[][] biases = [.. layers.Select(at => new double[at.Outputs])], inputs = new double[x.Length][];
        for (int row = 0; row < x.Length; row++)
        {
            double[][] values = Layers(x[row]);
            double[] d = dy[row];
            for (int layer = 2; layer >= 0; layer--)
            {
                Place at = layers[layer];
                double[] below = new double[at.Inputs];
                for (int o = 0; o < at.Outputs; o++)
                {
                    biases[layer][o] += d[o];
                    for (int i = 0; i < at.Inputs; i++)
                    {
                        weights[layer][i, o] += values[layer][i] * d[o];
                        below[i] += Values[at.Weight + (i * at.Stride) + o] * d[o];
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

    private Place PlaceOf(int layer) => layer switch
    {
        0 => new Place(_shape.Weight1, _shape.Bias1, _shape.Inputs, _shape.Hidden, _shape.HiddenStride),
        1 => new Place(_shape.Weight2, _shape.Bias2, _shape.Hidden, _shape.Hidden, _shape.HiddenStride),
        _ => new Place(_shape.Weight3, _shape.Bias3, _shape.Hidden, _shape.Outputs, _shape.OutputStride),
    };

    /// <summary>Where a layer's parameters lie.</summary>
    private readonly record struct Place(int Weight, int Bias, int Inputs, int Outputs, int Stride);
}

using HipiFast.Kernels.Conformance.Data;
using HipiFast.Kernels.Networks;

namespace HipiFast.Kernels.Tests.Networks;

public sealed unsafe class MlpParametersTests
{
    public static TheoryData<int, int, int> Shapes =>
        new() { { 1, 1, 1 }, { 3, 15, 1 }, { 8, 16, 4 }, { 5, 17, 16 }, { 40, 33, 17 }, { 16, 64, 2 } };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void LayersLieOneBehindTheOtherInPaddedRows(int inputs, int hidden, int outputs)
    {
        MlpShape shape = new(inputs, hidden, outputs);
        int h = (hidden + 15) / 16 * 16, o = outputs == 1 ? 1 : (outputs + 15) / 16 * 16;
        Assert.Equal((h, o), (shape.HiddenStride, shape.OutputStride));
        int[] lengths = [inputs * h, h, h * h, h, h * o, (outputs + 15) / 16 * 16];
        int[] offsets =
            [shape.Weight1, shape.Bias1, shape.Weight2, shape.Bias2, shape.Weight3, shape.Bias3, shape.Length];
        for (int i = 0, offset = 0; i < offsets.Length; i++)
        {
            Assert.Equal(offset, offsets[i]);
            Assert.Equal(0, offsets[i] % 16);
            offset += i < lengths.Length ? lengths[i] : 0;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void ImportedWeightsAreExportedAgainAndPaddingStaysZero(int inputs, int hidden, int outputs)
    {
        using MlpParameters network = new(new MlpShape(inputs, hidden, outputs));
        Assert.Equal(0u, (nuint)network.Pointer % 64);
        RandomData data = new(4);
        int values = 0;
        for (int layer = 0; layer < 3; layer++)
        {
            int fanIn = layer == 0 ? inputs : hidden, fanOut = layer == 2 ? outputs : hidden;
            Assert.Equal((fanIn, fanOut), (network.LayerInputs(layer), network.LayerOutputs(layer)));
            float[] weight = data.Uniforms(fanIn * fanOut, 1, 2), exported = new float[weight.Length];
            long version = network.Version;
            network.ImportWeight(layer, weight);
            Assert.NotEqual(version, network.Version);
            network.ExportWeight(layer, exported);
            Assert.Equal(weight, exported);

            // PyTorch's order is [out, in]: output unit o reads input unit i through entry o * in + i.
            Assert.Equal(weight[((fanOut - 1) * fanIn) + (fanIn / 2)], network.WeightRow(layer, fanIn / 2)[fanOut - 1]);
            Assert.Equal(fanOut, network.Bias(layer).Length);
            network.Bias(layer).Fill(1);
            values += weight.Length + fanOut;
        }

        // All that was written, and nothing else, is non-zero.
        Assert.Equal(values, network.Values.ToArray().Count(value => value != 0));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void InitialValuesFillTheirBoundsAndRepeat(int inputs, int hidden, int outputs)
    {
        MlpShape shape = new(inputs, hidden, outputs);
        using MlpParameters network = new(shape), same = new(shape), otherStream = new(shape), otherSeed = new(shape);
        network.Initialize(7, 1);
        same.Initialize(7, 1);
        otherStream.Initialize(7, 2);
        otherSeed.Initialize(8, 1);
        Assert.True(network.Values.SequenceEqual(same.Values));
        Assert.False(network.Values.SequenceEqual(otherStream.Values));
        Assert.False(network.Values.SequenceEqual(otherSeed.Values));
        Assert.Equal(1, network.Version);
        int drawn = 0;
        for (int layer = 0; layer < 3; layer++)
        {
            float bound = 1f / MathF.Sqrt(network.LayerInputs(layer));
            float[] weight = new float[network.LayerInputs(layer) * network.LayerOutputs(layer)];
            network.ExportWeight(layer, weight);
            float[] all = [.. weight, .. network.Bias(layer)];
            Assert.All(all, value => Assert.InRange(value, -bound, bound));
            if (all.Length > 200)
            {
                Assert.InRange(all.Max(), 0.9f * bound, bound);
                Assert.InRange(all.Min(), -bound, -0.9f * bound);
                Assert.Equal(0, all.Average(), bound * 0.2f);
            }

            drawn += all.Length;
        }

        Assert.Equal(drawn, network.Values.ToArray().Count(value => value != 0));
    }

    [Fact]
    public void CopiesNeedTheSameShape()
    {
        using MlpParameters source = new(new MlpShape(3, 20, 2)), target = new(new MlpShape(3, 20, 2)),
            other = new(new MlpShape(3, 21, 2));
        source.Initialize(1, 1);
        target.CopyFrom(source);
        Assert.True(source.Values.SequenceEqual(target.Values));
        Assert.Equal(1, target.Version);
        Assert.Throws<ArgumentException>(() => other.CopyFrom(source));
    }

    [Fact]
    public void BadShapesAndIndicesAreRefused()
    {
        ArgumentException empty = Assert.Throws<ArgumentException>(() => new MlpParameters(new MlpShape(0, 4, 1)));
        Assert.Contains("0, 4 and 1", empty.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new MlpParameters(new MlpShape(4, -1, 1)));
        Assert.Throws<ArgumentException>(() => new MlpParameters(new MlpShape(4, 4, 0)));
        ArgumentException large = Assert.Throws<ArgumentException>(() => new MlpParameters(new MlpShape(4, 50_000, 1)));
        Assert.Contains("too large", large.Message, StringComparison.Ordinal);
        using MlpParameters network = new(new MlpShape(3, 4, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => network.WeightRow(0, 3).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => network.WeightRow(1, -1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => network.Bias(3).Length);
        Assert.Throws<ArgumentException>(() => network.ImportWeight(0, new float[11]));
        Assert.Throws<ArgumentException>(() => network.ExportWeight(2, new float[5]));
    }
}

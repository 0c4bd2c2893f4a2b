using HipiFast.Data;
using HipiFast.Testing;

namespace HipiFast.Tests.Data;

/// <summary>Soft Q-values of files.</summary>
public sealed class SoftQTableTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("x.npz")]
    [InlineData("x.safetensors")]
    public void RowsAreReadInTheOrderWanted(string name)
    {
        DataArrays.Write(_directory[name], DataArrays.Of("soft_q", DataArrays.Count(15), 5, 3));
        using SoftQTable table = SoftQTable.Open(_directory[name], 5);
        Assert.Equal((5L, 3), (table.Rows, table.Candidates));
        float[] rows = new float[12];
        table.Read([0, 3, 4, 1], rows);
        float[] all = DataArrays.Count(15);
        Assert.Equal([.. all[..3], .. all[9..15], .. all[3..6]], rows);
    }

    // A matrix of numpy's own type.
    [Fact]
    public void DoublesAreConverted()
    {
        double[] values = [0.1, -2, 3e3, 4, 5, 6];
        DataArrays.Write(_directory["x.npz"], DataArrays.Of("soft_q", values, 2, 3));
        using SoftQTable table = SoftQTable.Open(_directory["x.npz"], 2);
        float[] rows = new float[6];
        table.Read([0, 1], rows);
        Assert.Equal(values.Select(value => (float)value), rows);
    }

    [Fact]
    public void OthersAreRefusedByName()
    {
        string path = _directory["x.npz"];
        DataArrays.Write(path, DataArrays.Of("soft_q", DataArrays.Count(6), 2, 3));
        Refused("has shape [2, 3]; expected [3, K]", 3);
        DataArrays.Write(path, DataArrays.Of("soft_q", DataArrays.Count(6)));
        Refused("has shape [6]; expected [6, K]", 6);
        DataArrays.Write(path, DataArrays.Of("q", DataArrays.Count(6), 2, 3));
        Refused("has no array 'soft_q'", 2);

        void Refused(string sentence, long rows)
        {
            string message = Assert.Throws<InvalidDataException>(() => SoftQTable.Open(path, rows)).Message;
            Assert.Contains(sentence, message, StringComparison.Ordinal);
            Assert.Contains(path, message, StringComparison.Ordinal);
        }
    }
}

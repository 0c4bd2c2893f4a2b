using HipiFast.Data;
using HipiFast.Testing;

namespace HipiFast.Tests.Data;

/// <summary>Candidate tasks of files.</summary>
public sealed class TaskTableTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("x.npz")]
    [InlineData("x.safetensors")]
    public void TasksAndTheirPriorAreRead(string name)
    {
        DataArrays.Write(
            _directory[name], DataArrays.Of("task", DataArrays.Count(6), 3, 2),
            DataArrays.Of("log_prior", new float[] { 0, float.NegativeInfinity, -1 }));
        using TaskTable table = TaskTable.Read(_directory[name], 2);
        Assert.Equal(DataArrays.Count(6), table.Tasks);
        Assert.Equal([0, float.NegativeInfinity, -1], table.LogPrior);
    }

    [Theory]
    [InlineData("x.npz")]
    [InlineData("x.safetensors")]
    public void OthersAreRefusedByName(string name)
    {
        string path = _directory[name];
        DataArrays.Write(path, DataArrays.Of("task", new float[] { 1, 2, float.NaN, 4 }, 2, 2));
        Assert.Contains("row 1, column 0", Refusal(path, 2), StringComparison.Ordinal);
        Assert.Contains("3", Refusal(path, 3), StringComparison.Ordinal);
        DataArrays.Write(path, DataArrays.Of("other", new float[2], 2, 1));
        Assert.Contains("'task'", Refusal(path, 1), StringComparison.Ordinal);
        DataArrays.Write(
            path, DataArrays.Of("task", new float[2], 2, 1), DataArrays.Of("log_prior", new float[] { float.NaN, 0 }));
        Assert.Contains("log_prior", Refusal(path, 1), StringComparison.Ordinal);
    }

    private static string Refusal(string path, int taskDimension)
    {
        string message = Assert.Throws<InvalidDataException>(() => TaskTable.Read(path, taskDimension)).Message;
        Assert.Contains(path, message, StringComparison.Ordinal);
        return message;
    }
}

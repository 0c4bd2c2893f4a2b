using HipiFast.Environments;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Environments;

/// <summary>
/// Checkpoints of environments that must be refused. That a run goes on from a good one is part of the contract.
/// </summary>
public sealed class EnvironmentStateTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AStateOfAnotherWidthIsRefusedAndChangesNothing()
    {
        using VectorEnvironment two = EnvironmentRegistry.Create("nav2d", 2);
        two.Reset(1);
        string path = Save(two);
        using VectorEnvironment three = EnvironmentRegistry.Create("nav2d", 3);
        three.Reset(2);
        float[] observation = three.Observation.ToArray(), task = three.Task.ToArray();
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Throws<InvalidDataException>(() => three.LoadState(file, "environment."));
        Assert.Throws<InvalidDataException>(() => two.LoadState(file, "other."));
        Assert.Equal(observation, three.Observation.ToArray());
        Assert.Equal(task, three.Task.ToArray());
    }

    [Fact]
    public void AStateThatIsNotFiniteIsRefusedAndChangesNothing()
    {
        string path = _folder["bad.safetensors"];
        SafetensorsWriter writer = new();
        writer.Add<float>("state", [1f, 2f], 2, 1);
        writer.Add<float>("observation", [0f, 0f], 1, 2);
        writer.Add<float>("task", [0f, float.NaN], 1, 2);
        writer.Add<int>("episode_step", [0], 1);
        writer.Add<int>("episode", [0], 1);
        writer.Add<ulong>("random", [0, 0], 2);
        writer.Save(path);
        using VectorEnvironment environment = EnvironmentRegistry.Create("nav2d", 1);
        environment.Reset(2);
        float[] observation = environment.Observation.ToArray();
        using SafetensorsFile file = SafetensorsFile.Open(path);
        InvalidDataException exception = Assert.Throws<InvalidDataException>(
            () => environment.LoadState(file, string.Empty));
        Assert.Contains("holds NaN at row 0, column 1", exception.Message, StringComparison.Ordinal);
        Assert.Equal(observation, environment.Observation.ToArray());
    }

    private string Save(VectorEnvironment environment)
    {
        string path = _folder["state.safetensors"];
        SafetensorsWriter writer = new();
        environment.SaveState(writer, "environment.");
        writer.Save(path);
        return path;
    }
}

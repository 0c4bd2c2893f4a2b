using HipiFast.Environments;

namespace HipiFast.Tests.Environments;

public sealed class EnvironmentRegistryTests
{
    [Fact]
    public void AnUnknownNameListsTheNames()
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(() => EnvironmentRegistry.Create("moon", 1));
        Assert.Contains("'moon'", exception.Message, StringComparison.Ordinal);
        foreach (EnvironmentDescription entry in EnvironmentRegistry.Names)
        {
            Assert.Contains(entry.Name, exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AMistypedNameIsToldTheNearest() => Assert.Equal(
        "Unknown environment 'nav3d' (did you mean 'nav2d'?).",
        Assert.Throws<ArgumentException>(() => EnvironmentRegistry.TraitsOf("nav3d")).Message);

    [Fact]
    public void EveryEntryIsMadeUnderItsName()
    {
        Assert.Equal(
            EnvironmentRegistry.Names.Count, EnvironmentRegistry.Names.Select(entry => entry.Name).Distinct().Count());
        foreach (EnvironmentDescription entry in EnvironmentRegistry.Names)
        {
            Assert.NotEmpty(entry.Description);
            using VectorEnvironment environment = EnvironmentRegistry.Create(entry.Name, 2);
            Assert.Equal(entry.Name, environment.Name);
            Assert.Equal(2, environment.Count);
            Assert.Equal(environment.Family.TaskDimension, environment.Shape.TaskDimension);
            Assert.Equal(environment.Family.HasAchievedTask, entry.Traits.HasAchievedTask);
            Assert.Equal(!environment.FixedTasks.IsEmpty, entry.Traits.HasFixedTasks);
        }
    }

    [Fact]
    public void SettingsOutOfRangeAreRefused()
    {
        Assert.Throws<ArgumentException>(
            () => EnvironmentRegistry.Create("nav2d", 1, new EnvironmentSettings { Margin = -1f }));
        Assert.Throws<ArgumentException>(
            () => EnvironmentRegistry.Create("nav2d", 1, new EnvironmentSettings { Margin = float.NaN }));
        Assert.Throws<ArgumentException>(
            () => EnvironmentRegistry.Create("nav2d", 1, new EnvironmentSettings { EpisodeLimit = 0 }));
        Assert.Throws<ArgumentException>(
            () => EnvironmentRegistry.Create(
                "nav2d", 1, new EnvironmentSettings { ActionNoise = float.PositiveInfinity }));
        Assert.Throws<ArgumentException>(
            () => EnvironmentRegistry.Create("nav2d", 1, new EnvironmentSettings { Threads = -1 }));
        Assert.Throws<ArgumentException>(
            () => EnvironmentRegistry.Create("nav2d-margin", 1, new EnvironmentSettings { Margin = 1f }));
        Assert.Throws<ArgumentOutOfRangeException>(() => EnvironmentRegistry.Create("nav2d", 0));
    }

    [Fact]
    public void ATakenNameIsNotRegistered() => Assert.Contains(
        "'nav2d' already",
        Assert.Throws<ArgumentException>(
            () => EnvironmentRegistry.Register(new("nav2d", "another", EnvironmentTraits.Goals), Nav2d.Goal)).Message,
        StringComparison.Ordinal);
}

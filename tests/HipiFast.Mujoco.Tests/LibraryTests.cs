using HipiFast.Environments;
using HipiFast.Mujoco.Native;

namespace HipiFast.Mujoco.Tests;

/// <summary>The library with and without MuJoCo.</summary>
public sealed class LibraryTests
{
    [Fact]
    public void EveryEnvironmentIsThereByNameWithOrWithoutMujoco()
    {
        Assert.Equal(Registration.WhyNot, MujocoLibrary.WhyNot);
        foreach (string name in Registration.Names)
        {
            Assert.Contains(EnvironmentRegistry.Names, entry => entry.Name == name && entry.Description.Length > 0);
            if (MujocoLibrary.WhyNot is { } reason)
            {
                Assert.Equal(reason, Assert.Throws<NotSupportedException>(() => EnvironmentRegistry.Create(name, 1)).Message);
            }
        }

        if (MujocoLibrary.WhyNot is { } missing)
        {
            Assert.Contains("apt-get install libmujoco-dev", missing, StringComparison.Ordinal);
            Assert.EndsWith(".", missing, StringComparison.Ordinal);
        }
    }

    [PhysicsFact]
    public void TheVersionIsKnown() => Assert.InRange(MujocoLibrary.Version, 222, 9_999_999);

    [PhysicsFact]
    public void ABadModelIsRefusedInOneSentence()
    {
        InvalidDataException error = Assert.Throws<InvalidDataException>(
            () => new MujocoModel("bad", "<mujoco><worldbody><body><joint/></body></worldbody></mujoco>"));
        Assert.StartsWith("MuJoCo does not accept the model 'bad': ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => new MujocoModel("none", "not XML"));
        Assert.Throws<ArgumentException>(() => MujocoModel.Text("unicycle"));
    }

    [PhysicsFact]
    public void ANameThatIsNotThereIsNamed()
    {
        using MujocoModel model = new("reacher", MujocoModel.Text("reacher"));
        Assert.Equal(
            "The model 'reacher' has no joint named 'elbow'. (Parameter 'name')",
            Assert.Throws<ArgumentException>(() => model.Find(MujocoKind.Joint, "elbow")).Message);
        Assert.True(model.Find(MujocoKind.Site, "fingertip").Id >= 0);
        Assert.True(model.Find(MujocoKind.Body, "hand").Id >= 0);
        Assert.True(model.Find(MujocoKind.Geom, "table").Id >= 0);
    }

    [PhysicsFact]
    public void ASimulationThatDivergesIsAnErrorAndLeavesTheState()
    {
        using MujocoModel model = new("walker", MujocoModel.Text("walker"));
        using MujocoSimulator simulator = new(model);
        double[] state = new double[model.Sizes.State], readings = new double[model.Sizes.Sensors], control = new double[model.Sizes.Controls];
        simulator.InitialState(state);
        state[1 + model.Sizes.Positions] = 1e12;
        double[] before = [.. state];
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => simulator.Step(control, 10, state, readings));
        Assert.Contains("'walker'", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, state);
        control[2] = double.NaN;
        simulator.InitialState(state);
        Assert.Contains(
            "not finite",
            Assert.Throws<InvalidOperationException>(() => simulator.Step(control, 10, state, readings)).Message,
            StringComparison.Ordinal);
        control[2] = 0;
        simulator.Step(control, 10, state, readings);
        Assert.All(readings, value => Assert.True(double.IsFinite(value)));
    }
}

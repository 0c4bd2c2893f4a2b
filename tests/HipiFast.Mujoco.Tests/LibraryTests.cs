using HipiFast.Environments;
using HipiFast.Mujoco.Native;
using HipiFast.Mujoco.Simulation;

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
                Assert.Equal(
                    reason, Assert.Throws<NotSupportedException>(() => EnvironmentRegistry.Create(name, 1)).Message);
                continue;
            }

            using VectorEnvironment environment = EnvironmentRegistry.Create(name, 1);
            EnvironmentTraits made = new(environment.Family.HasAchievedTask, !environment.FixedTasks.IsEmpty);
            Assert.Equal(made, EnvironmentRegistry.TraitsOf(name));
        }

        if (MujocoLibrary.WhyNot is { } missing)
        {
            Assert.Contains("apt-get install libmujoco-dev", missing, StringComparison.Ordinal);
            Assert.EndsWith(".", missing, StringComparison.Ordinal);
        }
    }

    /// <summary>
    /// Where the environment says that MuJoCo was installed before the build, nothing may be skipped for want of it.
    /// </summary>
    [Fact]
    public void ItIsThereWhereItWasInstalled()
    {
        if (Environment.GetEnvironmentVariable("HIPIFAST_REQUIRE_MUJOCO") == "1")
        {
            Assert.Null(MujocoLibrary.WhyNot);
        }
    }

    [Fact]
    public void ALibraryThatIsNotThereIsASentenceWithTheInstallCommand()
    {
        string missing = MujocoLibrary.Probe("hipifast_moon")!;
        Assert.StartsWith(
            "This environment needs MuJoCo, which was not found when this program was built", missing,
            StringComparison.Ordinal);
        Assert.Contains("apt-get install libmujoco-dev cmake g++", missing, StringComparison.Ordinal);
        Assert.EndsWith(".", missing, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', missing);
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
        double[] state = new double[model.Sizes.State], readings = new double[model.Sizes.Sensors],
            control = new double[model.Sizes.Controls];
        simulator.InitialState(state);
        state[1 + model.Sizes.Positions] = 1e12;
        double[] before = [.. state];
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(
            () => simulator.Step(control, 10, state, readings));
        Assert.Contains("'walker'", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, state);

        // What MuJoCo said of that is not said again of the next error.
        control[2] = double.NaN;
        Assert.Contains(
            "not finite",
            Assert.Throws<InvalidOperationException>(() => simulator.Step(control, 10, state, readings)).Message,
            StringComparison.Ordinal);
        control[2] = 0;
        simulator.InitialState(state);
        simulator.Step(control, 10, state, readings);
        Assert.All(readings, value => Assert.True(double.IsFinite(value)));
    }

    [PhysicsFact]
    public void SimulatorsOnThreadsOfTheirOwnDoWhatTheyDoOneAfterTheOtherWhileAnotherDiverges()
    {
        const int Count = 4, Steps = 200;
        using MujocoModel model = new("walker", MujocoModel.Text("walker"));
        double[][] alone = [.. Enumerable.Range(0, Count).Select(
            index => Play(model, index))], together = new double[Count][];
        using Barrier start = new(Count + 1);
        Thread[] threads = [.. Enumerable.Range(0, Count).Select(index => new Thread(() =>
        {
            start.SignalAndWait();
            together[index] = Play(model, index);
        }))];
        int errors = 0;
        Thread diverging = new(() =>
        {
            start.SignalAndWait();
            errors = Diverge(model);
        });
        foreach (Thread thread in threads.Append(diverging))
        {
            thread.Start();
        }

        foreach (Thread thread in threads.Append(diverging))
        {
            thread.Join();
        }

        Assert.Equal(Steps, errors);
        Assert.Equal(alone, together);
        Assert.NotEqual(alone[0], alone[1]);

        static double[] Play(MujocoModel model, int index)
        {
            using MujocoSimulator simulator = new(model);
            double[] state = new double[model.Sizes.State], readings = new double[model.Sizes.Sensors],
                control = new double[model.Sizes.Controls];
            simulator.InitialState(state);
            for (int step = 0; step < Steps; step++)
            {
                control[step % control.Length] = Math.Sin(step + index);
                simulator.Step(control, 10, state, readings);
            }

            return [.. state, .. readings];
        }

        static int Diverge(MujocoModel model)
        {
            using MujocoSimulator simulator = new(model);
            double[] state = new double[model.Sizes.State], readings = new double[model.Sizes.Sensors],
                control = new double[model.Sizes.Controls];
            simulator.InitialState(state);
            state[1 + model.Sizes.Positions] = 1e12;
            int errors = 0;
            for (int step = 0; step < Steps; step++)
            {
                try
                {
                    simulator.Step(control, 10, state, readings);
                }
                catch (InvalidOperationException)
                {
                    errors++;
                }
            }

            return errors;
        }
    }
}

using System.Xml.Linq;
using HipiFast.Mujoco.Simulation;

namespace HipiFast.Mujoco.Tests;

/// <summary>Without friction, contact, limits, servos and targets a model keeps its energy.</summary>
public sealed class EnergyTests
{
    public static TheoryData<string> Models => [.. Physics.Models];

    [PhysicsTheory]
    [MemberData(nameof(Models))]
    public void AModelWithoutFrictionKeepsItsEnergy(string name)
    {
        using MujocoModel model = new(name, Frictionless(MujocoModel.Text(name)));
        using MujocoSimulator simulator = new(model);
        double[] state = new double[model.Sizes.State], readings = new double[model.Sizes.Sensors];
        simulator.InitialState(state);
        Span<double> positions = state.AsSpan(
            1, model.Sizes.Positions), velocities = state.AsSpan(1 + model.Sizes.Positions, model.Sizes.Velocities);

        // Every joint in motion, so that their energies flow into each other.
        for (int i = 0; i < velocities.Length; i++)
        {
            velocities[i] = 0.3 + (0.1 * (i % 3));
        }

        (double potential, double kinetic) = simulator.Energy(state);
        double first = potential + kinetic, largest = kinetic, drift = 0;
        double[] start = [.. positions];
        for (int step = 0; step < 100; step++)
        {
            simulator.Step([], 10, state, readings);
            (potential, kinetic) = simulator.Energy(state);
            largest = Math.Max(largest, kinetic);
            drift = Math.Max(drift, Math.Abs(potential + kinetic - first));
        }

        // The Runge-Kutta method of order 4 at 0.5 ms: what drifts is far below what flows.
        Assert.True(largest > 0);
        Assert.NotEqual(start, state.AsSpan(1, model.Sizes.Positions).ToArray());
        Assert.True(drift <= 1e-4 * largest, $"{name}: {drift} J of {largest} J");
    }

    private static string Frictionless(string text)
    {
        XDocument document = XDocument.Parse(text);
        foreach (XElement joint in document.Descendants("joint"))
        {
            joint.SetAttributeValue("damping", null);
            joint.SetAttributeValue("frictionloss", null);
        }

        document.Descendants("actuator").Remove();
        document.Descendants("equality").Remove();
        document.Descendants("sensor").Elements("actuatorfrc").Remove();
        XElement option = document.Descendants("option").First();
        option.SetAttributeValue("timestep", "0.0005");
        option.SetAttributeValue("integrator", "RK4");
        option.Add(new XElement(
            "flag", new XAttribute("energy", "enable"), new XAttribute("contact", "disable"),
            new XAttribute("limit", "disable")));
        return document.ToString();
    }
}

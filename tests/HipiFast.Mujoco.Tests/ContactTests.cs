using HipiFast.Mujoco.Native;
using HipiFast.Mujoco.Simulation;

namespace HipiFast.Mujoco.Tests;

/// <summary>Bodies at rest stay where the floor holds them.</summary>
public sealed class ContactTests
{
    // How deep a contact may press in, m: the soft feet of the cheetah's springs, and everybody else's.
    [PhysicsTheory]
    [InlineData("cheetah", 0.02)]
    [InlineData("quadruped", 0.005)]
    [InlineData("walker", 0.005)]
    [InlineData("desk", 0.002)]
    public void WhatLiesOnTheFloorNeitherSinksNorFlies(string name, double depth)
    {
        using MujocoModel model = new(name, MujocoModel.Text(name));
        using MujocoSimulator simulator = new(model);
        double[] state = new double[model.Sizes.State], readings = new double[model.Sizes.Sensors],
            control = new double[model.Sizes.Controls];
        simulator.InitialState(state);

        // Ten seconds, by when what falls has fallen.
        int substeps = (int)(0.1 / model.Sizes.TimeStep);
        for (int step = 0; step < 100; step++)
        {
            simulator.Step(control, substeps, state, readings);
        }

        MujocoContact[] contacts = new MujocoContact[64];
        int count = simulator.Contacts(state, contacts);
        Assert.InRange(count, 1, contacts.Length);
        Assert.All(contacts[..count], contact => Assert.InRange(contact.Distance, -depth, 0.01));
        double weight = 0;
        foreach (MujocoContact contact in contacts[..count])
        {
            weight += contact.NormalForce;
        }

        // 14 kg, 24 kg, and the block of 0.17 kg; the walker lies with its legs against the joints' stops.
        double expected =
            9.81 * name switch { "cheetah" => 14, "quadruped" => 24, "desk" => 0.1728, _ => MassOf(model) };
        Assert.Equal(expected, weight, 0.05 * expected);
        Span<double> velocities = state.AsSpan(1 + model.Sizes.Positions, model.Sizes.Velocities);
        foreach (double velocity in velocities)
        {
            Assert.InRange(velocity, -0.05, 0.05);
        }
    }

    // Of the walker's capsules: density times cylinder and two half spheres.
    private static double MassOf(MujocoModel model)
    {
        Assert.Equal("walker", model.Name);
        return Capsule(0.46, 0.07) + (2 * (Capsule(0.45, 0.05) + Capsule(0.5, 0.04) + Capsule(0.2, 0.045)));

        static double Capsule(double length, double radius) =>
            1000 * Math.PI * radius * radius * (length + (4.0 / 3 * radius));
    }
}

using HipiFast.Mujoco.Simulation;

namespace HipiFast.Mujoco.Tests;

/// <summary>A test that needs MuJoCo; skipped, with what to install, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PhysicsFactAttribute : FactAttribute
{
    public PhysicsFactAttribute() => Skip = MujocoLibrary.WhyNot;
}

/// <summary>A theory that needs MuJoCo; skipped, with what to install, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PhysicsTheoryAttribute : TheoryAttribute
{
    public PhysicsTheoryAttribute() => Skip = MujocoLibrary.WhyNot;
}

namespace HipiFast.Mujoco.Simulation;

/// <summary>A state of a model, part by part (native/include/hipifast/mujoco.h has the order).</summary>
/// <param name="all">All of it.</param>
/// <param name="sizes">The model's sizes.</param>
internal readonly ref struct MujocoState(Span<double> all, Native.MujocoSizes sizes)
{
    /// <summary>Generalised positions, m, rad, and quaternions.</summary>
    public Span<double> Positions { get; } = all.Slice(1, sizes.Positions);

    /// <summary>Generalised velocities, m/s and rad/s.</summary>
    public Span<double> Velocities { get; } = all.Slice(1 + sizes.Positions, sizes.Velocities);

    /// <summary>Places of bodies that the environment moves, m, three numbers each.</summary>
    public Span<double> MocapPositions { get; } =
        all.Slice(1 + sizes.Positions + (2 * sizes.Velocities) + sizes.Activations, 3 * sizes.Mocaps);
}

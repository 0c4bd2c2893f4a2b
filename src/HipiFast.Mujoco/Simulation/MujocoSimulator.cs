using HipiFast.Mujoco.Native;

namespace HipiFast.Mujoco.Simulation;

/// <summary>
/// Scratch memory in which one thread at a time steps states of a model. What a step does depends on state and control
/// alone.
/// </summary>
internal sealed unsafe class MujocoSimulator : IDisposable
{
    private readonly MujocoModel _model;
    private nint _handle;

    /// <summary>Allocates the scratch memory.</summary>
    /// <param name="model">The model; disposed after the simulator.</param>
    public MujocoSimulator(MujocoModel model)
    {
        _model = model;
        nint handle;
        MujocoLibrary.Check(MujocoMethods.MakeSimulator(model.Handle, &handle), "allocation");
        _handle = handle;
    }

    /// <summary>Frees the memory when the owner forgot to.</summary>
    ~MujocoSimulator() => Free();

    /// <summary>The model's own initial state.</summary>
    /// <param name="state">Result.</param>
    public void InitialState(Span<double> state)
    {
        fixed (double* s = state)
        {
            MujocoLibrary.Check(MujocoMethods.GetInitialState(_handle, s, state.Length), "initial state");
        }
    }

    /// <summary>Steps a state under one control, then reads the sensors.</summary>
    /// <param name="control">One number per actuator.</param>
    /// <param name="substeps">Steps of the model's own length, 1 or more.</param>
    /// <param name="state">In and out; as it was when the call throws.</param>
    /// <param name="readings">Result: the sensors.</param>
    /// <exception cref="InvalidOperationException">The simulation diverged, or a number is not finite.</exception>
    public void Step(ReadOnlySpan<double> control, int substeps, Span<double> state, Span<double> readings)
    {
        fixed (double* u = control, s = state, r = readings)
        {
            MujocoStatus status = MujocoMethods.Step(
                _handle, u, control.Length, substeps, s, state.Length, r, readings.Length);
            if (status != MujocoStatus.Ok)
            {
                throw new InvalidOperationException(
                    $"A step of the model '{_model.Name}' failed: {MujocoLibrary.Describe(status)}.");
            }
        }
    }

    /// <summary>Reads the sensors in a state that nothing has stepped yet, under no control.</summary>
    /// <param name="state">The state.</param>
    /// <param name="readings">Result: the sensors.</param>
    /// <returns>Number of contacts.</returns>
    public int Read(ReadOnlySpan<double> state, Span<double> readings)
    {
        int contacts;
        fixed (double* s = state, r = readings)
        {
            MujocoLibrary.Check(
                MujocoMethods.Read(_handle, s, state.Length, r, readings.Length, &contacts), "reading of sensors");
        }

        return contacts;
    }

    /// <summary>Energy of a state, J. The model must enable the flag <c>energy</c>.</summary>
    /// <param name="state">The state.</param>
    /// <returns>Potential and kinetic energy.</returns>
    public (double Potential, double Kinetic) Energy(ReadOnlySpan<double> state)
    {
        double potential, kinetic;
        fixed (double* s = state)
        {
            MujocoLibrary.Check(MujocoMethods.GetEnergy(_handle, s, state.Length, &potential, &kinetic), "energy");
        }

        return (potential, kinetic);
    }

    /// <summary>The contacts of a state.</summary>
    /// <param name="state">The state.</param>
    /// <param name="contacts">Result: as many as fit.</param>
    /// <returns>How many there are.</returns>
    public int Contacts(ReadOnlySpan<double> state, Span<MujocoContact> contacts)
    {
        int count;
        fixed (double* s = state)
        fixed (MujocoContact* c = contacts)
        {
            MujocoLibrary.Check(
                MujocoMethods.GetContacts(_handle, s, state.Length, c, contacts.Length, &count), "contacts");
        }

        return count;
    }

    /// <summary>Where a state puts the model's geoms.</summary>
    /// <param name="state">The state.</param>
    /// <returns>All geoms.</returns>
    public MujocoGeom[] Geoms(ReadOnlySpan<double> state)
    {
        MujocoGeom[] geoms = new MujocoGeom[_model.Sizes.Geoms];
        fixed (double* s = state)
        fixed (MujocoGeom* g = geoms)
        {
            MujocoLibrary.Check(MujocoMethods.GetGeoms(_handle, s, state.Length, g, geoms.Length), "geoms");
        }

        return geoms;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_handle != 0)
        {
            MujocoMethods.FreeSimulator(_handle);
            _handle = 0;
        }
    }
}

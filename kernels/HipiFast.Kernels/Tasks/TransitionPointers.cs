namespace HipiFast.Kernels.Tasks;

/// <summary>Where a block of transitions lies in memory; every matrix row-major without padding.</summary>
/// <param name="Observation">s, <c>[rows, S]</c>.</param>
/// <param name="Action">a, <c>[rows, A]</c>.</param>
/// <param name="NextObservation">s', <c>[rows, S]</c>.</param>
/// <param name="Rows">Number of transitions.</param>
/// <param name="ObservationDimension">S.</param>
/// <param name="ActionDimension">A.</param>
public readonly unsafe record struct TransitionPointers(
    nint Observation, nint Action, nint NextObservation, int Rows, int ObservationDimension, int ActionDimension)
{
    /// <summary>s of one row.</summary>
    /// <param name="row">Row.</param>
    /// <returns>The vector.</returns>
    public PointerVector ObservationOf(int row) =>
        new((float*)Observation + ((long)row * ObservationDimension), ObservationDimension);

    /// <summary>a of one row.</summary>
    /// <param name="row">Row.</param>
    /// <returns>The vector.</returns>
    public PointerVector ActionOf(int row) => new((float*)Action + ((long)row * ActionDimension), ActionDimension);

    /// <summary>s' of one row.</summary>
    /// <param name="row">Row.</param>
    /// <returns>The vector.</returns>
    public PointerVector NextObservationOf(int row) =>
        new((float*)NextObservation + ((long)row * ObservationDimension), ObservationDimension);

    /// <summary>The rows from <paramref name="first"/> on.</summary>
    /// <param name="first">First row kept.</param>
    /// <param name="rows">Rows kept.</param>
    /// <returns>The same memory, seen from that row.</returns>
    public TransitionPointers Slice(int first, int rows) => this with
    {
        Observation = Observation + (nint)((long)first * ObservationDimension * sizeof(float)),
        Action = Action + (nint)((long)first * ActionDimension * sizeof(float)),
        NextObservation = NextObservation + (nint)((long)first * ObservationDimension * sizeof(float)),
        Rows = rows,
    };
}

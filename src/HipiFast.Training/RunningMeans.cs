namespace HipiFast.Training;

/// <summary>
/// Means of several quantities; values that are not finite (a diagnostic that does not apply) are left out.
/// </summary>
internal sealed class RunningMeans(int count)
{
    /// <summary>Sums, then counts: what a checkpoint keeps.</summary>
    public double[] State { get; } = new double[2 * count];

    public void Add(int index, double value)
    {
        if (double.IsFinite(value))
        {
            State[index] += value;
            State[count + index]++;
        }
    }

    /// <summary>The mean, or NaN when nothing was added.</summary>
    public double Mean(int index) => State[count + index] == 0 ? double.NaN : State[index] / State[count + index];

    public void Clear() => Array.Clear(State);
}

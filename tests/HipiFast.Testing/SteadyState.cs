namespace HipiFast.Testing;

/// <summary>Measures managed allocation on the calling thread.</summary>
public static class SteadyState
{
    private const int Windows = 20;
    private const int CallsPerWindow = 20;

    /// <summary>Asserts that a step allocates nothing once it has warmed up.</summary>
    /// <remarks>
    /// A step that allocates does so in every window. One clean window is asked for, not all: the runtime books a few
    /// hundred bytes to a thread now and then by itself (a thread started, a lock inflated, a collection in the middle
    /// of a test that runs beside this one).
    /// </remarks>
    /// <param name="step">The step.</param>
    public static void AssertAllocatesNothing(Action step)
    {
        long least = long.MaxValue;
        for (int window = 0; window < Windows && least > 0; window++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int call = 0; call < CallsPerWindow; call++)
            {
                step();
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }
}

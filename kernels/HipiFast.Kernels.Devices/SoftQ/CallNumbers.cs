using System.Runtime.InteropServices;

namespace HipiFast.Kernels.Devices.SoftQ;

/// <summary>
/// What changes from one relabel call to the next of the same shape. It lies in device memory, not in the launches'
/// arguments, so that a captured sequence of launches can be replayed as it is.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct CallNumbers
{
    /// <summary>Philox key.</summary>
    public ulong Seed;

    /// <summary>Number of the call: the third counter word.</summary>
    public uint Call;

    /// <summary>
    /// Number of the first row: added to every row's number in the counters of the posterior and of the Bellman
    /// estimator.
    /// </summary>
    public uint FirstRow;

    /// <summary>alpha, the entropy temperature.</summary>
    public float Alpha;

    /// <summary>gamma, the discount.</summary>
    public float Gamma;

    /// <summary>1 / <see cref="Temperature"/>; 0 for the most likely task (MAP).</summary>
    public float InverseTemperature;

    /// <summary>Temperature of the posterior; 0 for the most likely task (MAP).</summary>
    public float Temperature;

    /// <summary>
    /// Largest magnitude of a row's best score that sums in fp32 are good enough for; rows beyond are scored in pairs
    /// of floats. -1 for all rows.
    /// </summary>
    public float PlainLimit;

    /// <summary>Probability with which a row receives a new task.</summary>
    public float RelabelFraction;

    /// <summary>Probability with which a relabeled row is served by a goal instead of inverse RL.</summary>
    public float GoalMix;

    /// <summary>
    /// 1 to let a batch that lies on the device have its new tasks; 0 to leave it alone (a rehearsal).
    /// </summary>
    public int Commits;
}

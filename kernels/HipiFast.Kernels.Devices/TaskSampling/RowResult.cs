namespace HipiFast.Kernels.Devices.TaskSampling;

/// <summary>Planes of what the sampling kernel leaves for each row.</summary>
public static class RowResult
{
    /// <summary>Integers: the sampled task.</summary>
    public const int Index = 0;

    /// <summary>Integers: the most likely task.</summary>
    public const int Mode = 1;

    /// <summary>Integers: 1 when the most likely task equals the commanded one.</summary>
    public const int CommandedIsMode = 2;

    /// <summary>Integers: first column that is not finite, or -1.</summary>
    public const int BadCandidate = 3;

    /// <summary>Planes of integers.</summary>
    public const int IntegerPlanes = 4;

    /// <summary>Floats: entropy of the row's posterior.</summary>
    public const int Entropy = 0;

    /// <summary>Floats: logsumexp of the row's scores.</summary>
    public const int LogNormalizer = 1;

    /// <summary>Floats: minus the log-posterior of the commanded task; NaN when it is no candidate.</summary>
    public const int Surprise = 2;

    /// <summary>Floats: the entry in <see cref="BadCandidate"/>.</summary>
    public const int BadValue = 3;

    /// <summary>Planes of floats.</summary>
    public const int FloatPlanes = 4;
}

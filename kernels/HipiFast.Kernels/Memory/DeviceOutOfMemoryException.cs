namespace HipiFast.Kernels.Memory;

/// <summary>The device has too little free memory.</summary>
public sealed class DeviceOutOfMemoryException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="device">The device's id.</param>
    /// <param name="neededBytes">What was asked for.</param>
    /// <param name="freeBytes">What is free; -1 where the device does not tell.</param>
    public DeviceOutOfMemoryException(string device, long neededBytes, long freeBytes)
        : base(
            $"Out of memory on device {device}: {Mebibytes(neededBytes)} needed, "
            + $"{(freeBytes < 0 ? "an unknown amount" : Mebibytes(freeBytes))} free.")
    {
        NeededBytes = neededBytes;
        FreeBytes = freeBytes;
    }

    /// <summary>What was asked for.</summary>
    public long NeededBytes { get; }

    /// <summary>What is free; -1 where the device does not tell.</summary>
    public long FreeBytes { get; }

    private static string Mebibytes(long bytes) => FormattableString.Invariant($"{bytes / (double)(1 << 20):F1} MiB");
}

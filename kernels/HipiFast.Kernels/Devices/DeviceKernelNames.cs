namespace HipiFast.Kernels.Devices;

/// <summary>Names of the kernels that a <see cref="DeviceRuntime"/> loads. Kernels whose names end in a family's judge are specialised for one.</summary>
public static class DeviceKernelNames
{
    /// <summary>Draws transitions of a replay ring that lies on the device, uniformly.</summary>
    public const string ReplaySample = "replay-sample";

    /// <summary>Gathers the drawn transitions of a replay ring into the columns of a batch.</summary>
    public const string ReplayGather = "replay-gather";

    /// <summary>Nothing but fp32 multiply-adds: the peak that kernels are quoted against.</summary>
    public const string MultiplyAddPeak = "multiply-add-peak";

    /// <summary>A copy of a large array: the memory peak that kernels are quoted against.</summary>
    public const string CopyPeak = "copy-peak";
}

namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>A device refused or failed an operation: the message is one sentence.</summary>
public sealed class DeviceException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">One sentence.</param>
    public DeviceException(string message)
        : base(message)
    {
    }
}

namespace HipiFast.Kernels.Backends;

/// <summary>Options of a session.</summary>
/// <param name="MaxThreads">Most threads one call may use; 0 for one per core. Results do not depend on it.</param>
/// <param name="Device">
/// <see cref="DeviceInfo.Id"/> of the device; null, empty or <see cref="DeviceInfo.Auto"/> for the backend's first.
/// </param>
public readonly record struct SessionOptions(int MaxThreads = 0, string? Device = null);

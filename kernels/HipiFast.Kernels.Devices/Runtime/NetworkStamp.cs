namespace HipiFast.Kernels.Devices.Runtime;

/// <summary>
/// Names the values of a network at one time, so that what was made of them can tell whether it is still theirs.
/// </summary>
/// <param name="Source">Whose values: a network of the host's, or a <see cref="ResidentNetwork"/>.</param>
/// <param name="Version">Its count of changes.</param>
internal readonly record struct NetworkStamp(object? Source, long Version);

namespace HipiFast.Storage;

/// <summary>A directory that only one process may write is held by another.</summary>
/// <param name="directory">The directory.</param>
public sealed class DirectoryInUseException(string directory)
    : IOException($"'{directory}' is in use by another run; wait until that has ended, or stop it.");

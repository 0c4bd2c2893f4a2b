using System.Reflection;
using HipiFast.Kernels.Backends;
using HipiFast.Storage;

namespace HipiFast.Training;

/// <summary>
/// What computed a run: two variants give other bits for the same configuration. A checkpoint records it, and a resumed
/// run keeps it.
/// </summary>
/// <param name="Backend">
/// Name of the backend, which for backends in C# names the width of their vectors: <c>managed-256</c>.
/// </param>
/// <param name="Host">The backend in C# that does what the backend itself leaves to the host.</param>
/// <param name="Version">Version of the library.</param>
public sealed record RunVariant(string Backend, string Host, string Version)
{
    private const string BackendKey = "backend";
    private const string HostKey = "host";
    private const string VersionKey = "version";

    /// <summary>What a backend would be recorded as here.</summary>
    /// <param name="backend">The backend.</param>
    /// <returns>Its variant.</returns>
    public static RunVariant Of(KernelBackend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        Assembly assembly = typeof(RunVariant).Assembly;
        string version =
            assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
            ?? assembly.GetName().Version!.ToString();
        string host = backend.Family == ManagedBackend.FamilyName
            ? backend.Name
            : KernelRegistry.Default.Resolve(ManagedBackend.FamilyName).Name;
        return new RunVariant(backend.Name, host, version);
    }

    /// <summary>What the last checkpoint of a run was computed with.</summary>
    /// <param name="directory">The run.</param>
    /// <returns>Null where there is no checkpoint, or one that does not say.</returns>
    /// <exception cref="InvalidDataException">The checkpoint is damaged.</exception>
    public static RunVariant? ReadFrom(RunDirectory directory)
    {
        ArgumentNullException.ThrowIfNull(directory);
        if (!File.Exists(directory.Checkpoint))
        {
            return null;
        }

        using SafetensorsFile file = SafetensorsFile.OpenHeader(directory.Checkpoint);
        return file.Metadata.TryGetValue(BackendKey, out string? backend)
            ? new RunVariant(
                backend, file.Metadata.GetValueOrDefault(HostKey, backend),
                file.Metadata.GetValueOrDefault(VersionKey, string.Empty))
            : null;
    }

    /// <summary>
    /// The backend with which a run goes on: the one that its checkpoint records, else the configuration's.
    /// </summary>
    /// <param name="directory">The run.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="allowOther">Whether another variant may go on where the recorded one cannot run here.</param>
    /// <param name="note">
    /// One sentence where the numbers may be others than those of a run never stopped; else empty.
    /// </param>
    /// <returns>A backend that can run here.</returns>
    /// <exception cref="NotSupportedException">
    /// The recorded variant cannot run here and no other is allowed; or none can run.
    /// </exception>
    /// <exception cref="ArgumentException">The configuration's backend or device does not exist.</exception>
    /// <exception cref="InvalidDataException">The checkpoint is damaged.</exception>
    public static KernelBackend Choose(RunDirectory directory, TrainingConfig config, bool allowOther, out string note)
    {
        ArgumentNullException.ThrowIfNull(config);
        note = string.Empty;
        RunVariant? recorded = ReadFrom(directory);
        if (recorded is null)
        {
            return config.Compute.ResolveBackend();
        }

        string? obstacle = recorded.Obstacle(config, out KernelBackend? backend);
        if (obstacle is not null)
        {
            if (!allowOther)
            {
                throw new NotSupportedException(
                    $"The run in {directory.Path} was computed by {recorded.Name}, which cannot go on here: "
                    + $"{obstacle.TrimEnd('.')}; "
                    + "train --resume with --allow-other-variant goes on with another, whose numbers differ.");
            }

            backend = Another(config);
            note =
                $"The run in {directory.Path} was computed by {recorded.Name} and goes on with {Of(backend).Name}: its "
                + "numbers from here on are "
                + "not those of a run never stopped.";
        }
        else if (recorded.Version.Length > 0 && recorded.Version != Of(backend!).Version)
        {
            note =
                $"The run in {directory.Path} was begun by version {recorded.Version} and goes on with version "
                + $"{Of(backend!).Version}: its numbers "
                + "from here on may not be those of a run never stopped.";
        }

        return backend!;
    }

    /// <summary>Adds it to a checkpoint's metadata.</summary>
    /// <param name="writer">The checkpoint.</param>
    internal void AddTo(SafetensorsWriter writer)
    {
        writer.Metadata[BackendKey] = Backend;
        writer.Metadata[HostKey] = Host;
        writer.Metadata[VersionKey] = Version;
    }

    private string Name => Backend == Host ? $"backend '{Backend}'" : $"backend '{Backend}' with host '{Host}'";

    // As configured where that can run here, else the fastest that can.
    private static KernelBackend Another(TrainingConfig config)
    {
        try
        {
            return config.Compute.ResolveBackend();
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException)
        {
            return KernelRegistry.Default.Resolve(KernelRegistry.Auto);
        }
    }

    // Why it cannot go on here, or null.
    private string? Obstacle(TrainingConfig config, out KernelBackend? backend)
    {
        backend = KernelRegistry.Default.Backends.FirstOrDefault(candidate => candidate.Name == Backend);
        if (backend is null)
        {
            return "there is no such backend";
        }

        if (!backend.IsSupported(out string reason))
        {
            return reason;
        }

        string host = Of(backend).Host;
        return !backend.HasDevice(config.Compute.Device) ? $"it has no device '{config.Compute.Device}'"
            : host != Host ? $"the host computes with '{host}'"
            : null;
    }
}

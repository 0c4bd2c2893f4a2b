using HipiFast.Kernels.Backends;

namespace HipiFast.Kernels.Conformance.Backends;

/// <summary>
/// Says which backend the tests of a class run. Where that backend cannot run, they are reported as skipped, with the
/// backend's reason, and the class is not even made (see <see cref="BackendTestFramework"/>).
/// </summary>
/// <param name="name">A backend's name in the registry.</param>
[AttributeUsage(AttributeTargets.Class)]
public sealed class RunsBackendAttribute(string name) : Attribute
{
    /// <summary>The backend's name.</summary>
    public string Name { get; } = name;

    /// <summary>Why the backend cannot run here, in one sentence; null when it can.</summary>
    /// <remarks>A name that is not registered gives null: the tests then run, and fail at the name.</remarks>
    public static string? WhyNot(string name)
    {
        KernelBackend? backend = KernelRegistry.Default.Backends.FirstOrDefault(candidate => candidate.Name == name);
        return backend is null || backend.IsSupported(out string reason) ? null : $"{name} cannot run here: {reason}";
    }
}

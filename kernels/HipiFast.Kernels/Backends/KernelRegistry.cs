namespace HipiFast.Kernels.Backends;

/// <summary>The backends of this process by name, fastest first. The one place where a backend is chosen.</summary>
public sealed class KernelRegistry
{
    /// <summary>The name that stands for the fastest backend that can run here.</summary>
    public const string Auto = "auto";

    /// <summary>Environment variable that forces a backend wherever <see cref="Auto"/> was asked for.</summary>
    public const string EnvironmentVariable = "HIPIFAST_BACKEND";

    private readonly List<(int Priority, KernelBackend Backend)> _backends = [];

    /// <summary>The registry of this process; holds the managed backend from the start.</summary>
    public static KernelRegistry Default { get; } = CreateDefault();

    /// <summary>All backends, highest priority first, whether they can run or not.</summary>
    public IReadOnlyList<KernelBackend> Backends
    {
        get
        {
            lock (_backends)
            {
                return [.. _backends.Select(entry => entry.Backend)];
            }
        }
    }

    /// <summary>Adds a backend.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="priority">Higher is preferred by <see cref="Auto"/>; the managed backend has 0.</param>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public void Register(KernelBackend backend, int priority)
    {
        ArgumentNullException.ThrowIfNull(backend);
        lock (_backends)
        {
            if (backend.Name == Auto || _backends.Any(entry => entry.Backend.Name == backend.Name))
            {
                throw new ArgumentException($"A backend named '{backend.Name}' is already registered.", nameof(backend));
            }

            _backends.Add((priority, backend));
            _backends.Sort((a, b) => b.Priority.CompareTo(a.Priority));
        }
    }

    /// <summary>Finds a backend that can run here.</summary>
    /// <param name="name">A name, or <see cref="Auto"/>. A name that is asked for and cannot run is an error, never silently another backend.</param>
    /// <returns>The backend.</returns>
    /// <exception cref="ArgumentException">No backend has that name; the message lists those there are.</exception>
    /// <exception cref="NotSupportedException">The backend cannot run here; the message says why.</exception>
    public KernelBackend Resolve(string name = Auto)
    {
        ArgumentNullException.ThrowIfNull(name);
        string? forced = name == Auto ? Environment.GetEnvironmentVariable(EnvironmentVariable) : null;
        string wanted = string.IsNullOrEmpty(forced) ? name : forced;
        string reason = string.Empty;
        KernelBackend? found = wanted == Auto
            ? Backends.FirstOrDefault(backend => backend.IsSupported(out reason))
            : Backends.FirstOrDefault(backend => backend.Name == wanted);
        if (found is null)
        {
            string source = string.IsNullOrEmpty(forced) ? string.Empty : $" (from {EnvironmentVariable})";
            string known = string.Join(", ", Backends.Select(backend => backend.Name));
            throw new ArgumentException($"Unknown backend '{wanted}'{source}; expected {Auto}, {known}.");
        }

        return found.IsSupported(out reason) ? found : throw new NotSupportedException($"Backend '{found.Name}' cannot run here: {reason}");
    }

    private static KernelRegistry CreateDefault()
    {
        KernelRegistry registry = new();
        registry.Register(new ManagedBackend(), 0);
        return registry;
    }
}

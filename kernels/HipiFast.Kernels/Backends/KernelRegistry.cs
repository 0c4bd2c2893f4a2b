namespace HipiFast.Kernels.Backends;

/// <summary>The backends of this process by name, fastest first. The one place where a backend is chosen.</summary>
public sealed class KernelRegistry
{
    /// <summary>The name that stands for the fastest backend that can run here.</summary>
    public const string Auto = "auto";

    /// <summary>Environment variable that forces a backend wherever <see cref="Auto"/> was asked for.</summary>
    public const string EnvironmentVariable = "HIPIFAST_BACKEND";

    /// <summary>
    /// Priority of the fastest native backend; the others follow below it, all above the managed ones.
    /// </summary>
    private const int NativePriority = 30;

    private readonly List<(int Priority, KernelBackend Backend)> _backends = [];

    /// <summary>The registry of this process; holds the native and the managed backends from the start.</summary>
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
    /// <param name="priority">Higher is preferred; the fastest managed backend has 0.</param>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public void Register(KernelBackend backend, int priority)
    {
        ArgumentNullException.ThrowIfNull(backend);
        lock (_backends)
        {
            if (backend.Name == Auto || _backends.Any(entry => entry.Backend.Name == backend.Name))
            {
                throw new ArgumentException(
                    $"A backend named '{backend.Name}' is already registered.", nameof(backend));
            }

            _backends.Add((priority, backend));
            _backends.Sort((a, b) => b.Priority.CompareTo(a.Priority));
        }
    }

    /// <summary>Finds a backend that can run here.</summary>
    /// <param name="name">
    /// A backend's name, the name of a family of them (its fastest that can run here), or <see cref="Auto"/> (the
    /// fastest of all). A backend that is asked for and cannot run is an error, never silently another one.
    /// </param>
    /// <param name="precision">Arithmetic allowed.</param>
    /// <param name="device">
    /// <see cref="DeviceInfo.Id"/> of the device that it must have; null, empty or <see cref="DeviceInfo.Auto"/> for
    /// any.
    /// </param>
    /// <returns>The backend.</returns>
    /// <exception cref="ArgumentException">
    /// No backend has that name, or none has that device (the message lists those there are), or the one named computes
    /// in the other precision.
    /// </exception>
    /// <exception cref="NotSupportedException">No backend asked for can run here; the message says why.</exception>
    public KernelBackend Resolve(
        string name = Auto, PrecisionMode precision = PrecisionMode.Auto, string? device = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        string? forced = name == Auto ? Environment.GetEnvironmentVariable(EnvironmentVariable) : null;
        string wanted = string.IsNullOrEmpty(forced) ? name : forced;
        string source = string.IsNullOrEmpty(forced) ? string.Empty : $" (from {EnvironmentVariable})";
        IReadOnlyList<KernelBackend> backends = Backends;
        List<KernelBackend> named = [.. backends.Where(
            backend => wanted == Auto || backend.Name == wanted || backend.Family == wanted)];
        if (named.Count == 0)
        {
            throw new ArgumentException(
                $"Unknown backend '{wanted}'{source}; expected {Auto}, {string.Join(", ", Names(backends))}.");
        }

        // Without a name and without leave for bf16, fp32.
        bool allowsFp32 = precision != PrecisionMode.Bf16;
        bool allowsBf16 = precision == PrecisionMode.Bf16 || (precision == PrecisionMode.Auto && wanted != Auto);
        List<KernelBackend> allowed = [.. named.Where(
            backend => backend.Precision == KernelPrecision.Fp32 ? allowsFp32 : allowsBf16)];
        if (allowed.Count == 0)
        {
            string asked = precision == PrecisionMode.Bf16
                ? "bf16"
                : "fp32", other = precision == PrecisionMode.Bf16
                ? "fp32"
                : "bf16";
            throw wanted == Auto
                ? new NotSupportedException(
                    $"Precision {asked} was asked for, in which no backend that is installed computes.")
                : new ArgumentException(
                    $"Precision {asked} was asked for, but backend '{wanted}'{source} computes in {other}.");
        }

        List<string> reasons = [];
        List<KernelBackend> supported = [];
        foreach (KernelBackend backend in allowed)
        {
            if (backend.IsSupported(out string reason))
            {
                if (backend.HasDevice(device))
                {
                    return backend;
                }

                supported.Add(backend);
            }
            else
            {
                reasons.Add(backend.Name == wanted ? reason : $"{backend.Name}: {reason}");
            }
        }

        if (supported.Count > 0)
        {
            IEnumerable<string> devices = supported.SelectMany(backend => backend.Devices.Count == 0
                ? [$"{DeviceInfo.Cpu} ({backend.Family})"]
                : backend.Devices.Select(info => $"{info.Id} ({backend.Name}: {info.Name})"));
            string owner = wanted == Auto ? "No backend that can run here has a" : $"Backend '{wanted}'{source} has no";
            throw new ArgumentException(
                $"{owner} device '{device}'; there are {string.Join(", ", devices.Distinct())}.");
        }

        string what = wanted != Auto
            ? $"Backend '{wanted}'{source}"
            : precision == PrecisionMode.Bf16
            ? "No bf16 backend"
            : "No backend";
        throw new NotSupportedException(
            $"{what} {(wanted == Auto ? "can" : "cannot")} run here: "
            + $"{string.Join("; ", reasons)}{(reasons[^1].EndsWith('.') ? string.Empty : ".")}");
    }

    /// <summary>
    /// Every name that <see cref="Resolve"/> takes besides <see cref="Auto"/>: families, then single backends.
    /// </summary>
    private static IEnumerable<string> Names(IReadOnlyList<KernelBackend> backends) =>
        backends.Select(backend => backend.Family).Concat(backends.Select(backend => backend.Name)).Distinct();

    private static KernelRegistry CreateDefault()
    {
        KernelRegistry registry = new();
        int priority = 0;
        foreach (ManagedBackend backend in ManagedBackend.All)
        {
            registry.Register(backend, priority--);
        }

        priority = NativePriority;
        foreach (NativeBackend backend in NativeBackend.All())
        {
            registry.Register(backend, priority--);
        }

        return registry;
    }
}

namespace HipiFast.Kernels.Backends;

/// <summary>One device that a backend can run on.</summary>
/// <param name="Id">Name by which users choose it: <c>cuda:0</c>, <c>opencl:1</c>, <c>cpu</c>.</param>
/// <param name="Name">What its driver calls it.</param>
/// <param name="MemoryBytes">Its memory; 0 where that is unknown.</param>
/// <param name="Capability">Compute capability times ten (90 for 9.0); 0 where there is no such thing.</param>
/// <param name="Multiprocessors">Groups run on so many units side by side.</param>
/// <param name="WarpSize">Threads that go in lockstep.</param>
/// <param name="MaxGroupSize">Most threads in a group.</param>
/// <param name="SharedBytesPerGroup">
/// Most shared memory, static and dynamic together, that a launch may ask for.
/// </param>
public sealed record DeviceInfo(
    string Id, string Name, long MemoryBytes, int Capability, int Multiprocessors, int WarpSize, int MaxGroupSize,
    int SharedBytesPerGroup)
{
    /// <summary>Name of the processor among devices.</summary>
    public const string Cpu = "cpu";

    /// <summary>Stands for the first device of a backend.</summary>
    public const string Auto = "auto";

    /// <summary>One line: id, name, memory, compute capability.</summary>
    public string Description
    {
        get
        {
            string memory = MemoryBytes > 0
                ? FormattableString.Invariant($", {MemoryBytes / (double)(1L << 30):F1} GiB")
                : string.Empty;
            string capability = Capability > 0
                ? $", compute capability {Capability / 10}.{Capability % 10}"
                : string.Empty;
            return $"{Id}: {Name}{memory}{capability}";
        }
    }

    /// <summary>Whether a name asks for no device in particular.</summary>
    /// <param name="id">A name, or null.</param>
    /// <returns>True for null, empty and <see cref="Auto"/>.</returns>
    public static bool IsAny(string? id) =>
        string.IsNullOrEmpty(id) || id.Equals(Auto, StringComparison.OrdinalIgnoreCase);

    /// <summary>Finds the device that was asked for.</summary>
    /// <param name="devices">The devices there are, best first; at least one.</param>
    /// <param name="id">An <see cref="Id"/>, in any case; null, empty or <see cref="Auto"/> for the first.</param>
    /// <param name="backend">Name of the backend, for the message.</param>
    /// <returns>The device.</returns>
    /// <exception cref="ArgumentException">There is no such device; the message lists those there are.</exception>
    public static DeviceInfo Find(IReadOnlyList<DeviceInfo> devices, string? id, string backend)
    {
        ArgumentNullException.ThrowIfNull(devices);
        ArgumentOutOfRangeException.ThrowIfZero(devices.Count, nameof(devices));
        return IsAny(id)
            ? devices[0]
            : devices.FirstOrDefault(device => device.Id.Equals(id, StringComparison.OrdinalIgnoreCase))
                ?? throw new ArgumentException(
                    $"Backend '{backend}' has no device '{id}'; "
                    + $"it has {string.Join(", ", devices.Select(device => $"{device.Id} ({device.Name})"))}.");
    }
}

using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Cuda.Driver;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Cuda;

/// <summary>The GPU kernels, launched through NVIDIA's driver; no package is needed at run time.</summary>
public sealed class CudaBackend : DeviceBackend
{
    /// <summary>Name of the backend in fp32, and of the two together.</summary>
    public const string FamilyName = "cuda";

    private readonly Lazy<Probe> _probe;
    private readonly PtxCatalog _catalog;
    private readonly KernelRegistry? _registry;

    /// <param name="driverPath">The driver's library.</param>
    /// <param name="catalog">The kernels kept ready.</param>
    /// <param name="precision">Arithmetic of the soft-Q kernels.</param>
    /// <param name="registry">Backends among which one may compile kernels that are not kept; null for none.</param>
    internal CudaBackend(
        string driverPath, PtxCatalog catalog, KernelPrecision precision = KernelPrecision.Fp32,
        KernelRegistry? registry = null)
    {
        _registry = registry;
        _catalog = catalog;
        Precision = precision;
        _probe = new Lazy<Probe>(() => Look(driverPath, catalog));
    }

    /// <inheritdoc/>
    public override string Name => Precision == KernelPrecision.Fp32 ? FamilyName : $"{FamilyName}-bf16";

    /// <inheritdoc/>
    public override string Family => FamilyName;

    /// <inheritdoc/>
    public override KernelPrecision Precision { get; }

    /// <inheritdoc/>
    public override string Description =>
        $"PTX {(Precision == KernelPrecision.Fp32 ? "fp32" : "bf16 on tensor cores")} through NVIDIA's driver; "
        + string.Join("; ", Devices.Select(device => device.Description));

    /// <inheritdoc/>
    public override IReadOnlyList<DeviceInfo> Devices => _probe.Value.Devices;

    /// <inheritdoc/>
    public override bool IsSupported(out string reason)
    {
        reason = _probe.Value.WhyNot;
        return reason.Length == 0;
    }

    /// <inheritdoc/>
    public override DeviceRuntime CreateRuntime(string? device = null)
    {
        if (!IsSupported(out string reason))
        {
            throw new NotSupportedException($"Backend '{Name}' cannot run here: {reason}");
        }

        DeviceInfo info = DeviceInfo.Find(Devices, device, Name);
        return new CudaRuntime(
            _probe.Value.Driver!, info, int.Parse(info.Id.AsSpan(info.Id.IndexOf(':') + 1)), _catalog,
            CompileElsewhere);
    }

    // Another plug-in may bring a compiler, whenever it is loaded.
    private PtxKernel? CompileElsewhere(string name, TaskFamily? family, int capability) => _registry?.Backends
        .OfType<DeviceBackend>()
        .Select(backend => backend.CompilePtx(name, family, capability))
        .FirstOrDefault(kernel => kernel is not null);

    private static Probe Look(string driverPath, PtxCatalog catalog)
    {
        if (CudaDriver.TryLoad(driverPath, out string reason) is not { } driver)
        {
            return new Probe(null, [], reason);
        }

        try
        {
            IReadOnlyList<DeviceInfo> all = driver.ListDevices();
            int lowest = catalog.LowestCapability;
            DeviceInfo[] usable = [.. all.Where(device => lowest > 0 && device.Capability >= lowest)];
            string whyNot = usable.Length > 0 ? string.Empty
                : all.Count == 0 ? "no NVIDIA GPU was found."
                : lowest == 0 ? "it was built without its kernels (PTX)."
                : $"its kernels are for compute capability {lowest / 10}.{lowest % 10} and up; found "
                    + $"{all[0].Description}.";
            return new Probe(driver, usable, whyNot);
        }
        catch (DeviceException error)
        {
            return new Probe(null, [], error.Message);
        }
    }

    private sealed record Probe(CudaDriver? Driver, IReadOnlyList<DeviceInfo> Devices, string WhyNot);
}

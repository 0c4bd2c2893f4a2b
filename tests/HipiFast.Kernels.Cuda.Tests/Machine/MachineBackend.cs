using System.Runtime.CompilerServices;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Ilgpu;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Cuda.Tests.Machine;

/// <summary>
/// The backend <c>cuda</c> over the fake driver, whose kernels run on the PTX machine, under a name of its own so that
/// tests can ask for it.
/// </summary>
internal sealed class MachineBackend(string name, KernelPrecision precision) : KernelBackend
{
    public const string Fp32 = "cuda-machine", Bf16 = "cuda-machine-bf16";

    private const long MemoryBytes = 8L << 30;

    private static readonly KernelRegistry s_compilers = WithCompiler();

    public override string Name => name;

    public override KernelPrecision Precision => precision;

    public override string Description => "PTX on the PTX machine";

    [ModuleInitializer]
    public static void Register()
    {
        // Never what "auto" takes.
        KernelRegistry.Default.Register(new MachineBackend(Fp32, KernelPrecision.Fp32), int.MinValue);
        KernelRegistry.Default.Register(new MachineBackend(Bf16, KernelPrecision.Bf16), int.MinValue);
    }

    /// <summary>The fake driver with kernels that run; as it is when something uses it, else as new.</summary>
    public static FakeDriver Start() =>
        FakeDriver.Current ?? new FakeDriver { Executes = true, MemoryBytes = MemoryBytes };

    public static ComputeSession Open(string name) => KernelRegistry.Default.Resolve(name).CreateSession(default);

    public override bool IsSupported(out string reason)
    {
        reason = FakeDriverFactAttribute.WhyNot ?? string.Empty;
        return reason.Length == 0;
    }

    public override ComputeSession CreateSession(SessionOptions options)
    {
        // The tensor kernels compute pairs that nobody asked for beside those that somebody did, of whatever lies
        // there.
        Start().AllowsUnwritten = precision == KernelPrecision.Bf16;
        return new CudaBackend(FakeDriver.Path, PtxCatalog.Embedded, precision, s_compilers).CreateSession(options);
    }

    private static KernelRegistry WithCompiler()
    {
        KernelRegistry registry = new();
        registry.Register(new KeepingCompiler(), 0);
        return registry;
    }

    // Compiling takes longer than running, and every test opens a session of its own.
    private sealed class KeepingCompiler : DeviceBackend
    {
        private readonly PtxCompiler _compiler = new();
        private readonly Dictionary<(string Kernel, string Family, int Capability), PtxKernel> _kept = [];

        public override string Name => "compiler";

        public override string Description => "compiles PTX and runs nothing";

        public override bool IsSupported(out string reason)
        {
            reason = string.Empty;
            return true;
        }

        public override DeviceRuntime CreateRuntime(string? device = null) =>
            throw new NotSupportedException("The compiler of PTX opens no device.");

        public override PtxKernel? CompilePtx(string name, TaskFamily? family, int capability)
        {
            (string Kernel, string Family, int Capability) key = (name, PtxCatalog.FamilyName(family), capability);
            if (!_kept.TryGetValue(key, out PtxKernel? kernel))
            {
                kernel = _compiler.Compile(name, family, capability);
                _kept.Add(key, kernel);
            }

            return kernel;
        }
    }
}

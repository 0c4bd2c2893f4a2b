using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Cuda.Driver;
using HipiFast.Kernels.Devices;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Cuda.Tests;

/// <summary>Every way in which a driver, a device or a kernel is not to be had is one sentence.</summary>
[Collection(FakeDriverGroup.Name)]
public sealed class DriverTests
{
    [Fact]
    public void AMissingLibrary()
    {
        CudaBackend backend = new("no-such-library-libcuda.so.1", PtxFixture.Catalog());
        Assert.False(backend.IsSupported(out string reason));
        Assert.Equal(
            "the NVIDIA driver's library no-such-library-libcuda.so.1 was not found: install the driver of an NVIDIA "
            + "GPU.",
            reason);
        Assert.Empty(backend.Devices);
        Assert.Equal(
            $"Backend 'cuda' cannot run here: {reason}",
            Assert.Throws<NotSupportedException>(() => backend.CreateSession(default)).Message);
    }

    [FakeDriverFact]
    public void AnOldDriver()
    {
        _ = new FakeDriver { Version = 11020 };
        Assert.Equal(
            "the NVIDIA driver is too old: it supports CUDA 11.2, and 11.4 or newer is needed.",
            WhyNot(FakeDriver.Path));
    }

    [FakeDriverFact]
    public void ADriverWithoutAnEntryPoint()
    {
        _ = new FakeDriver();
        Assert.Equal(
            "the NVIDIA driver lacks cuGraphInstantiateWithFlags: install a driver for CUDA 11.4 or newer.",
            WhyNot(FakeDriver.OldPath));
    }

    [FakeDriverFact]
    public void NoDevice()
    {
        _ = new FakeDriver { Devices = 0 };
        Assert.Equal("no NVIDIA GPU was found (error 100).", WhyNot(FakeDriver.Path));
    }

    [FakeDriverFact]
    public void ADeviceThatIsTooOld()
    {
        _ = new FakeDriver { Capability = 61 };
        Assert.Equal(
            "its kernels are for compute capability 8.0 and up; found cuda:0: Fake GPU 0, 0.1 GiB, compute capability "
            + "6.1.",
            WhyNot(FakeDriver.Path));
    }

    [FakeDriverFact]
    public void ABuildWithoutKernels()
    {
        _ = new FakeDriver();
        CudaBackend backend = new(FakeDriver.Path, new PtxCatalog(_ => null));
        Assert.False(backend.IsSupported(out string reason));
        Assert.Equal("it was built without its kernels (PTX).", reason);
    }

    [FakeDriverTheory]
    [InlineData(
        34, "the library found is CUDA's stub for linking, not the NVIDIA driver's: install the driver (error 34).")]
    [InlineData(802, "a service that the device needs is not running, such as NVIDIA's fabric manager (error 802).")]
    [InlineData(
        803, "the driver's library and its kernel module are of different versions: restart the machine (error 803).")]
    [InlineData(804, "the compatibility package of CUDA does not support this device (error 804).")]
    public void ADriverThatDoesNotStart(int code, string expected)
    {
        new FakeDriver().Fail("cuInit", code);
        Assert.Equal(expected, WhyNot(FakeDriver.Path));
    }

    [FakeDriverFact]
    public void DevicesAreListedAndChosen()
    {
        _ = new FakeDriver { Devices = 2, MemoryBytes = 3L << 30 };
        CudaBackend backend = new(FakeDriver.Path, PtxFixture.Catalog());
        Assert.True(backend.IsSupported(out _));
        Assert.Equal(new DeviceInfo("cuda:1", "Fake GPU 1", 3L << 30, 90, 4, 32, 1024, 227 << 10), backend.Devices[1]);
        Assert.Equal("cuda:1: Fake GPU 1, 3.0 GiB, compute capability 9.0", backend.Devices[1].Description);
        using (DeviceRuntime runtime = backend.CreateRuntime("CUDA:1"))
        {
            Assert.Equal("cuda:1", runtime.Device.Id);
        }

        using (DeviceRuntime runtime = backend.CreateRuntime())
        {
            Assert.Equal("cuda:0", runtime.Device.Id);
        }

        Assert.Equal(
            "Backend 'cuda' has no device 'cuda:7'; it has cuda:0 (Fake GPU 0), cuda:1 (Fake GPU 1).",
            Assert.Throws<ArgumentException>(() => backend.CreateRuntime("cuda:7")).Message);
    }

    [Fact]
    public void EveryKnownErrorHasASentenceOfItsOwn()
    {
        HashSet<string> seen = [];
        foreach (CudaResult result in Enum.GetValues<CudaResult>().Where(result => result != CudaResult.Success))
        {
            string sentence = CudaErrors.Sentence(result, "do it");
            Assert.StartsWith("CUDA could not do it: ", sentence);
            Assert.EndsWith($"(error {(int)result}).", sentence);
            Assert.True(seen.Add(sentence), sentence);
        }

        Assert.Equal(
            "CUDA could not do it: the driver reports error 12345 (cuda.h says what it means) on trying to do it.",
            CudaErrors.Sentence((CudaResult)12345, "do it"));
    }

    [FakeDriverTheory]
    [InlineData(218, "the kernel's PTX does not compile (error 218)")]
    [InlineData(221, "the driver's PTX compiler was not found: install the whole driver (error 221)")]
    [InlineData(222, "the kernel's PTX is newer than the driver: install a newer driver (error 222)")]
    public void AKernelThatDoesNotCompileSaysTheCompilersFirstLine(int code, string expected)
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        fake.Fail("cuModuleLoadDataEx", code);
        Assert.Equal(
            $"CUDA could not load the kernel scale: {expected}; the compiler says: ptxas application ptx input, line "
            + "1; fatal   : "
            + "Missing .version directive.",
            Assert.Throws<DeviceException>(() => runtime.Load(PtxFixture.Scale)).Message);

        // Nothing of it is kept: the next try is a new one.
        Assert.Equal("scale", runtime.Load(PtxFixture.Scale).Name);
    }

    [FakeDriverTheory]
    [InlineData(
        "cuLaunchKernel", 701,
        "CUDA could not launch the kernel twice: the kernel takes more registers or threads than the device has (error "
        + "701).")]
    [InlineData(
        "cuStreamSynchronize", 700,
        "CUDA could not finish the work of a stream: a kernel read or wrote outside its memory (error 700).")]
    [InlineData(
        "cuMemcpyHtoDAsync_v2", 1, "CUDA could not copy to the device: the driver refused an argument (error 1).")]
    [InlineData(
        "cuMemAlloc_v2", 709,
        "CUDA could not allocate device memory: the device's context has been destroyed (error 709).")]
    public void ErrorsOfCallsAreSentences(string entryPoint, int code, string expected)
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using DeviceBuffer buffer = runtime.Allocate(64);
        using LaunchArguments arguments = new();
        DeviceKernel kernel = runtime.Load("twice");
        fake.Fail(entryPoint, code);
        DeviceException error = Assert.Throws<DeviceException>(() =>
        {
            runtime.Upload<int>([1], buffer.View<int>());
            runtime.Launch(kernel, new LaunchShape(
                new DeviceExtent(1), new DeviceExtent(1)), arguments.Add(buffer.View<int>()).Add(1));
            runtime.Synchronize();
            runtime.Allocate(1).Dispose();
        });
        Assert.Equal(expected, error.Message);
        Assert.Equal(0, fake.Depth);
    }

    [FakeDriverFact]
    public void TheKernelForTheHighestCapabilityIsTaken()
    {
        FakeDriver fake = new() { Capability = 86 };
        using (CudaRuntime runtime = fake.Open())
        {
            using LaunchArguments arguments = new();
            runtime.Launch(
                runtime.Load(PtxFixture.Reduce), new LaunchShape(new DeviceExtent(1), new DeviceExtent(1)),
                arguments.Add(default(DeviceView)).Add(1));
            Assert.Contains("Kernel_Scale_Twice", Assert.Single(fake.Calls("cuLaunchKernel")));
        }

        Assert.Equal("Kernel_Reduce", PtxFixture.Catalog().Find(PtxFixture.Reduce, "-", 120)!.EntryPoint);
        Assert.Null(PtxFixture.Catalog().Find(PtxFixture.Reduce, "-", 75));
    }

    [Theory]
    [InlineData(80, "Any")]
    [InlineData(89, "Any")]
    [InlineData(90, "Exact")]
    [InlineData(100, "Newer")]
    [InlineData(120, "Newer")]
    public void TextForOneArchitectureServesNoLaterOne(int capability, string expected)
    {
        PtxCatalog catalog = new(file => file == "manifest.txt"
            ? "k\t-\t90a\tf\tExact\nk\t-\t80\tf\tAny\nk\t-\t90\tf\tNewer"
            : string.Empty);
        Assert.Equal(expected, catalog.Find("k", "-", capability)!.EntryPoint);
    }

    [FakeDriverFact]
    public void AFamilyThatIsNotKeptIsCompiledOrSaysWhatToInstall()
    {
        FakeDriver fake = new();
        TaskFamily family = TaskFamily.Create(default(UnknownFamily));
        foreach (KernelRegistry? registry in (KernelRegistry?[])[null, new KernelRegistry()])
        {
            CudaBackend alone = new(FakeDriver.Path, PtxFixture.Catalog(), registry: registry);
            registry?.Register(alone, 0);
            using DeviceRuntime refusing = alone.CreateRuntime();
            Assert.Equal(
                $"The task family {typeof(UnknownFamily).FullName} is not among those that the cuda backend keeps "
                + "ready, and compiling it takes "
                + "HipiFast.Kernels.Ilgpu: build with the ILGPU package, or use another backend.",
                Assert.Throws<NotSupportedException>(() => refusing.Load(PtxFixture.Judge, family)).Message);
        }

        // A compiler that is registered after the runtime was opened serves it.
        KernelRegistry backends = new();
        CompilingBackend compiler = new();
        using DeviceRuntime runtime =
            new CudaBackend(FakeDriver.Path, PtxFixture.Catalog(), registry: backends).CreateRuntime();
        backends.Register(compiler, 0);
        DeviceKernel kernel = runtime.Load(PtxFixture.Judge, family);
        Assert.Same(kernel, runtime.Load(PtxFixture.Judge, TaskFamily.Create(default(UnknownFamily))));
        Assert.Equal([(PtxFixture.Judge, 90)], compiler.Calls);
    }

    [FakeDriverFact]
    public void AnUnknownKernelIsASentence()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        Assert.Equal(
            "The kernel 'nothing' is not kept ready for cuda:0 of compute capability 9.0 (kernels are kept for 8.0 and "
            + "up).",
            Assert.Throws<NotSupportedException>(() => runtime.Load("nothing")).Message);
    }

    [Theory]
    [InlineData(
        "scale\t-\t80\tplain.ptx",
        "manifest.txt, line 2: expected kernel, family, capability, file and entry point; found "
        + "'scale\t-\t80\tplain.ptx'.")]
    [InlineData(
        "scale\t-\ta\ta\tb",
        "manifest.txt, line 2: expected kernel, family, capability, file and entry point; found 'scale\t-\ta\ta\tb'.")]
    [InlineData(
        "scale\t-\tx\ta\tb",
        "manifest.txt, line 2: expected kernel, family, capability, file and entry point; found 'scale\t-\tx\ta\tb'.")]
    public void ADamagedManifestIsASentence(string line, string expected) =>
        Assert.Equal(
            expected, Assert.Throws<InvalidDataException>(() => new PtxCatalog(_ => "# first\n" + line)).Message);

    [Theory]
    [InlineData("Kernel_Scale", new[] { 16, 16, 40 })]
    [InlineData("Kernel_Scale_Twice", new[] { 16, 4 })]
    [InlineData("Kernel_Judge", new[] { 16, 4, 1, 16 })]
    public void ParametersAreReadFromThePtx(string entryPoint, int[] expected) =>
        Assert.Equal(expected, PtxParameters.Read(PtxFixture.Module80, entryPoint));

    [Fact]
    public void APtxWithoutTheKernelIsASentence() => Assert.Equal(
        "The PTX holds no kernel 'Kernel_Sc'.",
        Assert.Throws<InvalidDataException>(() => PtxParameters.Read(PtxFixture.Module80, "Kernel_Sc")).Message);

    private static string WhyNot(string path)
    {
        CudaBackend backend = new(path, PtxFixture.Catalog());
        Assert.False(backend.IsSupported(out string reason));
        return reason;
    }

    /// <summary>A backend that can do nothing but compile.</summary>
    private sealed class CompilingBackend : DeviceBackend
    {
        public List<(string Name, int Capability)> Calls { get; } = [];

        public override string Name => "compiling";

        public override string Description => Name;

        public override bool IsSupported(out string reason)
        {
            reason = "it only compiles.";
            return false;
        }

        public override DeviceRuntime CreateRuntime(string? device = null) => throw new NotSupportedException();

        public override PtxKernel CompilePtx(string name, TaskFamily? family, int capability)
        {
            Calls.Add((name, capability));
            return new PtxKernel(PtxFixture.Module80, "Kernel_Judge");
        }
    }
}

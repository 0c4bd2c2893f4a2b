using System.Runtime.InteropServices;
using HipiFast.Kernels.Cuda.Driver;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Cuda.Tests;

/// <summary>
/// The fake driver library of Fake, back in its first state. It is one for the process: its tests run one
/// after another.
/// </summary>
internal sealed unsafe class FakeDriver
{
    private static readonly nint s_library = File.Exists(Path) ? NativeLibrary.Load(Path) : 0;

    private static FakeDriver? s_current;

    public FakeDriver()
    {
        ((delegate* unmanaged<void>)Find("fake_reset"))();
        s_current = this;
    }

    /// <summary>The one whose context somebody has open, and that works; null for none.</summary>
    public static FakeDriver? Current => s_current is { Retained: > 0, Fault: "" } ? s_current : null;

    /// <summary>Where the build puts it.</summary>
    public static string Path => Locate("fakecuda");

    /// <summary>The same without the entry points that CUDA 11.4 brought.</summary>
    public static string OldPath => Locate("fakecuda_old");

    /// <summary>What was called, one line each.</summary>
    public string[] Log => Text("fake_log").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public int Retained => ((delegate* unmanaged<int>)Find("fake_retained"))();

    /// <summary>Contexts pushed and not popped.</summary>
    public int Depth => ((delegate* unmanaged<int>)Find("fake_depth"))();

    public int Version
    {
        set => Set("fake_set_version", value);
    }

    public int Devices
    {
        set => Set("fake_set_devices", value);
    }

    public int Capability
    {
        set => Set("fake_set_capability", value);
    }

    public int SharedBytes
    {
        set => Set("fake_set_shared", value);
    }

    public long MemoryBytes
    {
        set => ((delegate* unmanaged<nuint, void>)Find("fake_set_memory"))((nuint)value);
    }

    /// <summary>
    /// Whether kernels run, on the PTX machine of Fake/Machine; otherwise a launch is written down and does nothing.
    /// </summary>
    public bool Executes
    {
        set => Set("fake_set_execution", value ? 1 : 0);
    }

    /// <summary>
    /// Whether, before a stream is finished, all others are. Otherwise none is that does not have to be.
    /// </summary>
    public bool OthersFirst
    {
        set => Set("fake_set_order", value ? 1 : 0);
    }

    /// <summary>
    /// Whether kernels may read device memory that nobody has written, and then read NaN; otherwise that is a fault.
    /// </summary>
    public bool AllowsUnwritten
    {
        set => Set("fake_allow_unwritten", value ? 1 : 0);
    }

    /// <summary>Instructions of warps that a launch may run before it counts as one that does not end.</summary>
    public ulong InstructionLimit
    {
        set => ((delegate* unmanaged<ulong, void>)Find("fake_set_limit"))(value);
    }

    /// <summary>
    /// What a kernel or a copy did that it may not do: a name, a colon, where and what. Empty while nothing did.
    /// </summary>
    public string Fault => Text("fake_fault");

    /// <summary>Instructions of warps that have been run since the library was loaded.</summary>
    public ulong Instructions => ((delegate* unmanaged<ulong>)Find("fake_instructions"))();

    public void ClearLog() => ((delegate* unmanaged<void>)Find("fake_clear_log"))();

    /// <summary>Makes the call of an entry point fail that comes after <paramref name="after"/> others.</summary>
    public void Fail(string entryPoint, int code, int after = 0)
    {
        nint name = Marshal.StringToCoTaskMemUTF8(entryPoint);
        ((delegate* unmanaged<nint, int, int, void>)Find("fake_fail"))(name, code, after);
        Marshal.FreeCoTaskMem(name);
    }

    /// <summary>
    /// Makes the calls of an entry point do nothing and say that all went well: a launcher that has forgotten them.
    /// </summary>
    public void Skip(string entryPoint)
    {
        nint name = Marshal.StringToCoTaskMemUTF8(entryPoint);
        ((delegate* unmanaged<nint, void>)Find("fake_skip"))(name);
        Marshal.FreeCoTaskMem(name);
    }

    /// <summary>
    /// Objects made and not given back: context, stream, event, module, graph, executable, buffer, host.
    /// </summary>
    public int Live(string kind)
    {
        nint name = Marshal.StringToCoTaskMemUTF8(kind);
        int count = ((delegate* unmanaged<nint, int>)Find("fake_live"))(name);
        Marshal.FreeCoTaskMem(name);
        return count;
    }

    /// <summary>Starts the driver and opens its first device.</summary>
    public CudaRuntime Open(
        PtxCatalog? catalog = null, Func<string, TaskFamily?, int, PtxKernel?>? compile = null)
    {
        CudaDriver driver = CudaDriver.TryLoad(Path, out string reason) ?? throw new InvalidOperationException(reason);
        return new CudaRuntime(driver, driver.ListDevices()[0], 0, catalog ?? PtxFixture.Catalog(), compile);
    }

    /// <summary>The lines of the log that begin with one of these words.</summary>
    public string[] Calls(params string[] entryPoints) =>
        [.. Log.Where(line => entryPoints.Any(entryPoint => line.Contains(entryPoint, StringComparison.Ordinal)))];

    /// <summary>Nothing is left behind.</summary>
    public void AssertNothingIsLeft()
    {
        foreach (
            string kind in (string[])["context", "stream", "event", "module", "graph", "executable", "buffer", "host"])
        {
            Assert.True(Live(kind) == 0, $"{Live(kind)} of kind {kind} were not given back.");
        }

        Assert.Equal(0, Retained);
        Assert.Equal(0, Depth);
    }

    private static string Locate(string name)
    {
        string prefix = OperatingSystem.IsWindows() ? string.Empty : "lib";
        string suffix = OperatingSystem.IsWindows() ? ".dll" : OperatingSystem.IsMacOS() ? ".dylib" : ".so";
        return System.IO.Path.Combine(AppContext.BaseDirectory, prefix + name + suffix);
    }

    private static nint Find(string name) => NativeLibrary.GetExport(s_library, name);

    private static void Set(string name, int value) => ((delegate* unmanaged<int, void>)Find(name))(value);

    private static string Text(string name) => Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)Find(name))())!;
}

/// <summary>A test on the fake driver; skipped where that was not built.</summary>
public sealed class FakeDriverFactAttribute : FactAttribute
{
    public FakeDriverFactAttribute() => Skip = WhyNot;

    internal static string? WhyNot { get; } =
        File.Exists(FakeDriver.Path)
            ? null
            : "the fake CUDA driver was not built (it takes CMake and a C++ compiler, GCC or Clang).";
}

/// <summary>A theory on the fake driver; skipped where that was not built.</summary>
public sealed class FakeDriverTheoryAttribute : TheoryAttribute
{
    public FakeDriverTheoryAttribute() => Skip = FakeDriverFactAttribute.WhyNot;
}

/// <summary>The tests of one process share one fake driver.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class FakeDriverGroup
{
    public const string Name = "fake driver";
}

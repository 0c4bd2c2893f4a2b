using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Tasks;
using HipiFast.Testing;

namespace HipiFast.Native.Tests;

/// <summary>
/// The C library, built once for all tests: for the level of this machine, or for those that the environment variable
/// names. Its functions are those of the header, called through the loader as a C program calls them.
/// </summary>
internal sealed unsafe class CLibrary
{
    /// <summary>
    /// Environment variable: levels to build, <c>x86-64-v2;x86-64-v3</c>; the machine's own when not set.
    /// </summary>
    public const string LevelsVariable = "HIPIFAST_TEST_LEVELS";

    private static readonly Lazy<CLibrary> s_shared = new(() => new CLibrary());

    private CLibrary()
    {
        Levels = Environment.GetEnvironmentVariable(LevelsVariable) is { Length: > 0 } levels
            ? levels.Split(';')
            : [OwnLevel];
        string configuration =
            typeof(CLibrary).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

        // What it refers to has been built; a build beside other tests must not touch it.
        ProcessStartInfo start = new(
            ChildProgram.Dotnet,
            [
                "build", Path.Combine(Repository.Root, "src", "HipiFast.Native"), "-c", configuration, "--no-restore",
                "-t:BuildLibraries", "-p:BuildProjectReferences=false", "-v", "quiet", "--nologo",
                $"-p:InstructionLevels=\"{string.Join(';', Levels)}\"",
            ]);
        using ChildProcess process = new(start);
        ProcessResult result = process.End();
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        nint library = NativeLibrary.Load(Path.Combine(Folder, FileName));
        LevelOf = (delegate* unmanaged[Cdecl]<byte*>)NativeLibrary.GetExport(library, "hipifast_level");
        LastErrorOf = (delegate* unmanaged[Cdecl]<byte*>)NativeLibrary.GetExport(library, "hipifast_last_error");
        AbiVersion = (delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(library, "hipifast_abi_version");
        VectorBits = (delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(library, "hipifast_vector_bits");
        HandleCount = (delegate* unmanaged[Cdecl]<long>)NativeLibrary.GetExport(library, "hipifast_handle_count");
        Destroy = (delegate* unmanaged[Cdecl]<ulong, Status>)NativeLibrary.GetExport(library, "hipifast_destroy");
        FamilyFromJson = (delegate* unmanaged[Cdecl]<byte*, ulong*, Status>)NativeLibrary.GetExport(
            library, "hipifast_family_from_json");
        FamilyFromFunctions =
            (delegate* unmanaged[Cdecl]<int, void*, void*, void*, ulong*, Status>)NativeLibrary.GetExport(
                library, "hipifast_family_from_functions");
        TaskDimension = (delegate* unmanaged[Cdecl]<ulong, int*, Status>)NativeLibrary.GetExport(
            library, "hipifast_family_task_dimension");
        AgentFromFile =
            (delegate* unmanaged[Cdecl]<byte*, ShapeView*, byte*, byte*, ulong*, Status>)NativeLibrary.GetExport(
                library, "hipifast_agent_from_file");
        AgentFromTensors =
            (delegate* unmanaged[Cdecl]<TensorView*, long, ShapeView*, byte*, byte*, ulong*, Status>)NativeLibrary
                .GetExport(library, "hipifast_agent_from_tensors");
        CreateRelabeler = (delegate* unmanaged[Cdecl]<ulong, ulong, byte*, ulong*, Status>)NativeLibrary.GetExport(
            library, "hipifast_relabeler_create");
        Prepare = (delegate* unmanaged[Cdecl]<ulong, ShapeView*, long, long, int, Status>)NativeLibrary.GetExport(
            library, "hipifast_relabeler_prepare");
        SetCandidates = (delegate* unmanaged[Cdecl]<ulong, float*, long, float*, Status>)NativeLibrary.GetExport(
            library, "hipifast_relabeler_set_candidates");
        Relabel =
            (delegate* unmanaged[Cdecl]<ulong, BatchView*, float*, long, float*, RelabelingView*, Status>)NativeLibrary
                .GetExport(library, "hipifast_relabel");
        RelabelFromQ =
            (delegate* unmanaged[Cdecl]<ulong, BatchView*, float*, long, float*, long, float*, RelabelingView*, Status>)
            NativeLibrary.GetExport(library, "hipifast_relabel_from_q");
        CreateSampler = (delegate* unmanaged[Cdecl]<byte*, ulong*, Status>)NativeLibrary.GetExport(
            library, "hipifast_sampler_create");
        Sample = (delegate* unmanaged[Cdecl]<ulong, float*, long, long, float*, DrawView*, Status>)NativeLibrary
            .GetExport(library, "hipifast_sample");
        GetCall = (delegate* unmanaged[Cdecl]<ulong, uint*, Status>)NativeLibrary.GetExport(
            library, "hipifast_get_call");
        SetCall = (delegate* unmanaged[Cdecl]<ulong, uint, Status>)NativeLibrary.GetExport(
            library, "hipifast_set_call");
    }

    /// <summary>Why there is none here; null where there is.</summary>
    public static string? WhyNot { get; } =
        OperatingSystem.IsWindows() ? "the C library is tested on Linux and macOS only"
        : MissingTool() is string tool ? $"{tool} was not found" : null;

    /// <summary>The library.</summary>
    public static CLibrary Shared => s_shared.Value;

    /// <summary>Folder of the libraries.</summary>
    public static string Folder { get; } = Path.Combine(
        Repository.Root, "artifacts", "c", $"{(OperatingSystem.IsMacOS() ? "osx" : "linux")}-{Architecture}");

    /// <summary>The level that the loader chooses on this machine.</summary>
    public static string OwnLevel { get; } = !X86Base.IsSupported ? "arm64"
        : Avx512F.IsSupported && Avx512BW.IsSupported && Avx512CD.IsSupported && Avx512DQ.IsSupported ? "x86-64-v4"
        : Avx2.IsSupported && Fma.IsSupported && Bmi2.IsSupported && Lzcnt.IsSupported ? "x86-64-v3" : "x86-64-v2";

    public IReadOnlyList<string> Levels { get; }

    public delegate* unmanaged[Cdecl]<int> AbiVersion { get; }

    public delegate* unmanaged[Cdecl]<int> VectorBits { get; }

    public delegate* unmanaged[Cdecl]<long> HandleCount { get; }

    public delegate* unmanaged[Cdecl]<ulong, Status> Destroy { get; }

    public delegate* unmanaged[Cdecl]<byte*, ulong*, Status> FamilyFromJson { get; }

    public delegate* unmanaged[Cdecl]<int, void*, void*, void*, ulong*, Status> FamilyFromFunctions { get; }

    public delegate* unmanaged[Cdecl]<ulong, int*, Status> TaskDimension { get; }

    public delegate* unmanaged[Cdecl]<byte*, ShapeView*, byte*, byte*, ulong*, Status> AgentFromFile { get; }

    public delegate* unmanaged[Cdecl]<TensorView*, long, ShapeView*, byte*, byte*, ulong*, Status> AgentFromTensors
    {
        get;
    }

    public delegate* unmanaged[Cdecl]<ulong, ulong, byte*, ulong*, Status> CreateRelabeler { get; }

    public delegate* unmanaged[Cdecl]<ulong, ShapeView*, long, long, int, Status> Prepare { get; }

    public delegate* unmanaged[Cdecl]<ulong, float*, long, float*, Status> SetCandidates { get; }

    public delegate* unmanaged[Cdecl]<ulong, BatchView*, float*, long, float*, RelabelingView*, Status> Relabel { get; }

    public delegate* unmanaged[Cdecl]<ulong, BatchView*, float*, long, float*, long, float*, RelabelingView*, Status>
        RelabelFromQ { get; }

    public delegate* unmanaged[Cdecl]<byte*, ulong*, Status> CreateSampler { get; }

    public delegate* unmanaged[Cdecl]<ulong, float*, long, long, float*, DrawView*, Status> Sample { get; }

    public delegate* unmanaged[Cdecl]<ulong, uint*, Status> GetCall { get; }

    public delegate* unmanaged[Cdecl]<ulong, uint, Status> SetCall { get; }

    /// <summary>The level that was loaded.</summary>
    public string Level => Marshal.PtrToStringUTF8((nint)LevelOf())!;

    /// <summary>The last error of this thread.</summary>
    public string LastError => Marshal.PtrToStringUTF8((nint)LastErrorOf())!;

    /// <summary>The loader's file.</summary>
    public static string FileName => OperatingSystem.IsMacOS() ? "libhipifast_c.dylib" : "libhipifast_c.so";

    private static string Architecture => RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    private delegate* unmanaged[Cdecl]<byte*> LevelOf { get; }

    private delegate* unmanaged[Cdecl]<byte*> LastErrorOf { get; }

    /// <summary>Fails unless a call succeeded.</summary>
    public void Require(Status status) => Assert.True(status == Status.Ok, $"{status}: {LastError}");

    /// <summary>A family of JSON.</summary>
    public ulong Family(string json)
    {
        ulong family;
        fixed (byte* text = Utf8(json))
        {
            Require(FamilyFromJson(text, &family));
        }

        return family;
    }

    /// <summary>A relabeler.</summary>
    public ulong Relabeler(ulong family, ulong agent, string options)
    {
        ulong relabeler;
        fixed (byte* text = Utf8(options))
        {
            Require(CreateRelabeler(family, agent, text, &relabeler));
        }

        return relabeler;
    }

    /// <summary>Text as C has it.</summary>
    public static byte[] Utf8(string text) => [.. System.Text.Encoding.UTF8.GetBytes(text), 0];

    private static string? MissingTool()
    {
        foreach (string tool in (string[])["cmake", "gcc", "c++"])
        {
            try
            {
                ChildProgram.Find(tool);
            }
            catch (FileNotFoundException)
            {
                return tool;
            }
        }

        return null;
    }
}

/// <summary>A test of the C library; skipped where it cannot be built.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CLibraryFactAttribute : FactAttribute
{
    public CLibraryFactAttribute() => Skip = CLibrary.WhyNot;
}

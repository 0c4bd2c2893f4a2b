using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Cuda.Tests;

/// <summary>Two small modules, laid out as ILGPU writes them.</summary>
internal static class PtxFixture
{
    public const string Scale = "scale";
    public const string Reduce = "reduce";
    public const string Judge = "judge";

    public const string Module80 = """
        .version 7.0
        .target sm_80
        .address_size 64

        .visible .entry Kernel_Scale(
        	.param .align 8 .b8 _a_1842[16],
        	.param .align 8 .b8 _b_1851[16],
        	.param .align 8 .b8 _s_1860[40]
        )
        {
        	ret;
        }

        .visible .entry Kernel_Scale_Twice(
        	.param .align 8 .b8 _a_1842[16],
        	.param .b32 _s_1860
        )
        {
        	ret;
        }

        .visible .entry Kernel_Judge(
        	.param .align 8 .b8 _a_1842[16],
        	.param .b32 _s_1860,
        	.param .b8 _f_1861,
        	.param .align 8 .b8 _c_1842[16]
        )
        {
        	ret;
        }
        """;

    public const string Module90 = """
        .version 7.8
        .target sm_90
        .address_size 64

        .extern .shared .align 4 .b8 __dyn_shared_alloca[];

        .visible .entry Kernel_Reduce(
        	.param .align 8 .b8 _a_2618[16],
        	.param .b32 _s_2625
        )
        {
        	ret;
        }
        """;

    public static string Manifest { get; } = string.Join(
        '\n',
        "# kernel, family, capability, file, entry point",
        "scale\t-\t80\tplain.ptx\tKernel_Scale",
        "twice\t-\t80\tplain.ptx\tKernel_Scale_Twice",
        "reduce\t-\t80\tplain.ptx\tKernel_Scale_Twice",
        "reduce\t-\t90\tshared.ptx\tKernel_Reduce",
        $"judge\t{typeof(EmptyFamily).FullName}\t80\tplain.ptx\tKernel_Judge",
        string.Empty);

    public static PtxCatalog Catalog() => new(file => file switch
    {
        "manifest.txt" => Manifest,
        "plain.ptx" => Module80,
        "shared.ptx" => Module90,
        _ => null,
    });
}

/// <summary>A struct without fields: one byte, in C# as in PTX.</summary>
public readonly struct EmptyFamily : ITaskFamily
{
    public int TaskDimension => 1;

    public bool HasAchievedTask => false;

    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => pair.Task[0];

    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => false;

    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector => 0f;
}

/// <summary>A family that no module was kept for.</summary>
public readonly struct UnknownFamily : ITaskFamily
{
    public int TaskDimension => 1;

    public bool HasAchievedTask => false;

    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => pair.Task[0];

    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => false;

    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector => 0f;
}

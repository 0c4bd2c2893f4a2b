using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Tests.Relabeling;
using HipiFast.Kernels.Tasks;
using HipiFast.Kernels.Ptx;

namespace HipiFast.Kernels.Ilgpu.Tests.Ptx;

/// <summary>What the PTX of every kernel and family must hold, for every target, with no GPU present.</summary>
public sealed partial class PtxTests
{
    /// <summary>What a group may declare on any device.</summary>
    private const int MaxSharedBytes = 48 << 10;

    /// <summary>Multiply-adds of a thread for one input of the second layer.</summary>
    private const int TileMultiplyAdds = SoftQTile.PerThread * SoftQTile.PerThread;

    /// <summary>Inputs of a step.</summary>
    private const int Depth = 16;

    public static TheoryData<int> Targets => [.. PtxCompiler.Targets];

    [Theory]
    [MemberData(nameof(Targets))]
    public void EveryKernelIsWhatALauncherExpects(int capability)
    {
        TaskFamily own = TaskFamily.Create(new RingAtSpeed(), [0.5f, 1f]);
        TaskFamily clamped = TaskFamily.Create(default(Clamped));
        foreach ((string kernel, TaskFamily? family) in PtxFiles.Kernels.Concat(
            [
                (DeviceKernelNames.SoftQCritic, own), (DeviceKernelNames.AssignTasks, own),
                (DeviceKernelNames.SoftQCriticBf16, clamped), (DeviceKernelNames.AssignTasks, clamped),
            ]))
        {
            PtxKernel compiled = CompiledPtx.Of(kernel, family, capability);
            string what = $"{kernel} for {capability}, {KernelTable.TypeOf(family)?.Name}";
            Assert.True(compiled.Text.Contains(
                $".target sm_{capability}\n", StringComparison.Ordinal), $"{what}: {compiled.Text[..120]}");
            Assert.True(!compiled.Text.Contains(
                ".local", StringComparison.Ordinal), $"{what} keeps something in local memory.");
            Assert.True(!compiled.Text.Contains(".extern .func", StringComparison.Ordinal), $"{what} calls a library.");
            Assert.True(!compiled.Text.Contains(
                ".approx", StringComparison.Ordinal), $"{what} uses an approximate instruction.");
            int shared = SharedPattern().Matches(compiled.Text).Sum(
                match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));
            Assert.InRange(shared, 0, MaxSharedBytes);
            AssertNone(PtxText.WrongSpaces(compiled.Text), what);
            AssertNone(PtxText.UniformConditions(compiled.Text), what);
            AssertNone(PtxText.LostNaN(compiled.Text), what);
            AssertParameters(compiled, kernel, family, what);
        }
    }

    [Fact]
    public void AFamilysExtremaKeepNaN()
    {
        string text = CompiledPtx.Of(
            DeviceKernelNames.AssignTasks, TaskFamily.Create(default(Clamped)), 80).Text;
        Assert.Matches(@"\tmax\.NaN\.f32\t", text);
        Assert.Matches(@"\tmin\.NaN\.f32\t", text);
        Assert.Matches(
            @"setp\.nan\.f64 unordered, (%fd\d+), (%fd\d+);\s+max\.f64 (%fd\d+), \1, \2;\s+selp\.f64 \3, sum", text);
    }

    [Theory]
    [InlineData("mov.b64 %rd2, __dyn_shared_alloca;\ncvta.to.shared.u64 to, %rd2;", 1)]
    [InlineData("mov.b64 %rd2, __shared_alloca0;\nadd.u64 %rd3, %rd2, 16;\nld.global.f32 %f1, [%rd3+4];", 1)]
    [InlineData("ld.param.b64 %rd1, [_a_0];\nmad.lo.u64 %rd3, %rd2, 4, %rd1;\nst.shared.f32 [%rd3], %f1;", 1)]
    [InlineData("mov.b64 %rd2, __s;\nld.param.b64 %rd1, [_a_0];\ncp.async.cg.shared.global [%rd1], [%rd2], 16;", 2)]
    [InlineData("mov.b64 %rd2, __s;\nld.param.b64 %rd1, [_a_0];\ncp.async.cg.shared.global [%rd2], [%rd1], 16;", 0)]
    [InlineData("ld.param.b64 %rd1, [_a_0];\ncvta.to.global.u64 %rd2, %rd1;\n@%p1 ld.global.v4.f32 {%f1}, [%rd2];", 0)]
    public void AWrongSpaceIsFound(string text, int count) => Assert.Equal(count, PtxText.WrongSpaces(text).Count);

    [Theory]
    [InlineData("\t@%p1 bra.uni\tL_1;", 1)]
    [InlineData("\t@!%p12 bra.uni L_1;\n\t@%p2 bra.uni L_2;", 2)]
    [InlineData("\t@%p1 bra\tL_1;\n\tbra.uni\tL_2;", 0)]
    public void AUniformConditionIsFound(string text, int count) =>
        Assert.Equal(count, PtxText.UniformConditions(text).Count);

    [Theory]
    [InlineData("\tmax.f32\t%f3, %f1, %f2;", 1)]
    [InlineData("\tmin.f32\t%f3, %f1, %f2;\n\tmax.NaN.f32\t%f4, %f1, %f2;", 1)]
    [InlineData("\tmin.NaN.f32\t%f3, %f1, %f2;\n\tmax.s32\t%r3, %r1, %r2;", 0)]
    [InlineData("setp.nan.f64 p, %fd1, %fd2;\nmax.f64 %fd3, %fd1, %fd2;\nselp.f64 %fd3, %fd4, %fd3, p;", 0)]
    [InlineData("setp.nan.f64 p, %fd1, %fd2;\nmax.f64 %fd3, %fd1, %fd2;\nret;", 1)]
    [InlineData("ret;\nmin.f64 %fd3, %fd1, %fd2;\nselp.f64 %fd3, %fd4, %fd3, p;", 1)]
    public void ALostNaNIsFound(string text, int count) => Assert.Equal(count, PtxText.LostNaN(text).Count);

    [Theory]
    [MemberData(nameof(Targets))]
    public void TheSecondLayerIsATileOfFusedMultiplyAdds(int capability)
    {
        foreach ((string kernel, int pairs, int columns) in ((string, int, int)[])
            [
                (DeviceKernelNames.SoftQActor, 128, 128), (DeviceKernelNames.SoftQCritic, 128, 128),
                (DeviceKernelNames.SoftQActorHalf, 256, 64), (DeviceKernelNames.SoftQCriticHalf, 256, 64),
            ])
        {
            string text = CompiledPtx.Of(kernel, null, capability).Text;

            // A step, written out: from its first load to the barrier behind its last.
            int first = text.IndexOf("ld.shared.v4.f32", StringComparison.Ordinal), last = text.LastIndexOf(
                "ld.shared.v4.f32", StringComparison.Ordinal);
            string step = text[first..text.IndexOf("bar.sync", last, StringComparison.Ordinal)];
            Assert.Equal(Depth * TileMultiplyAdds, Count(step, "fma.rn.f32"));
            Assert.Equal(Depth * 4, Count(step, "ld.shared.v4.f32"));
            Assert.Equal(0, Count(step, "ld.global"));
            Assert.Equal(0, Count(step, "bra"));

            // Two buffers of 16 steps of pairs and hidden units.
            Assert.Contains(
                $".shared .align 16 .b8 __shared_alloca0[{2 * Depth * (pairs + columns) * sizeof(float)}];", text,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ADeviceTooOldIsRefused()
    {
        NotSupportedException refusal = Assert.Throws<NotSupportedException>(
            () => CompiledPtx.Of(DeviceKernelNames.FirstLayer, null, 75));
        Assert.Equal("The kernels need compute capability 8.0 or more; found 7.5.", refusal.Message);
    }

    [Fact]
    public void FamiliesThatNoDeviceCanTakeAreRefused()
    {
        NotSupportedException refusal = Assert.Throws<NotSupportedException>(
            () => CompiledPtx.Of(DeviceKernelNames.AssignTasks, TaskFamily.Create(new FlaggedFamily(true)), 90));
        Assert.Contains("FlaggedFamily has a field of type Boolean", refusal.Message, StringComparison.Ordinal);
        refusal = Assert.Throws<NotSupportedException>(
            () => CompiledPtx.Of(DeviceKernelNames.AssignTasks, TaskFamily.Create(default(HiddenFamily)), 90));
        Assert.Contains("HiddenFamily is not public", refusal.Message, StringComparison.Ordinal);
    }

    private static void AssertParameters(PtxKernel compiled, string kernel, TaskFamily? family, string what)
    {
        int start = compiled.Text.IndexOf($".entry {compiled.EntryPoint}(", StringComparison.Ordinal);
        string list = compiled.Text[start..compiled.Text.IndexOf("\n)", start, StringComparison.Ordinal)];
        MatchCollection found = ParameterPattern().Matches(list);
        ParameterInfo[] expected = KernelTable.Find(
            kernel, KernelTable.TypeOf(family),
            new SoftQTile(SoftQTile.WideThreads, SoftQTile.WideThreads)).GetParameters();
        Assert.Equal(expected.Length, found.Count);
        for (int i = 0; i < expected.Length; i++)
        {
            // A view is an address and a length; a struct its bytes.
            Type type = expected[i].ParameterType;
            int bytes = type.IsGenericType ? 16 : SizeOf(type);
            string scalar = found[i].Groups[1].Value, array = found[i].Groups[2].Value;
            int size = array.Length > 0
                ? int.Parse(array, CultureInfo.InvariantCulture)
                : int.Parse(scalar, CultureInfo.InvariantCulture) / 8;
            Assert.True(
                bytes == size, $"{what}: parameter {expected[i].Name} has {size} bytes; the launcher packs {bytes}.");
        }
    }

    private static int SizeOf(Type type) =>
        (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    private readonly struct HiddenFamily : ITaskFamily
    {
        public int TaskDimension => 1;

        public bool HasAchievedTask => false;

        public float Reward<TVector>(in TaskPair<TVector> pair)
            where TVector : struct, IVector => 0f;

        public bool Terminates<TVector>(in TaskPair<TVector> pair)
            where TVector : struct, IVector => false;

        public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
            where TVector : struct, IVector => 0f;
    }

    private static void AssertNone(List<string> lines, string what) =>
        Assert.True(lines.Count == 0, $"{what}: {string.Join(" ", lines)}");

    private static int Count(string text, string part) =>
        (text.Length - text.Replace(part, string.Empty, StringComparison.Ordinal).Length) / part.Length;

    [GeneratedRegex(@"\.shared \.align \d+ \.b8 \w+\[(\d+)\]")]
    private static partial Regex SharedPattern();

    // The width of a scalar, or of bytes their number.
    [GeneratedRegex(@"\.param (?:\.align \d+ )?\.\w(\d+) \w+(?:\[(\d+)\])?")]
    private static partial Regex ParameterPattern();
}

/// <summary>A family that has a flag.</summary>
public readonly struct FlaggedFamily(bool flag) : ITaskFamily
{
    public int TaskDimension => flag ? 1 : 2;

    public bool HasAchievedTask => false;

    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => 0f;

    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => flag;

    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector => 0f;
}

/// <summary>A family whose judgement is clamped, in both precisions.</summary>
public readonly struct Clamped : ITaskFamily
{
    public int TaskDimension => 1;

    public bool HasAchievedTask => false;

    public float Reward<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector
    {
        double near = Math.Max((double)pair.NextObservation[0], pair.Task[0]);
        return (float)near + MathF.Max(-1f, MathF.Min(pair.NextObservation[0] - pair.Task[0], 1f));
    }

    public bool Terminates<TVector>(in TaskPair<TVector> pair)
        where TVector : struct, IVector => false;

    public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
        where TVector : struct, IVector => commanded[entry];
}

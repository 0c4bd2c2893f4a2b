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

    /// <summary>Multiply-adds of a thread in a step of the second layer.</summary>
    private const int TileMultiplyAdds = SoftQTile.PerThread * SoftQTile.PerThread;

    public static TheoryData<int> Targets => [.. PtxCompiler.Targets];

    [Theory]
    [MemberData(nameof(Targets))]
    public void EveryKernelIsWhatALauncherExpects(int capability)
    {
        TaskFamily own = TaskFamily.Create(new RingAtSpeed(), [0.5f, 1f]);
        foreach ((string kernel, TaskFamily? family) in PtxFiles.Kernels.Concat(
            [(DeviceKernelNames.SoftQCritic, own), (DeviceKernelNames.AssignTasks, own)]))
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
            AssertParameters(compiled, kernel, family, what);
        }
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void TheSecondLayerIsATileOfFusedMultiplyAdds(int capability)
    {
        foreach (string kernel in (string[])[DeviceKernelNames.SoftQActor, DeviceKernelNames.SoftQCritic])
        {
            string text = CompiledPtx.Of(kernel, null, capability).Text;

            // The inner loop: from the label before its first load of a step to the jump back.
            int load = text.IndexOf("ld.shared.v4.f32", StringComparison.Ordinal), start = text.LastIndexOf(
                "\n\tL_", load, StringComparison.Ordinal);
            string loop = text[start..text.IndexOf("bra.uni\tL_", load, StringComparison.Ordinal)];
            Assert.Equal(TileMultiplyAdds, Count(loop, "fma.rn.f32"));
            Assert.Equal(4, Count(loop, "ld.shared.v4.f32"));
            Assert.Equal(0, Count(loop, "ld.global"));
            Assert.Equal(0, Count(loop, "bar.sync"));

            // Two buffers of 16 steps of 128 pairs and 128 hidden units.
            Assert.Contains(".shared .align 16 .b8 __shared_alloca0[32768];", text, StringComparison.Ordinal);
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

using System.Text.RegularExpressions;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Tests.Ptx;

namespace HipiFast.Kernels.Ilgpu.Tests.TensorCores;

/// <summary>What the PTX of the kernels on tensor cores must hold, beyond what every kernel's must.</summary>
public sealed partial class TensorPtxTests
{
    // Of a step.
    private const int Products = 64 / 16 * (64 / 8);

    private const string Multiply = "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 ";

    [Theory]
    [InlineData(80)]
    [InlineData(90)]
    public void AStepIsThirtyTwoProductsOfWhatFourLoadsBring(int capability)
    {
        // W2 whole and in slices; for the critics, without and with actions.
        foreach ((string kernel, int loops) in ((string, int)[])
            [(DeviceKernelNames.SoftQActorBf16, 2), (DeviceKernelNames.SoftQCriticBf16, 4)])
        {
            string text = CompiledPtx.Of(kernel, null, capability).Text;

            // 64 pairs by 64 hidden units of a warp in products of 16 x 8, all with the same 64 x 16 left operands,
            // which are built before the first step and in each for the next.
            Assert.Equal(loops * Products, Count(text, Multiply));
            Assert.Equal(loops * 2 * (64 * 16 / 32 / 2), Count(text, "cvt.rn.relu.bf16x2.f32 "));

            // The lane's weights of four blocks, 16 bytes each.
            Assert.Equal(loops * 4, Count(text, "ld.shared.v4.b32"));
            Match[] products = [.. ProductPattern().Matches(text).Cast<Match>()];
            for (int loop = 0; loop < loops; loop++)
            {
                string between = text[products[loop * Products].Index..products[((loop + 1) * Products) - 1].Index];
                Assert.Equal(Products - 1, Count(between, Multiply));
                Assert.Equal(0, Count(between, "ld.global"));
                Assert.Equal(0, Count(between, "bar.sync"));
                Assert.Equal(0, Count(between, "bra"));
            }

            // All of W2, its first slice, the next slice; each waits before it is read, and the last before the kernel
            // ends.
            Assert.Equal(2 + (loops / 2), Count(text, "cp.async.cg.shared.global ["));
            Assert.Equal(2 + (loops / 2), Count(text, "cp.async.wait_all;"));

            // Sums that warps add up; weights lie in what the launch gives.
            Assert.Contains(
                $".b8 __shared_alloca0[{TensorTile.SumsLength * sizeof(float)}];", text, StringComparison.Ordinal);
            Assert.Contains(".extern .shared .align 16 .b8", text, StringComparison.Ordinal);
            Assert.DoesNotContain(".local", text, StringComparison.Ordinal);
            Assert.DoesNotContain("call.uni", text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(80)]
    [InlineData(90)]
    public void OneWarpSumsTheColumnsInRegisters(int capability)
    {
        string text = CompiledPtx.Of(DeviceKernelNames.SoftQCriticBf16, null, capability).Text;

        // Two shuffles for the maxima and two for the sums, between whole warps; behind the products, and no barrier
        // among them.
        int first = text.IndexOf("shfl.sync.bfly", StringComparison.Ordinal), last = text.LastIndexOf(
            "shfl.sync.bfly", StringComparison.Ordinal);
        Assert.Equal(4, Count(text, "shfl.sync.bfly"));
        Assert.Equal(0, Count(text, "shfl.sync.idx"));
        Assert.Equal(0, Count(text[first..last], "bar.sync"));
        Assert.True(text.LastIndexOf(
            Multiply, StringComparison.Ordinal) < first, "The columns are summed before the products are there.");
    }

    [Fact]
    public void OperandsAreTheRegistersThatTheEmulationTakes()
    {
        // The emulation says nothing of the order of registers in the text.
        string text = CompiledPtx.Of(DeviceKernelNames.SoftQCriticBf16, null, 80).Text;
        Match[] packed = [.. PackPattern().Matches(text).Cast<Match>()],
            loads = [.. LoadPattern().Matches(text).Cast<Match>()];
        Match[] all = [.. ProductPattern().Matches(text).Cast<Match>()];
        Assert.Equal(4 * Products, all.Length);
        for (int loop = 0; loop < all.Length / Products; loop++)
        {
            Match[] products = all[(loop * Products)..((loop + 1) * Products)];
            Match[] next = [.. packed.Where(match => match.Index > products[^1].Index).Take(16)];
            string[][] right = [.. loads.Where(match => match.Index < products[0].Index).TakeLast(4).Select(
                match => match.Groups[1].Value.Split(", "))];
            string[][] left = [.. Enumerable.Range(0, 4).Select(
                down => products[2 * down].Groups[2].Value.Split(", "))];

            // Of 32 numbers, and behind the step they become the next one's.
            Assert.Equal(
                32,
                next.SelectMany(match => new[] { match.Groups[2].Value, match.Groups[3].Value }).Distinct().Count());
            foreach ((string register, Match pack) in left.SelectMany(tile => tile).Zip(next))
            {
                Assert.Contains($"mov.b32\t{register}, {pack.Groups[1].Value};", text, StringComparison.Ordinal);
            }

            for (int i = 0; i < products.Length; i++)
            {
                // Blocks of 16 columns, in them tiles of 16 rows, in them two tiles of 8 columns: the order of the
                // fields of the sums.
                int block = i / 8, down = i % 8 / 2, across = i % 2;
                Assert.Equal(left[down], products[i].Groups[2].Value.Split(", "));
                Assert.Equal(right[block][(2 * across)..((2 * across) + 2)], products[i].Groups[3].Value.Split(", "));

                // What comes out goes in again with the next step.
                foreach ((string result, string sum) in products[i].Groups[1].Value.Split(", ").Zip(
                    products[i].Groups[4].Value.Split(", ")))
                {
                    Assert.Contains($"mov.f32\t{sum}, {result};", text, StringComparison.Ordinal);
                }
            }
        }
    }

    [Fact]
    public void ThePeakIsNothingButProducts()
    {
        string text = CompiledPtx.Of(DeviceKernelNames.TensorPeak, null, 80).Text;
        Assert.Equal(32, Count(text, Multiply));
        Assert.Equal(0, Count(text, "ld.global"));
        Assert.DoesNotContain(".local", text, StringComparison.Ordinal);

        // Its left operands are packed of the factor and the thread's number: the instruction takes the upper half, the
        // second, first.
        Match packed = PackPattern().Match(text);
        Assert.Contains($"cvt.rn.f32.s32\t%f{packed.Groups[2].Value}, ", text, StringComparison.Ordinal);
        Assert.Matches($@"ld\.param\.f32\t%f{packed.Groups[3].Value}, ", text);
    }

    private static int Count(string text, string part) =>
        (text.Length - text.Replace(part, string.Empty, StringComparison.Ordinal).Length) / part.Length;

    [GeneratedRegex(@"cvt\.rn\.relu\.bf16x2\.f32 (%r\d+), %f(\d+), %f(\d+);")]
    private static partial Regex PackPattern();

    [GeneratedRegex(@"ld\.shared\.v4\.b32\s+\{([^}]+)\}")]
    private static partial Regex LoadPattern();

    [GeneratedRegex(@"mma\.sync\S+ \{([^}]+)\}, \{([^}]+)\}, \{([^}]+)\}, \{([^}]+)\};")]
    private static partial Regex ProductPattern();
}

using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Cuda.Tests.Machine;

/// <summary>Mistakes put into the kept kernels are caught: by a fault of the machine, or by a wrong answer.</summary>
[Collection(FakeDriverGroup.Name)]
public sealed class KernelFaultTests
{
    private const string Critic = "soft-q-critic.ptx", CriticHalf = "soft-q-critic-half.ptx";
    private const string CriticBf16 = "soft-q-critic-bf16.ptx";
    private const string CriticBf16OfGoals = "soft-q-critic-bf16.GoalWithinMargin.ptx";
    private const string Actor = "soft-q-actor.ptx", ActorHalf = "soft-q-actor-half.ptx";
    private const string ActorBf16 = "soft-q-actor-bf16.ptx";

    // The barrier before a slice where each pair has an action of its own.
    private const int SlicedActions = 2;

    // A step is there four times: of slices, of slices with actions, of the whole network, and of that with actions. The
    // first of its 32 products (and of its 32 pairs of activations) and of its 4 loads, where the network is whole.
    private const int WholeProducts = 64, WholeLoads = 8;

    // Networks that the whole tile computes, and the half of it.
    private const int Hidden = 128, HiddenHalf = 64;
    private const string Barrier = @"\tbar\.sync\t0;";
    private const string CopyPattern = @"cp\.async\.cg\.shared\.global \[(\S+)\], \[(\S+)\], 16;";
    private const string ProductPattern =
        @"(bf16\.f32 \{[^}]*\}, )\{(\S+), (\S+), (\S+), (\S+)\}, \{(\S+), (\S+)\}, \{(\S+), (\S+), ";

    public static TheoryData<string, int> Barriers
    {
        get
        {
            TheoryData<string, int> places = [];
            foreach (string file in (string[])
                [
                    Critic, CriticHalf, CriticBf16, Actor, ActorHalf, ActorBf16, "sample-tasks.ptx",
                    "log-partition-segments.ptx", "log-partition-merge.ptx", "summarize.ptx",
                ])
            {
                // Of these nothing can be seen: the one behind a sum that one thread alone goes on with (it added up last
                // itself), those of the exact scores, which ordinary inputs do not need, those between the rows of a
                // group, which has one at the sizes of a test, the one behind a critic's values in the half tile, where
                // a thread sums what it overwrites, and that of the sliced network with actions, which the Bellman
                // estimator alone goes through: it takes a family, whose file is looked at for it.
                int[] unseen = file switch
                {
                    "sample-tasks.ptx" => [2, 3, 5, 6],
                    "log-partition-segments.ptx" or "log-partition-merge.ptx" => [1, 2],
                    "summarize.ptx" => [1],
                    CriticHalf => [3],
                    CriticBf16 => [SlicedActions],
                    _ => [],
                };
                foreach (int place in Enumerable.Range(0, KernelEdit.Count(file, Barrier)).Except(unseen))
                {
                    places.Add(file, place);
                }
            }

            places.Add(CriticBf16OfGoals, SlicedActions);
            return places;
        }
    }

    [FakeDriverTheory]
    [InlineData(KernelPrecision.Fp32, HiddenHalf)]
    [InlineData(KernelPrecision.Fp32, Hidden)]
    [InlineData(KernelPrecision.Bf16, 64)]
    [InlineData(KernelPrecision.Bf16, 400)]
    public void KernelsWithoutAMistakeConform(KernelPrecision precision, int hidden) => Assert.Equal(
        string.Empty, Outcome.OfSoftQ(PtxCatalog.Embedded, precision, SoftQEstimator.SoftCritic, hidden));

    // Whole tiles at both widths; where a tile is not, its other pairs are computed of whatever lies there, and dropped.
    [FakeDriverTheory]
    [InlineData(64)]
    [InlineData(400)]
    public void TensorKernelsReadNothingUnwrittenWhereTheirTilesAreFull(int hidden) => Assert.Equal(
        string.Empty,
        Outcome.OfSoftQ(
            PtxCatalog.Embedded, KernelPrecision.Bf16, SoftQEstimator.SoftCritic, hidden, rows: 64, candidates: 8,
            isStrict: true));

    [FakeDriverTheory]
    [InlineData(KernelPrecision.Fp32)]
    [InlineData(KernelPrecision.Bf16)]
    public void RelabelCallsWithoutAMistakeConform(KernelPrecision precision) =>
        Assert.Equal(string.Empty, Outcome.OfRelabeling(PtxCatalog.Embedded, precision));

    [FakeDriverTheory]
    [MemberData(nameof(Barriers))]
    public void NoBarrierMayBeDropped(string file, int place)
    {
        KernelEdit edit = new(file, Barrier, string.Empty, place);
        KernelPrecision precision = file.Contains("bf16", StringComparison.Ordinal)
            ? KernelPrecision.Bf16
            : KernelPrecision.Fp32;
        AssertCaught(edit, "shared-race|copy-not-awaited|shared-never-written", file switch
        {
            // One chunk of hidden units, and several.
            Critic or Actor => SoftQ(Hidden, 2 * Hidden),
            CriticHalf or ActorHalf => SoftQ(HiddenHalf, 3 * HiddenHalf),
            CriticBf16 or ActorBf16 => SoftQ(64, 400),
            CriticBf16OfGoals =>
            [
                () => Outcome.OfSoftQ(
                    edit.Catalog(), precision, SoftQEstimator.Bellman, 400,
                    family: TaskFamilies.Goal([0, 1], margin: 0.5f)),
            ],
            _ => [Relabeling],
        });

        string Relabeling() => Outcome.OfRelabeling(edit.Catalog(), precision);

        Func<string>[] SoftQ(int hidden, int wide) =>
        [
            () => Outcome.OfSoftQ(edit.Catalog(), precision, SoftQEstimator.SoftCritic, hidden),
            () => Outcome.OfSoftQ(edit.Catalog(), precision, SoftQEstimator.SoftCritic, wide),
            () => Outcome.OfSoftQ(edit.Catalog(), precision, SoftQEstimator.SoftCritic, hidden, 65, 33),
            Relabeling,
        ];
    }

    [FakeDriverTheory]
    [InlineData(
        "a wrong register in a multiply-add", "wrong-answer", Critic, @"(fma\.rn\.f32\t%f\d+, (%f\d+), )%f\d+,",
        "$1$2,", 0)]
    [InlineData(
        "a vector whose elements are swapped", "wrong-answer", Critic, @"ld\.shared\.v4\.f32\t\{(%f\d+), (%f\d+),",
        "ld.shared.v4.f32\t{$2, $1,", 0)]
    [InlineData(
        "shared memory declared too weakly aligned", "misaligned", Critic, @"\.align 16 \.b8 __shared",
        ".align 4 .b8 __shared", 0)]
    [InlineData(
        "shared memory declared too small", "shared-out-of-bounds", Critic, @"alloca0\[32768\]", "alloca0[32752]", 0)]
    [InlineData(
        "a sum that is not set to zero", "register-never-written", Critic, @"mov\.f32\t%f1, 0f00000000;", "", 0)]
    [InlineData("a store that is left out", "shared-never-written", Critic, @"st\.shared\.v4\.f32\t[^;]*;", "", 0)]
    [InlineData(
        "a store to the wrong kind of memory", "out-of-bounds", Critic, @"st\.shared\.v4\.f32", "st.global.v4.f32",
        0)]
    [InlineData("a shared load as a generic one", "out-of-bounds", Critic, @"ld\.shared\.v4\.f32", "ld.v4.f32", 0)]
    [InlineData(
        "a part too many in a pair's sum", "shared-never-written|shared-race|shared-out-of-bounds|wrong-answer", Critic,
        @"(setp\.ge\.s32\t%p\d+, %r\d+, )16;", "${1}17;", 0)]
    [InlineData(
        "one input too many in the first layer", "out-of-bounds|wrong-answer|global-never-written", "first-layer.ptx",
        @"setp\.ge\.s32(\t%p\d+, %r\d+, %r7;)", "setp.gt.s32$1", 0)]
    [InlineData(
        "one entry too many in the first layer", "out-of-bounds|global-never-written|global-race", "first-layer.ptx",
        @"setp\.ge\.s64(\t%p1, )", "setp.gt.s64$1", 0)]
    public void AMistakeInAnFp32KernelIsCaught(
        string mistake, string faults, string file, string pattern, string replacement, int place)
    {
        Assert.NotEmpty(mistake);
        KernelEdit edit = new(file, pattern, replacement, place);
        AssertCaught(
            edit, faults,
            () => Outcome.OfSoftQ(edit.Catalog(), KernelPrecision.Fp32, SoftQEstimator.Critic, Hidden));
    }

    [FakeDriverTheory]
    [InlineData(
        "a shared address converted as a generic one", "wrong-space", CopyPattern,
        "{ .reg .u64 s; cvta.to.shared.u64 s, $1; cp.async.cg.shared.global [s], [$2], 16; }", -1)]
    [InlineData("copies that nobody waits for", "copy-not-awaited", @"cp\.async\.wait_all;", "", 0)]
    [InlineData(
        "registers of a left operand swapped", "wrong-answer", ProductPattern,
        "$1{$2, $4, $3, $5}, {$6, $7}, {$8, $9, ", WholeProducts)]
    [InlineData(
        "registers of a right operand swapped", "wrong-answer", ProductPattern,
        "$1{$2, $3, $4, $5}, {$7, $6}, {$8, $9, ", WholeProducts)]
    [InlineData(
        "registers of the sums swapped", "wrong-answer", ProductPattern, "$1{$2, $3, $4, $5}, {$6, $7}, {$9, $8, ",
        WholeProducts)]
    [InlineData("activations without ReLU", "wrong-answer", @"cvt\.rn\.relu\.bf16x2", "cvt.rn.bf16x2", -1)]
    [InlineData(
        "two numbers packed the wrong way round", "wrong-answer", @"(cvt\.rn\.relu\.bf16x2\.f32 \S+) (\S+), (\S+);",
        "$1 $3, $2;", WholeProducts)]
    [InlineData(
        "an offset of half a vector", "misaligned", @"ld\.shared\.v4\.b32\t(\{[^}]*\}), \[([^\]+]+)\]",
        "ld.shared.v4.b32\t$1, [$2+8]", WholeLoads)]
    public void AMistakeInABf16KernelIsCaught(
        string mistake, string fault, string pattern, string replacement, int place)
    {
        Assert.NotEmpty(mistake);
        KernelEdit edit = new(CriticBf16, pattern, replacement, place);
        AssertCaught(
            edit, fault, () => Outcome.OfSoftQ(edit.Catalog(), KernelPrecision.Bf16, SoftQEstimator.Critic, 64));
    }

    [FakeDriverTheory]
    [InlineData(
        "lanes that part at a branch said to be uniform", "divergent-bra.uni", "assign-tasks.GoalWithinMargin.ptx",
        @"(@%p\d+ bra)\t", "$1.uni\t", -1)]
    [InlineData(
        "rows without an end", "out-of-bounds|global-never-written", "assign-tasks.GoalWithinMargin.ptx",
        @"@%p1 bra\tL_\d+;", "", 0)]
    [InlineData(
        "a reward under the wrong sign", "wrong-answer", "assign-tasks.GoalWithinMargin.ptx", @"setp\.lt\.f32",
        "setp.ge.f32", -1)]
    [InlineData(
        "a word of the random numbers dropped", "wrong-answer", "sample-tasks.ptx",
        @"mul\.lo\.s64(\t%rd\d+, %rd\d+, )3449720151;", "mul.lo.s64${1}3449720150;", 0)]
    public void AMistakeInARelabelCallIsCaught(
        string mistake, string faults, string file, string pattern, string replacement, int place)
    {
        Assert.NotEmpty(mistake);
        KernelEdit edit = new(file, pattern, replacement, place);
        AssertCaught(edit, faults, () => Outcome.OfRelabeling(edit.Catalog(), KernelPrecision.Fp32));
    }

    [FakeDriverTheory]
    [InlineData(
        "a shuffle that names half a warp", "divergent-shfl", @"(shfl\.sync\.bfly[^;]*), 4294967295;", "$1, 65535;")]
    [InlineData(
        "a shuffle that is left out", "wrong-answer", @"shfl\.sync\.bfly\.b32\t(%f\d+), (%f\d+),[^;]*;",
        "mov.f32\t$1, $2;")]
    public void AMistakeInTheColumnSumsIsCaught(string mistake, string fault, string pattern, string replacement)
    {
        Assert.NotEmpty(mistake);
        KernelEdit edit = new(CriticBf16, pattern, replacement, -1);
        AssertCaught(edit, fault, () => Outcome.OfRelabeling(edit.Catalog(), KernelPrecision.Bf16));
    }

    // One case that shows the mistake is enough; the next is for where the ones before do not.
    private static void AssertCaught(KernelEdit edit, string faults, params Func<string>[] cases)
    {
        List<string> found = [];
        foreach (Func<string> one in cases)
        {
            found.Add(one());
            if (faults.Split('|').Contains(found[^1]))
            {
                return;
            }
        }

        Assert.Fail(
            $"Expected {faults}; found '{string.Join("', '", found)}'. {edit.File} was "
            + $"{(edit.IsRead ? "loaded" : "not loaded")}.");
    }
}

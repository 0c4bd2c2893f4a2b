namespace HipiFast.Kernels.Cuda.Tests.Machine;

/// <summary>
/// What the PTX manual leaves undefined is a fault of a name on the PTX machine; and what stands beside it and is
/// defined, none.
/// </summary>
[Collection(FakeDriverGroup.Name)]
public sealed class RuleTests
{
    private const string Shared = ".shared .align 4 .b8 buffer[256];";
    private const string Vectors = ".shared .align 16 .b8 buffer[1024];";

    /// <summary>Name, kernel, declarations; the name is empty where nothing is wrong.</summary>
    public static TheoryData<string, string, string> Lanes => new()
    {
        { string.Empty, "st.global.b32 [%own], %t;", string.Empty },
        { "out-of-bounds", "st.global.b32 [%own+4], %t;", string.Empty },
        { "out-of-bounds", "ld.global.b32 %r1, [%own+-4];", string.Empty },
        { "out-of-bounds", "mov.b64 %x1, 64; st.global.b32 [%x1], %t;", string.Empty },
        { "misaligned", "ld.global.b32 %r1, [%own+2];", string.Empty },
        { "misaligned", "ld.global.v2.b32 {%r1, %r2}, [%own];", string.Empty },
        { string.Empty, "ld.global.v4.b32 {%r1, %r2, %r3, %r4}, [%data];", string.Empty },
        { "register-never-written", "add.s32 %r1, %r2, 1;", string.Empty },
        {
            "register-never-written",
            "setp.lt.s32 %p1, %t, 8; @%p1 mov.b32 %r1, 5; st.global.b32 [%own], %r1;", string.Empty
        },
        {
            string.Empty, "setp.lt.s32 %p1, %t, 8; @%p1 mov.b32 %r1, 5; @%p1 st.global.b32 [%own], %r1;", string.Empty
        },
        { "division-by-zero", "rem.s32 %r1, 7, %t;", string.Empty },
        { "wrong-space", "mov.b64 %x1, buffer; cvta.to.shared.u64 %x2, %x1;", Shared },
        { "wrong-space", "mov.b64 %x1, buffer; cvta.to.global.u64 %x2, %x1;", Shared },
        {
            "wrong-space", "mov.b64 %x1, buffer; cvta.shared.u64 %x1, %x1; cvta.to.global.u64 %x2, %x1;", Shared
        },
        { "shared-out-of-bounds", "mov.b64 %x1, buffer; cvta.shared.u64 %x1, %x1; st.shared.b32 [%x1], %t;", Shared },
        { "out-of-bounds", "mov.b64 %x1, buffer; st.b32 [%x1], %t;", Shared },
        { "shared-out-of-bounds", "mov.b64 %x1, buffer; st.shared.b32 [%x1+256], %t;", Shared },
        { "shared-out-of-bounds", "st.shared.b32 [%data], %t;", Shared },
        { "shared-never-written", "mov.b64 %x1, buffer; ld.shared.b32 %r1, [%x1];", Shared },
        { "misaligned", "mov.b64 %x1, buffer; mov.b32 %r1, 0; st.shared.v2.b32 [%x1], {%r1, %r1};", Shared },
        { "lanes-write-one-place", "mov.b64 %x1, buffer; st.shared.b32 [%x1], %t;", Shared },
        { "divergent-bra.uni", "setp.lt.s32 %p1, %t, 8; @%p1 bra.uni END; mov.b32 %r1, 1; END:", string.Empty },
        { string.Empty, "setp.lt.s32 %p1, %t, 32; @%p1 bra.uni END; mov.b32 %r1, 1; END:", string.Empty },
        { "divergent-bar", "setp.lt.s32 %p1, %t, 8; @%p1 bra END; bar.sync 0; END:", string.Empty },
        { string.Empty, "setp.lt.s32 %p1, %t, 8; @%p1 bra END; mov.b32 %r1, 1; END: bar.sync 0;", string.Empty },
        {
            "divergent-shfl",
            "setp.lt.s32 %p1, %t, 8; @%p1 bra END; shfl.sync.bfly.b32 %r1, %t, 1, 31, 0xFFFFFFFF; END:", string.Empty
        },
        { "divergent-shfl", "shfl.sync.bfly.b32 %r1, %t, 1, 31, 0x0000FFFF;", string.Empty },
        {
            "divergent-vote", "setp.lt.s32 %p1, %t, 8; @%p1 vote.sync.any.pred %p2, %p1, 0xFFFFFFFF;", string.Empty
        },
        { "divergent-mma", "setp.lt.s32 %p1, %t, 8; @%p1 bra END; " + Multiply + " END:", string.Empty },
        { string.Empty, Multiply, string.Empty },
        { "copy-not-awaited", Copy + "ld.shared.b32 %r1, [%x1];", Vectors },
        { "copy-not-awaited", Copy + "cp.async.wait_group 0; ld.shared.b32 %r1, [%x1];", Vectors },
        {
            "copy-not-awaited",
            Copy + "cp.async.commit_group; cp.async.wait_group 1; ld.shared.b32 %r1, [%x1];", Vectors
        },
        { string.Empty, Copy + "cp.async.wait_all; ld.shared.b32 %r1, [%x1];", Vectors },
        { string.Empty, Copy + "cp.async.commit_group; cp.async.wait_group 0; ld.shared.b32 %r1, [%x1];", Vectors },
        { "misaligned", "mov.b64 %x1, buffer; cp.async.cg.shared.global [%x1+4], [%data], 16;", Vectors },
        {
            "branch-index", "WAYS: .branchtargets A, END; brx.idx %t, WAYS; A: mov.b32 %r1, 1; END:", string.Empty
        },
        { "runaway", "AGAIN: bra.uni AGAIN;", string.Empty },
        { "trap", "trap;", string.Empty },
    };

    private static string Multiply =>
        "mov.f32 %f1, 0f00000000; mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        + "{%f4, %f5, %f6, %f7}, {%t, %t, %t, %t}, {%t, %t}, {%f1, %f1, %f1, %f1};";

    private static string Copy =>
        "mov.b64 %x1, buffer; mad.wide.u32 %x1, %t, 16, %x1; cp.async.cg.shared.global [%x1], [%data], 16; ";

    [FakeDriverTheory]
    [MemberData(nameof(Lanes))]
    public void WhatOneWarpMayNotDoIsNamed(string fault, string body, string declarations) =>
        Assert.Equal(fault, SmallKernel.Run(body, declarations));

    [FakeDriverTheory]

    // A word of each thread, read by the thread of the other warp: with a barrier, without; overwritten before all have
    // read it; with a barrier that one warp alone comes to.
    [InlineData("", "bar.sync 0; ", "")]
    [InlineData("shared-never-written", "", "")]
    [InlineData("shared-race", "bar.sync 0; ", "st.shared.b32 [%x2], %t;")]
    [InlineData("", "bar.sync 0; ", "bar.sync 0; st.shared.b32 [%x2], %t;")]
    [InlineData("barrier-without-all", "bar.sync 0; ", "setp.lt.s32 %p1, %t, 32; @%p1 bra END; bar.sync 0; END:")]
    [InlineData(
        "barrier-without-all",
        "setp.lt.s32 %p1, %t, 32; @%p1 bra TWO; bar.sync 0; bra END; TWO: bar.sync 1; END: ", "")]
    public void WarpsOfAGroupMeetAtBarriers(string fault, string between, string after) => Assert.Equal(
        fault,
        SmallKernel.Run(
            "mov.b64 %x3, buffer; mad.wide.u32 %x2, %t, 4, %x3; st.shared.b32 [%x2], %t; " + between
            + "xor.b32 %r1, %t, 32; mad.wide.u32 %x4, %r1, 4, %x3; ld.shared.b32 %r2, [%x4]; " + after,
            Shared, threads: 64));

    [FakeDriverTheory]
    [InlineData("", "st.global.b32 [%own], %t;")]
    [InlineData("global-race", "setp.eq.s32 %p1, %n, 32; @%p1 st.global.b32 [%data], %g;")]
    [InlineData("global-race", "st.global.b32 [%own], %t; ld.global.b32 %r1, [%data];")]
    [InlineData("", "red.global.add.u32 [%data], 1;")]
    public void GroupsOfALaunchShareNothingButWhatIsAtomic(string fault, string body) =>
        Assert.Equal(fault, SmallKernel.Run(body, groups: 2));

    [FakeDriverTheory]
    [InlineData("", 128)]
    [InlineData("shared-out-of-bounds", 127)]
    public void DynamicSharedMemoryEndsWhereTheLaunchSaid(string fault, int bytes) => Assert.Equal(
        fault,
        SmallKernel.Run(
            "mov.b64 %x1, dynamic; mad.wide.u32 %x1, %t, 4, %x1; st.shared.b32 [%x1], %t;",
            ".extern .shared .align 4 .b8 dynamic[];", dynamicShared: bytes));

    [FakeDriverTheory]
    [InlineData("frobnicate.s32 %r1, %r2;", "unknown operation")]
    [InlineData("add.s32 %r1, %f1, 1;", "%f1 of type .f32")]
    [InlineData("add.f32 %f1, %f2, 1;", "whole number")]
    [InlineData("add.s64 %x1, %r1, 1;", "%r1 of type .b32")]
    [InlineData("mov.b32 %undeclared, 1;", "not declared")]
    [InlineData("bra NOWHERE;", "no label")]
    [InlineData("ld.param.b64 %x1, [data+12];", "parameter data")]
    [InlineData("cvt.s32.f32 %r1, %f1;", "rounds")]
    public void TextThatIsNoPtxDoesNotLoad(string body, string why)
    {
        FakeDriver fake = new() { Executes = true };
        using CudaRuntime runtime = fake.Open(SmallKernel.Catalog(body));
        string message = Assert.Throws<Devices.Runtime.DeviceException>(() => runtime.Load("small")).Message;
        Assert.Contains(why, message, StringComparison.Ordinal);
        Assert.Contains("line ", message, StringComparison.Ordinal);
    }
}

using System.Runtime.InteropServices;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Tasks;
using HipiFast.Testing;

namespace HipiFast.Kernels.Cuda.Tests;

/// <summary>
/// What reaches the driver at a launch: grid, stream, shared memory and the bytes of every parameter.
/// </summary>
[Collection(FakeDriverGroup.Name)]
public sealed class LaunchTests
{
    [FakeDriverFact]
    public void EveryParameterIsPackedAsThePtxDeclaresIt()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using DeviceBuffer first = runtime.Allocate(1024), second = runtime.Allocate(512);
        using LaunchArguments arguments = new();
        Scalars scalars = new()
        {
            Flag = 7,
            Inner = new Inner { Rows = 0x01020304, Weight = 1.5f, Total = -2, Byte = 9, Unsigned = 0xDEADBEEF },
            Short = -3,
        };
        arguments.Add(first.View<float>(64, 100)).Add(second.View<int>()).Add(scalars);
        runtime.Launch(runtime.Load(PtxFixture.Scale), new LaunchShape(
            new DeviceExtent(3, 2), new DeviceExtent(32, 4, 2)), arguments);

        string[] words = Assert.Single(fake.Calls("cuLaunchKernel")).Split(' ');
        Assert.Equal(
            "cuLaunchKernel Kernel_Scale grid 3 2 1 block 32 4 2 shared 0".Split(' '), words[..12]);
        Assert.Equal(View(first.Address + 64, 100), words[12]);
        Assert.Equal(View(second.Address, 128), words[13]);

        // Byte by byte as C lays the struct out: flag, padding to 8; rows, weight; total; byte, padding to 4, unsigned;
        // short, padding to 8.
        byte[] packed = Convert.FromHexString(words[14]);
        Assert.Equal(40, packed.Length);
        Assert.Equal(7, packed[0]);
        Assert.Equal("04030201", words[14][16..24]);
        Assert.Equal(1.5f, BitConverter.ToSingle(packed, 12));
        Assert.Equal(-2L, BitConverter.ToInt64(packed, 16));
        Assert.Equal(9, packed[24]);
        Assert.Equal("efbeadde", words[14][56..64]);
        Assert.Equal((short)-3, BitConverter.ToInt16(packed, 32));
        Assert.Equal("stream1", words[15]);
    }

    [FakeDriverFact]
    public void AViewThatIsNotReadIsNullAndAFamilyWithoutFieldsIsOneByte()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using LaunchArguments arguments = new();
        arguments.Add(default(DeviceView)).Add(42).Add(default(EmptyFamily)).Add(default(DeviceView));
        DeviceKernel kernel = runtime.Load(PtxFixture.Judge, TaskFamily.Create(default(EmptyFamily)));
        runtime.Launch(
                        kernel, new LaunchShape(new DeviceExtent(1), new DeviceExtent(1)), arguments);

        Assert.EndsWith(
            $"shared 0 {View(0, 0)} 2a000000 00 {View(0, 0)} stream1", Assert.Single(fake.Calls("cuLaunchKernel")));
    }

    [FakeDriverFact]
    public void AReusedArgumentListHoldsOnlyWhatWasAddedLast()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using DeviceBuffer buffer = runtime.Allocate(64);
        using LaunchArguments arguments = new();
        DeviceKernel kernel = runtime.Load("twice");
        LaunchShape shape = new(new DeviceExtent(1), new DeviceExtent(32));
        runtime.Launch(kernel, shape, arguments.Add(buffer.View<float>()).Add(1));
        runtime.Launch(kernel, shape, arguments.Clear().Add(buffer.View<float>(16, 2)).Add(2));

        string[] calls = fake.Calls("cuLaunchKernel");
        Assert.EndsWith($"{View(buffer.Address, 16)} 01000000 stream1", calls[0]);
        Assert.EndsWith($"{View(buffer.Address + 16, 2)} 02000000 stream1", calls[1]);
    }

    [FakeDriverFact]
    public void ArgumentsThatDoNotFitAreRefusedBeforeTheDriverSeesThem()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using LaunchArguments arguments = new();
        DeviceKernel kernel = runtime.Load("twice");
        LaunchShape shape = new(new DeviceExtent(1), new DeviceExtent(32));

        arguments.Add(default(DeviceView));
        Assert.Equal(
            "The kernel twice has 2 parameters; found 1. (Parameter 'arguments')",
            Assert.Throws<ArgumentException>(() => runtime.Launch(kernel, shape, arguments)).Message);
        arguments.Add(1L);
        Assert.Equal(
            "Parameter 1 of the kernel twice has 4 bytes; found a struct of 8. (Parameter 'arguments')",
            Assert.Throws<ArgumentException>(() => runtime.Launch(kernel, shape, arguments)).Message);
        arguments.Clear().Add(1).Add(1);
        Assert.StartsWith(
            "Parameter 0 of the kernel twice has 16 bytes; found a struct of 4.",
            Assert.Throws<ArgumentException>(() => runtime.Launch(kernel, shape, arguments)).Message);
        Assert.Empty(fake.Calls("cuLaunchKernel"));
    }

    [FakeDriverFact]
    public void LaunchesGoToTheStreamThatIsNamed()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using LaunchArguments arguments = new();
        using DeviceStream own = runtime.CreateStream(), shared = runtime.ShareStream(0);
        DeviceKernel kernel = runtime.Load("twice");
        LaunchShape shape = new(new DeviceExtent(1), new DeviceExtent(32));
        arguments.Add(default(DeviceView)).Add(1);
        runtime.Launch(kernel, shape, arguments);
        runtime.Launch(kernel, shape, arguments, own);
        runtime.Launch(kernel, shape, arguments, shared);

        Assert.Equal(
            ["stream1", "stream2", "default"], fake.Calls("cuLaunchKernel").Select(call => call.Split(' ')[^1]));
        Assert.Equal(
            ["cuStreamCreate stream1 flags 1", "cuStreamCreate stream2 flags 1"], fake.Calls("cuStreamCreate"));
    }

    [FakeDriverFact]
    public void SharedMemoryBeyondTheUsualIsAskedForOnceWhenTheKernelIsLoaded()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using LaunchArguments arguments = new();
        DeviceKernel kernel = runtime.Load(PtxFixture.Reduce);
        arguments.Add(default(DeviceView)).Add(1);

        // What the device allows (227 KiB), less what the kernel declares (1 KiB).
        const int Most = 226 << 10;
        Assert.Equal($"cuFuncSetAttribute Kernel_Reduce 8 {Most}", Assert.Single(fake.Calls("cuFuncSetAttribute")));
        runtime.Launch(
                        kernel, new LaunchShape(new DeviceExtent(1), new DeviceExtent(32), Most), arguments);
        Assert.Contains($"shared {Most}", Assert.Single(fake.Calls("cuLaunchKernel")));
        Assert.Same(kernel, runtime.Load(PtxFixture.Reduce));
        Assert.Single(fake.Calls("cuFuncSetAttribute"));
        Assert.StartsWith(
            $"The kernel reduce may have {Most} bytes of dynamic shared memory on this device; {Most + 1} were asked "
            + "for.",
            Assert.Throws<ArgumentException>(
                () =>
                    runtime.Launch(
                        kernel, new LaunchShape(new DeviceExtent(1), new DeviceExtent(32), Most + 1),
                        arguments)).Message);
    }

    [FakeDriverFact]
    public void KernelsThatDeclareAllTheirSharedMemoryKeepTheUsualLimit()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using LaunchArguments arguments = new();
        arguments.Add(default(DeviceView)).Add(1);
        Assert.StartsWith(
            $"The kernel twice may have {47 << 10} bytes of dynamic shared memory on this device; {48 << 10} were "
            + "asked for.",
            Assert.Throws<ArgumentException>(() => runtime.Launch(
                runtime.Load("twice"), new LaunchShape(new DeviceExtent(1), new DeviceExtent(32), 48 << 10),
                arguments)).Message);
        Assert.Empty(fake.Calls("cuFuncSetAttribute"));
    }

    [FakeDriverFact]
    public void ResourcesAreTheDrivers()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        Assert.Equal(new KernelResources(40, 8, 1024, 512), runtime.Load(PtxFixture.Scale).Resources);
    }

    [FakeDriverFact]
    public void LaunchingAllocatesNothing()
    {
        FakeDriver fake = new();
        using CudaRuntime runtime = fake.Open();
        using DeviceBuffer buffer = runtime.Allocate(64);
        using LaunchArguments arguments = new();
        DeviceKernel kernel = runtime.Load("twice");
        Launch();
        SteadyState.AssertAllocatesNothing(Launch);

        void Launch()
        {
            arguments.Clear().Add(buffer.View<float>()).Add(1);
            runtime.Launch(kernel, new LaunchShape(new DeviceExtent(1), new DeviceExtent(32)), arguments);
        }
    }

    // The address, then the number of elements, both little-endian.
    private static string View(ulong address, long length) =>
        Convert.ToHexStringLower(
            BitConverter.GetBytes(address)) + Convert.ToHexStringLower(BitConverter.GetBytes(length));

    [StructLayout(LayoutKind.Sequential)]
    private struct Inner
    {
        public int Rows;
        public float Weight;
        public long Total;
        public byte Byte;
        public uint Unsigned;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Scalars
    {
        public byte Flag;
        public Inner Inner;
        public short Short;
    }
}

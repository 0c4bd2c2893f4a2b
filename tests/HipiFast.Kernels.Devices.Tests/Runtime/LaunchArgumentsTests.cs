using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Devices.Tests.Runtime;

/// <summary>The parameters of a launch, and the views among them.</summary>
public sealed class LaunchArgumentsTests
{
    [Fact]
    public void ParametersKeepTheirOrderAndBytes()
    {
        using LaunchArguments arguments = new();
        using Buffer buffer = new(64);
        arguments.Add(buffer.View<float>(16, 4)).Add((byte)7).Add(new Pair(1.5f, 9)).Add(default(DeviceView));
        Assert.Equal(4, arguments.Count);
        Assert.Equal([true, false, false, true], Enumerable.Range(0, 4).Select(arguments.IsView));
        Assert.Equal(
            (buffer, 16L, 4L, 4),
            (
                arguments.View(0).Buffer, arguments.View(0).ByteOffset, arguments.View(0).Length,
                arguments.View(0).ElementSize));
        Assert.Equal(7, arguments.Struct<byte>(1));
        Assert.Equal(new Pair(1.5f, 9), arguments.Struct<Pair>(2));
        Assert.Equal(16, arguments.StructBytes(2).Length);
        Assert.Null(arguments.View(3).Buffer);

        arguments.Clear().Add(3);
        Assert.Equal(1, arguments.Count);
        Assert.Equal(3, arguments.Struct<int>(0));
    }

    [Fact]
    public void WrongUseIsASentence()
    {
        LaunchArguments arguments = new();
        arguments.Add(1).Add(default(DeviceView));
        Assert.Equal(
            "Parameter 0 is a struct of 4 bytes, not a view.",
            Assert.Throws<InvalidOperationException>(() => arguments.View(0)).Message);
        Assert.Equal(
            "Parameter 0 is a struct of 4 bytes, not a Int64 of 8 bytes.",
            Assert.Throws<InvalidOperationException>(() => arguments.Struct<long>(0)).Message);
        Assert.Equal("Parameter 1 is a view, not a struct.", Assert.Throws<InvalidOperationException>(
            () => arguments.StructBytes(1).Length).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => arguments.View(2));
        arguments.Clear();
        for (int i = 0; i < LaunchArguments.MaxCount; i++)
        {
            arguments.Add(default(DeviceView));
        }

        Assert.Throws<InvalidOperationException>(() => arguments.Add(1));
        arguments.Dispose();
        arguments.Dispose();
        Assert.Throws<ObjectDisposedException>(() => arguments.Add(1));
    }

    [Fact]
    public void StructsHaveRoomForAsManyBytesAsAKernelMayTake()
    {
        using LaunchArguments arguments = new();
        for (int i = 0; i < LaunchArguments.MaxStructBytes / 1024; i++)
        {
            arguments.Add(default(Kibibyte));
        }

        Assert.StartsWith(
            "The parameters of a kernel have room for 4096 bytes of structs; Byte takes 1",
            Assert.Throws<InvalidOperationException>(() => arguments.Add((byte)1)).Message);
    }

    [Fact]
    public void ViewsStayInsideTheirBuffer()
    {
        using Buffer buffer = new(64);
        Assert.Equal(16, buffer.View<float>().Length);
        Assert.Equal(16, buffer.View<Pair>(16, 3).Slice(0, 2).ByteOffset);
        Assert.Equal(
            (32L, 1L), (buffer.View<Pair>(16, 3).Slice(1, 1).ByteOffset, buffer.View<Pair>(16, 3).Slice(1, 1).Length));
        Assert.Equal(0, buffer.View<float>(64, 0).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.View<float>(4, 16));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.View<float>(-4, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.View<float>(2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.View<Pair>(8, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.View<byte>(0, long.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.View<float>().Slice(1, 16));
    }

    [Fact]
    public void ADeviceIsFoundByItsName()
    {
        DeviceInfo first = new(
            "cuda:0", "Quick", 3L << 30, 90, 1, 32, 1024, 0), second = new("cuda:1", "Slow", 0, 0, 1, 32, 1024, 0);
        Assert.Same(first, DeviceInfo.Find([first, second], null, "cuda"));
        Assert.Same(first, DeviceInfo.Find([first, second], string.Empty, "cuda"));
        Assert.Same(first, DeviceInfo.Find([first, second], "auto", "cuda"));
        Assert.Same(second, DeviceInfo.Find([first, second], "CUDA:1", "cuda"));
        Assert.Equal(
            "Backend 'cuda' has no device 'cpu'; it has cuda:0 (Quick), cuda:1 (Slow).",
            Assert.Throws<ArgumentException>(() => DeviceInfo.Find([first, second], "cpu", "cuda")).Message);
        Assert.Equal("cuda:0: Quick, 3.0 GiB, compute capability 9.0", first.Description);
        Assert.Equal("cuda:1: Slow", second.Description);
    }

    private sealed class Buffer(long bytes) : DeviceBuffer(bytes)
    {
        public override ulong Address => 0;

        protected override void Dispose(bool disposing)
        {
        }
    }

    private readonly record struct Pair(float First, long Second);

    [System.Runtime.CompilerServices.InlineArray(1024)]
    private struct Kibibyte
    {
        private byte _first;
    }
}

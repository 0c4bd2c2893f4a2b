using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Tests.Memory;

public sealed unsafe class ManagedBufferTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(100_003)]
    public void MemoryIsAlignedAndZero(int length)
    {
        using ManagedBuffer<float> floats = new(length);
        using ManagedBuffer<byte> bytes = new(length);
        Assert.Equal(0u, (nuint)floats.Pointer % 64);
        Assert.Equal(0u, (nuint)bytes.Pointer % 64);
        Assert.Equal(length, floats.Span.Length);
        Assert.Equal(-1, floats.Span.IndexOfAnyExcept(0f));
        Assert.Equal(-1, bytes.Span.IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void PointersAndSpansAreTheSameMemoryAlsoAfterACollection()
    {
        using ManagedBuffer<int> buffer = new(10);
        int* pointer = buffer.Pointer;
        buffer[7] = 42;
        GC.Collect();
        Assert.Equal(42, pointer[7]);
        Assert.Equal([0, 42, 0], buffer.Slice(6, 3).ToArray());
        Assert.ThrowsAny<ArgumentException>(() => buffer.Slice(8, 3).Length);
    }

    [Fact]
    public void SpansStayWhenTheBufferGrowsOrIsDisposedOf()
    {
        ManagedBuffer<int> buffer = new(2);
        buffer.Span.Fill(5);
        Span<int> before = buffer.Span;
        buffer.EnsureLength(1000);
        Assert.Equal([5, 5], before.ToArray());
        Assert.Equal(-1, buffer.Span.IndexOfAnyExcept(0));
        buffer.Dispose();
        GC.Collect();
        Assert.Equal([5, 5], before.ToArray());
        Assert.Equal(0, buffer.Length);
        Assert.Throws<ObjectDisposedException>(() => buffer.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => buffer.EnsureLength(1));
    }
}

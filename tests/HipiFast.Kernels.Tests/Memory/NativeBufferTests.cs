using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Tests.Memory;

public sealed unsafe class NativeBufferTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(100_003)]
    public void MemoryIsAlignedAndZero(int length)
    {
        using NativeBuffer<float> floats = new(length);
        using NativeBuffer<byte> bytes = new(length);
        Assert.Equal(0u, (nuint)floats.Pointer % 64);
        Assert.Equal(0u, (nuint)bytes.Pointer % 64);
        Assert.Equal(length, floats.Length);
        Assert.Equal(length, floats.Span.Length);
        Assert.Equal(-1, floats.Span.IndexOfAnyExcept(0f));
        Assert.Equal(-1, bytes.Span.IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void ElementsAndSlicesAreTheSameMemory()
    {
        using NativeBuffer<int> buffer = new(10);
        buffer[7] = 42;
        Assert.Equal(42, buffer.Span[7]);
        Assert.Equal(42, buffer.Pointer[7]);
        Assert.Equal([0, 42, 0], buffer.Slice(6, 3).ToArray());
        Assert.Equal(0, buffer.Slice(10, 0).Length);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, -1)]
    [InlineData(0, 11)]
    [InlineData(10, 1)]
    [InlineData(long.MaxValue, 1)]
    public void SlicesOutsideAreRefused(long start, int length)
    {
        using NativeBuffer<int> buffer = new(10);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Slice(start, length).Length);
    }

    [Fact]
    public void ANegativeLengthIsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new NativeBuffer<int>(-1));

    [Fact]
    public void AnImpossibleLengthIsAnErrorAndNotASmallBuffer()
    {
        Assert.Throws<OverflowException>(() => new NativeBuffer<double>(long.MaxValue));
        Assert.Throws<OverflowException>(() => new NativeBuffer<double>((long.MaxValue / sizeof(double)) + 1));
    }

    [Fact]
    public void GrowingKeepsABufferThatIsLargeEnoughAndZeroesANewOne()
    {
        using NativeBuffer<int> buffer = new(10);
        buffer[3] = 5;
        buffer.EnsureLength(10);
        buffer.EnsureLength(4);
        Assert.Equal(10, buffer.Length);
        Assert.Equal(5, buffer[3]);
        buffer.EnsureLength(1000);
        Assert.Equal(1000, buffer.Length);
        Assert.Equal(0u, (nuint)buffer.Pointer % 64);
        Assert.Equal(-1, buffer.Span.IndexOfAnyExcept(0));
    }

    [Fact]
    public void DisposingTwiceIsHarmless()
    {
        NativeBuffer<int> buffer = new(10);
        buffer.Dispose();
        buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _ = buffer.Pointer);
        Assert.Equal(0, buffer.Length);
    }

    // Growing would bring back memory that nobody gives back any more.
    [Fact]
    public void ADisposedBufferDoesNotGrow()
    {
        NativeBuffer<int> buffer = new(10);
        buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer.EnsureLength(20));
        Assert.Equal(0, buffer.Length);
    }

    [Fact]
    public void ABufferThatCannotGrowIsEmptyAndNotDisposed()
    {
        using NativeBuffer<double> buffer = new(10);
        Assert.ThrowsAny<Exception>(() => buffer.EnsureLength(long.MaxValue / 8));
        Assert.Equal(0, buffer.Length);
        buffer.EnsureLength(3);
        Assert.Equal(3, buffer.Span.Length);
    }
}

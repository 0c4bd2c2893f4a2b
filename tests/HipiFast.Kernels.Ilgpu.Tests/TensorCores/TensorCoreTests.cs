using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Numerics;
using HipiFast.Kernels.Ilgpu.TensorCores;

namespace HipiFast.Kernels.Ilgpu.Tests.TensorCores;

/// <summary>The emulated instructions against plain statements of what the PTX manual says of them.</summary>
public sealed unsafe class TensorCoreTests
{
    private const int M = 16, N = 8, K = 16;

    [Fact]
    public void FragmentsLieWhereTheManualSays()
    {
        // Small integers, so that the products and sums are exact in any order.
        System.Random random = new(7);
        int[] a = [.. Enumerable.Range(0, M * K).Select(_ => random.Next(-8, 9))];
        int[] b = [.. Enumerable.Range(0, K * N).Select(_ => random.Next(-8, 9))];
        int[] c = [.. Enumerable.Range(0, M * N).Select(_ => random.Next(-50, 51))];
        uint[] left = new uint[TensorCore.Lanes * 4], right = new uint[TensorCore.Lanes * 2];
        for (int lane = 0; lane < TensorCore.Lanes; lane++)
        {
            int groupId = lane >> 2, threadInGroup = lane % 4;

            // "row = groupID for ai where 0 <= i < 2 || 4 <= i
            // < 6, groupID + 8 otherwise; col = (threadID_in_group * 2) + (i & 0x1), + 8 for i >= 4"
            for (int i = 0; i < 8; i++)
            {
                int row = i is 0 or 1 or 4 or 5
                    ? groupId
                    : groupId + 8, column = (threadInGroup * 2) + (i & 1) + (i >= 4 ? 8 : 0);
                Put(ref left[(lane * 4) + (i / 2)], i % 2, a[(row * K) + column]);
            }

            // "row = (threadID_in_group * 2) + (i & 0x1), + 8 for i >= 2; col = groupID"
            for (int i = 0; i < 4; i++)
            {
                int row = (threadInGroup * 2) + (i & 1) + (i >= 2 ? 8 : 0);
                Put(ref right[(lane * 2) + (i / 2)], i % 2, b[(row * N) + groupId]);
            }
        }

        for (int lane = 0; lane < TensorCore.Lanes; lane++)
        {
            // "row = groupID for ci where i < 2, groupID + 8 for i >= 2; col = (threadID_in_group * 2) + (i & 0x1)"
            int groupId = lane >> 2, column = lane % 4 * 2;
            Four sums = new(
                C(groupId, column), C(groupId, column + 1), C(groupId + 8, column), C(groupId + 8, column + 1));
            Four found = TensorCore.MultiplyAdd(left, 4, right, 2, lane, sums);
            Assert.Equal(D(groupId, column), found.X);
            Assert.Equal(D(groupId, column + 1), found.Y);
            Assert.Equal(D(groupId + 8, column), found.Z);
            Assert.Equal(D(groupId + 8, column + 1), found.W);
        }

        float C(int row, int column) => c[(row * N) + column];

        float D(int row, int column) =>
            c[(row * N) + column] + Enumerable.Range(0, K).Sum(k => a[(row * K) + k] * b[(k * N) + column]);
    }

    [Theory]
    [InlineData(1f, 0x3F80)]
    [InlineData(0f, 0)]
    [InlineData(-3f, 0)]
    [InlineData(float.NegativeInfinity, 0)]
    [InlineData(float.PositiveInfinity, 0x7F80)]
    [InlineData(float.NaN, 0x7FFF)]
    [InlineData(float.MaxValue, 0x7F80)]
    [InlineData(1.00390625f, 0x3F80)] // 1 + 2^-8, half way: to the even mantissa
    [InlineData(1.01171875f, 0x3F82)] // 1 + 3 2^-8, half way: to the even mantissa
    [InlineData(1.0039064f, 0x3F81)]
    public void NumbersAreRoundedToTheNearestOfTwoHalves(float value, int expected)
    {
        Assert.Equal((uint)expected, TensorCore.PackRelu(value, 0f));
        Assert.Equal((uint)expected << 16, TensorCore.PackRelu(0f, value));
    }

    [Fact]
    public void WeightsKeepTheirSign()
    {
        Assert.Equal(0x3F80C040u, TensorCore.Pack(-3f, 1f));
        Assert.Equal(-3f, TensorCore.Unpack(0x3F80C040u, 0));
        Assert.Equal(1f, TensorCore.Unpack(0x3F80C040u, 1));
    }

    [Fact]
    public void CopiesArriveWhenTheyAreWaitedFor()
    {
        FourWords* words = stackalloc FourWords[2];
        words[0] = new FourWords(1, 2, 3, 4);
        words[1] = default;
        TensorCore.CopyAsync(ref words[0], ref words[1]);
        Assert.Equal(0u, words[1].X);
        TensorCore.AwaitCopies();
        Assert.Equal((1u, 2u, 3u, 4u), (words[1].X, words[1].Y, words[1].Z, words[1].W));
        words[0] = default;
        TensorCore.AwaitCopies();
        Assert.Equal(1u, words[1].X);
    }

    [Theory]
    [InlineData(16, 227, 0, 4, 0, 2048)] // one warp wide, all of it in shared memory
    [InlineData(64, 227, 0, 4, 0, 8192)]
    [InlineData(128, 227, 1, 8, 0, 32768)]
    [InlineData(256, 227, 2, 16, 0, 131072)]
    [InlineData(304, 227, 0, 20, 0, 194560)]
    [InlineData(512, 227, 1, 32, 16, 131072)]
    [InlineData(1024, 227, 1, 64, 16, 131072)]
    [InlineData(256, 48, 1, 16, 4, 32768)] // 48 KB: in slices of 64 inputs
    [InlineData(1024, 99, 1, 64, 8, 65536)]
    public void TilesFitTheDevice(
        int stride, int sharedKilobytes, int columnShift, int blocks, int sliceSteps, int sharedBytes)
    {
        DeviceInfo device = new("cuda:0", "GPU", 0, 90, 132, 32, 1024, sharedKilobytes << 10);
        TensorTile tile = TensorTile.For(device, stride);
        Assert.Equal(new TensorTile(8, columnShift, blocks, sliceSteps, sharedBytes), tile);
        Assert.InRange(tile.SharedBytes + (TensorTile.SumsLength * sizeof(float)), 0, device.SharedBytesPerGroup);
    }

    private static void Put(ref uint word, int half, int value) =>
        word |= (BitConverter.SingleToUInt32Bits(value) >> 16) << (16 * half);
}

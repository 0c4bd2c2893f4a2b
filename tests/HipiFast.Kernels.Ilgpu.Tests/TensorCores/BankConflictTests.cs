using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.SoftQ;
using HipiFast.Kernels.Ilgpu.TensorCores;

namespace HipiFast.Kernels.Ilgpu.Tests.TensorCores;

/// <summary>
/// Shared memory has 32 banks of four bytes, of which each serves one word at a time. A warp's access of 16 bytes to a
/// lane goes in four parts of eight lanes, so it takes four turns at the least; one of four bytes takes one.
/// </summary>
public sealed class BankConflictTests
{
    private const int Banks = 32;

    // A lane's pairs, and the places between them.
    private const int LanePairs = 8;

    public static TheoryData<int, int> Tiles
    {
        get
        {
            TheoryData<int, int> cases = [];
            foreach (int hidden in (int[])[16, 64, 80, 128, 208, 256, 304, 512, 1024])
            {
                cases.Add(hidden, TensorTestBackend.SharedKilobytes);
                cases.Add(hidden, TensorTestBackend.HopperSharedKilobytes);
            }

            return cases;
        }
    }

    [Fact]
    public void TurnsAreCounted()
    {
        Assert.Equal(1, Turns(lane => 4 * lane, 4));
        Assert.Equal(1, Turns(_ => 0, 4));
        Assert.Equal(2, Turns(lane => 8 * lane, 4));
        Assert.Equal(32, Turns(lane => 128 * lane, 4));
        Assert.Equal(4, Turns(lane => 16 * lane, 16));
        Assert.Equal(8, Turns(lane => 32 * lane, 16));

        // A row-major W2 of 256 outputs in bf16 without a swizzle, read as the right operand lies: rows 2t and 2t + 1
        // of column g.
        Assert.Equal(4, Turns(lane => ((lane % 4 * 2 * 256) + (lane / 4)) * 2 / 4 * 4, 4));
    }

    [Theory]
    [MemberData(nameof(Tiles))]
    public void NoBankIsAskedTwice(int hidden, int sharedKilobytes)
    {
        DeviceInfo device = new("cuda:0", "GPU", 0, 90, 132, TensorTile.WarpSize, 1024, sharedKilobytes << 10);
        TensorTile tile = TensorTile.For(device, hidden);
        TensorSoftQShape shape = new()
        {
            Problem = new SoftQShape { Stride = hidden },
            ColumnShift = tile.ColumnShift,
            Blocks = tile.Blocks,
            SliceSteps = tile.SliceSteps,
        };
        int chunks = TensorPairTile.Chunks(shape), steps = hidden / TensorCore.Depth, columns = 1 << tile.ColumnShift;
        HashSet<int> read = [];
        for (int round = 0; round < chunks; round++)
        {
            for (int step = 0; step < steps; step++)
            {
                for (int warp = 0; warp < tile.Warps; warp++)
                {
                    for (int block = 0; block < TensorTile.WarpBlocks; block++)
                    {
                        int Fragment(int lane) =>
                            RingIndex(shape, (warp * TensorCore.Lanes) + lane, round, step)
                                + (block * TensorCore.Lanes);
                        Assert.Equal(4, Turns(lane => Fragment(lane) * FourWords.Bytes, FourWords.Bytes));
                        Assert.InRange(Fragment(TensorCore.Lanes - 1), 0, (tile.SharedBytes / FourWords.Bytes) - 1);
                        read.Add(Fragment(0));
                    }
                }
            }
        }

        // Nothing that is copied lies idle: where W2 is whole, every fragment is read; a slice is as long as what is
        // read of it.
        Assert.Equal(
            tile.SliceSteps == 0 ? steps * tile.Blocks : Math.Min(
                2 * tile.SliceSteps, chunks * steps) * columns * TensorTile.WarpBlocks, read.Count);

        // The sums of the pairs, as lanes store them and as threads add them up.
        int threads = tile.GroupSize;
        for (int warp = 0; warp < tile.Warps; warp++)
        {
            Assert.Equal(1, Turns(
                lane => sizeof(float) * TensorPairTile.SumsIndex(shape, (warp * TensorCore.Lanes) + lane, threads),
                sizeof(float)));
        }

        HashSet<int> sums = [.. Enumerable.Range(0, threads).Select(
            thread => TensorPairTile.SumsIndex(shape, thread, threads)).SelectMany(
            first => Enumerable.Range(0, LanePairs).Select(pair => first + (pair * LanePairs)))];
        Assert.Equal(threads * LanePairs, sums.Count);
        Assert.InRange(sums.Max(), 0, TensorTile.SumsLength - 1);
    }

    [Fact]
    public void EveryWidthFitsWhatEveryDeviceHas()
    {
        DeviceInfo device = new(
            "cuda:0", "GPU", 0, 80, 108, TensorTile.WarpSize, 1024, TensorTestBackend.SharedKilobytes << 10);
        for (int stride = TensorCore.Depth; stride <= 4096; stride += TensorCore.Depth)
        {
            TensorTile tile = TensorTile.For(device, stride);
            Assert.InRange(tile.SharedBytes + (TensorTile.SumsLength * sizeof(float)), 1, device.SharedBytesPerGroup);

            // Two halves: one is multiplied while the other is copied.
            Assert.Equal(
                tile.SliceSteps == 0 ? stride / TensorCore.Depth * tile.Blocks * TensorTile.BlockBytes
                : 2 * tile.SliceSteps * (TensorTile.WarpBlocks << tile.ColumnShift) * TensorTile.BlockBytes,
                tile.SharedBytes);
        }
    }

    private static int RingIndex(in TensorSoftQShape shape, int thread, int round, int step) => shape.SliceSteps == 0
        ? TensorPairTile.RingIndex<WholeMode>(shape, thread, round, round, step)
        : TensorPairTile.RingIndex<SlicedMode>(shape, thread, round, round, step);

    // Turns that a warp's access takes, for the byte at which each lane's part begins.
    private static int Turns(Func<int, int> address, int bytes)
    {
        int lanesAtOnce = Banks * sizeof(float) / Math.Max(bytes, sizeof(float)), turns = 0;
        for (int first = 0; first < TensorCore.Lanes; first += lanesAtOnce)
        {
            // Lanes that read the same word share a turn.
            turns += Enumerable.Range(first, lanesAtOnce).SelectMany(
                lane => Enumerable.Range(address(lane) / 4, bytes / 4)).Distinct()
                .GroupBy(word => word % Banks).Max(bank => bank.Count());
        }

        return turns;
    }
}

using System.Runtime.InteropServices;
using HipiFast.Kernels.Ilgpu.Numerics;
using ILGPU;

namespace HipiFast.Kernels.Ilgpu.TensorCores;

/// <summary>
/// The operands of a warp on ILGPU's CPU accelerator, where lanes are threads of the system: what each lane shows to
/// the others.
/// </summary>
internal sealed class WarpExchange
{
    private const int PairWords = 16;
    private const int TilesPerBlock = 8;
    private const int WeightWords = 16;

    // Where a lane that has met its warp finds their exchange; threads of the accelerator keep their lanes.
    [ThreadStatic]
    private static WarpExchange? s_current;

    // How lanes find the exchange that their warp's first lane has made.
    private static readonly List<WeakReference<WarpExchange>> s_all = [];

    // Two of each in turn: a lane may be one instruction ahead of those that still read, but no more, because all wait
    // for each other once in each.
    private readonly uint[] _pairs = new uint[2 * TensorCore.Lanes * PairWords];
    private readonly uint[] _weights = new uint[2 * TensorCore.Lanes * WeightWords];
    private readonly int[] _turns = new int[TensorCore.Lanes];

    /// <summary>Shows a lane's operands and waits for those of the others.</summary>
    public static WarpExchange Share(PairFragment pairs, WeightFragment weights)
    {
        WarpExchange warp = s_current ??= Find();
        int lane = Warp.LaneIdx, at = warp.Turn(lane) * TensorCore.Lanes;
        MemoryMarshal.Cast<PairFragment, uint>(
            new ReadOnlySpan<PairFragment>(in pairs)).CopyTo(warp._pairs.AsSpan((at + lane) * PairWords));
        MemoryMarshal.Cast<WeightFragment, uint>(new ReadOnlySpan<WeightFragment>(in weights))
            .CopyTo(warp._weights.AsSpan((at + lane) * WeightWords));
        Warp.Barrier();
        return warp;
    }

    /// <summary>The lane's part of the instructions with the operands last shared.</summary>
    public void MultiplyAdd(ref WarpSums sums)
    {
        int lane = Warp.LaneIdx, at = Turn(lane) * TensorCore.Lanes;
        _turns[lane]++;
        Span<Four> tiles = MemoryMarshal.Cast<WarpSums, Four>(new Span<WarpSums>(ref sums));
        for (int tile = 0; tile < tiles.Length; tile++)
        {
            // Within a block of columns tiles of C go across first, then down.
            int down = tile % TilesPerBlock / 2, across = (tile / TilesPerBlock * 2) + (tile % 2);
            tiles[tile] = TensorCore.MultiplyAdd(
                _pairs.AsSpan((at * PairWords) + (4 * down)), PairWords,
                _weights.AsSpan((at * WeightWords) + (2 * across)), WeightWords, lane,
                tiles[tile]);
        }
    }

    private static WarpExchange Find()
    {
        int number = -1;
        WarpExchange? made = null;
        if (Warp.LaneIdx == 0)
        {
            made = new WarpExchange();
            lock (s_all)
            {
                number = s_all.Count;
                s_all.Add(new WeakReference<WarpExchange>(made));
            }
        }

        number = Warp.Shuffle(number, 0);
        lock (s_all)
        {
            // The first lane keeps it alive until all have it: they are yet to meet at the next barrier.
            return made
                ?? (s_all[number].TryGetTarget(out WarpExchange? warp) ? warp : throw new InvalidOperationException(
                    "A warp lost its first lane."));
        }
    }

    private int Turn(int lane) => _turns[lane] & 1;
}

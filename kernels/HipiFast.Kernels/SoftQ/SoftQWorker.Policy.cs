using System.Runtime.CompilerServices;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.SoftQ;

/// <content>What a worker asks of the actor: how likely actions are, and actions of its own.</content>
internal sealed unsafe partial class SoftQWorker<TSimd, TVector>
{
    /// <summary>
    /// The chunk's actions before squashing, and for each transition <c>-sum_d [ log(2 pi) / 2 + log(1 - a_d^2) + log
    /// scale_d ]</c> behind them.
    /// </summary>
    private void UnsquashActions(in SoftQCall call, in Block block)
    {
        if (!block.LanesAreTasks && block.FirstLane == _lanesAt)
        {
            return;
        }

        int a = call.ActionDimension;
        int first = block.LanesAreTasks
            ? block.FirstBroadcast
            : block.FirstLane, count = block.LanesAreTasks
            ? block.Broadcasts
            : block.Lanes;
        for (int r = 0; r < count; r++)
        {
            float* action = call.Action + ((long)(first + r) * a);
            int stride = block.LanesAreTasks ? 1 : LaneBlock;
            float* to = _unsquashed + (block.LanesAreTasks ? r * (a + 1)
                : (r / LaneBlock * (a + 1) * LaneBlock) + (r % LaneBlock));
            float sum = -a * TanhGaussian.HalfLogTwoPi;
            for (int d = 0; d < a; d += TSimd.Count)
            {
                int entries = Math.Min(TSimd.Count, a - d);
                TVector squashed = TSimd.LoadPartial(action + d, entries);
                if (call.ActionScale != null)
                {
                    TVector scale = TSimd.LoadPartial(call.ActionScale + d, entries);
                    squashed = TSimd.Divide(
                        TSimd.Subtract(squashed, TSimd.LoadPartial(call.ActionBias + d, entries)), scale);
                }

                TVector x = TanhGaussian<TSimd, TVector>.Unsquash(squashed);
                TSimd.Store(x, _squashTerms);
                TSimd.Store(TanhGaussian<TSimd, TVector>.LogDerivative(x), _squashTerms + LaneBlock);
                for (int e = 0; e < entries; e++)
                {
                    to[(d + e) * stride] = _squashTerms[e];
                    sum -= _squashTerms[LaneBlock + e] + (call.ActionScale != null
                        ? MathF.Log(call.ActionScale[d + e])
                        : 0f);
                }
            }

            to[a * stride] = sum;
        }
    }

    /// <summary>The log standard deviations that an actor's outputs stand for.</summary>
    /// <param name="isSquashed">The rule's kind.</param>
    /// <param name="low">Its lower bound, which callers keep in a register.</param>
    /// <param name="high">Its upper bound.</param>
    /// <param name="raw">The outputs.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector LogStd(bool isSquashed, TVector low, TVector high, TVector raw) => isSquashed
        ? Squashed(low, high, raw)
        : TanhGaussian<TSimd, TVector>.Clamp(raw, low, high);

    // Of imported actors only; inlined, it would take registers from all others.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TVector Squashed(TVector low, TVector high, TVector raw)
    {
        TVector half = TSimd.Multiply(TSimd.Broadcast(0.5f), TSimd.Subtract(high, low));
        return TSimd.MultiplyAdd(half, TSimd.Add(VectorMath<TSimd, TVector>.Tanh(raw), TSimd.Broadcast(1f)), low);
    }

    /// <summary>log pi(a_j | s_j, psi_i) of the tile, from the actor's head at s.</summary>
    private void LogProbability(in SoftQCall call, in Block block, in Tile tile)
    {
        int a = call.ActionDimension;
        for (int vector = 0; vector < tile.Vectors; vector++)
        {
            GatherUnsquashed(a, block, tile.Slots[vector], _tileUnsquashed + (vector * LaneBlock));
        }

        bool isSquashed = call.LogStd.IsSquashed;
        TVector half = TSimd.Broadcast(0.5f), low = TSimd.Broadcast(call.LogStd.Low),
            high = TSimd.Broadcast(call.LogStd.High);
        for (int pair = 0; pair < tile.Vectors * LaneBlock; pair += TSimd.Count)
        {
            TVector sum = TSimd.Load(_tileUnsquashed + (a * _pairs) + pair);
            for (int d = 0; d < a; d++)
            {
                TVector mean = TSimd.Load(_head + (d * _pairs) + pair);
                TVector logStd = LogStd(
                    isSquashed, low, high, TSimd.Load(_head + ((a + d) * _pairs) + pair));
                TVector inverse = VectorMath<TSimd, TVector>.Exp(VectorMath<TSimd, TVector>.Negate(logStd));
                TVector z = TSimd.Multiply(
                    TSimd.Subtract(TSimd.Load(_tileUnsquashed + (d * _pairs) + pair), mean), inverse);
                sum = TSimd.Subtract(sum, TSimd.MultiplyAdd(TSimd.Multiply(z, z), half, logStd));
            }

            TSimd.Store(sum, _logProbability + pair);
        }
    }

    private void GatherUnsquashed(int a, in Block block, Slot slot, float* to)
    {
        for (int d = 0; d <= a; d++, to += _pairs)
        {
            if (block.LanesAreTasks)
            {
                new Span<float>(to, LaneBlock).Fill(_unsquashed[(slot.Broadcast * (a + 1)) + d]);
            }
            else
            {
                // Lanes beyond the end hold leftovers, which nothing reads.
                float* from = _unsquashed + ((((long)slot.LaneBlock * (a + 1)) + d) * LaneBlock);
                new ReadOnlySpan<float>(from, LaneBlock).CopyTo(new Span<float>(to, LaneBlock));
            }
        }
    }

    /// <summary>a' = tanh(mean + std n) of the tile, from the actor's head at s'.</summary>
    private void SampleNextActions(in SoftQCall call, in Block block, in Tile tile)
    {
        int a = call.ActionDimension, pairs = tile.Vectors * LaneBlock;
        for (int vector = 0; vector < tile.Vectors; vector++)
        {
            Indices(call, block, tile.Slots[vector], vector * LaneBlock);
        }

        SoftQNoise<TSimd, TVector>.Fill(_taskOf, _transitionOf, pairs, _pairs, call.Call, call.Seed, a, _normals);
        bool isSquashed = call.LogStd.IsSquashed;
        TVector low = TSimd.Broadcast(call.LogStd.Low), high = TSimd.Broadcast(call.LogStd.High);
        for (int d = 0; d < a; d++)
        {
            for (int pair = d * _pairs; pair < (d * _pairs) + pairs; pair += TSimd.Count)
            {
                TVector std = VectorMath<TSimd, TVector>.Exp(
                    LogStd(isSquashed, low, high, TSimd.Load(_head + (a * _pairs) + pair)));
                TVector x = TSimd.MultiplyAdd(std, TSimd.Load(_normals + pair), TSimd.Load(_head + pair));
                TVector action = TanhGaussian<TSimd, TVector>.Squash(x);
                if (call.ActionScale != null)
                {
                    action = TSimd.MultiplyAdd(
                        action, TSimd.Broadcast(call.ActionScale[d]), TSimd.Broadcast(call.ActionBias[d]));
                }

                TSimd.Store(action, _nextAction + pair);
            }
        }
    }

    /// <summary>Task and transition of each pair, as the noise counters number them.</summary>
    private void Indices(in SoftQCall call, in Block block, Slot slot, int offset)
    {
        uint broadcast = (uint)(
            block.FirstBroadcast + slot.Broadcast), lane = (uint)(block.FirstLane + (slot.LaneBlock * LaneBlock));
        for (uint l = 0; l < LaneBlock; l++)
        {
            _taskOf[offset + l] = block.LanesAreTasks ? lane + l : broadcast;
            _transitionOf[offset + l] = call.FirstRow + (block.LanesAreTasks ? broadcast : lane + l);
        }
    }
}

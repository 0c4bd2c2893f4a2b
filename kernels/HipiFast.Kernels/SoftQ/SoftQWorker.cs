using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>What one thread does with one chunk of pairs, and its scratch memory.</summary>
internal abstract class SoftQWorker : IDisposable
{
    /// <summary>Makes a worker for a kind of vector.</summary>
    public static SoftQWorker Create(VectorKind kind) => kind switch
    {
        VectorKind.Vector512 => new SoftQWorker<Simd512, Vector512<float>>(),
        VectorKind.Vector256 => new SoftQWorker<Simd256, Vector256<float>>(),
        _ => new SoftQWorker<SimdPortable, Vector<float>>(),
    };

    /// <summary>Sizes scratch memory for a call; allocates only when the call is larger than all before.</summary>
    /// <param name="call">The call.</param>
    public abstract void Prepare(in SoftQCall call);

    /// <summary>Computes one chunk of the matrix.</summary>
    /// <param name="call">The call.</param>
    /// <param name="chunk">Which chunk of its plan.</param>
    public abstract void Run(in SoftQCall call, int chunk);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>
/// What one thread does with one chunk of pairs: both shares of the first layers for the chunk's transitions and tasks,
/// then the rest tile by tile. Holds the thread's scratch memory.
/// </summary>
/// <remarks>
/// B transitions, K tasks, S, A, P entries of observation, action and task, H hidden units. One side of the matrix lies
/// along the vector lanes in blocks of 16, stored <c>[block][H][16]</c>; the other is broadcast, stored
/// <c>[entry][H]</c>. Which is which (<see cref="SoftQPlan.LanesAreTasks"/>) changes where numbers lie, never how they
/// are summed. Lanes beyond the end of the lane side repeat its last entry and are not written.
/// </remarks>
internal sealed unsafe partial class SoftQWorker<TSimd, TVector> : SoftQWorker
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private const int LaneBlock = SoftQTiles.LaneBlock;

    /// <summary>
    /// Broadcast-side rows that share a sweep over W1: as many sums as 16 registers hold beside a weight.
    /// </summary>
    private const int ShareRows = 8;

    private readonly NativeBuffer<float> _memory = new(0);

    // Floats between the rows of a tile: as many pairs as the micro-kernel takes.
    private int _pairs;

    // First entry of the lane side whose shares are in memory, or -1: chunks come with the broadcast side fastest, so
    // the next one often needs the same.
    private int _lanesAt;

    // The chunk's first layers: shares of the transitions (at s with a, or at s') and of the tasks.
    private float*[] _criticState = [];
    private float*[] _criticTask = [];
    private float* _actorState;
    private float* _actorNext;
    private float* _actorTask;

    // atanh of the chunk's actions, and per transition the part of log pi that depends on the action alone:
    // [transition][A + 1], or with transitions along the lanes [block][A + 1][16].
    private float* _unsquashed;
    private float* _squashTerms;

    // The tile.
    private float* _zeros;
    private float* _rows;
    private float* _scratch;
    private float* _head;
    private float* _nextAction;
    private float* _normals;
    private float* _criticValue;
    private float* _logProbability;
    private float* _reward;
    private float* _terminated;
    private float* _tileUnsquashed;
    private uint* _taskOf;
    private uint* _transitionOf;

    /// <inheritdoc/>
    public override void Prepare(in SoftQCall call)
    {
        _pairs = call.Kernel.TileVectors * LaneBlock;
        _lanesAt = -1;
        if (_criticState.Length < call.CriticCount)
        {
            _criticState = new float*[call.CriticCount];
            _criticTask = new float*[call.CriticCount];
        }

        long length = Lay(call, null);
        _memory.EnsureLength(length);
        Lay(call, _memory.Pointer);
    }

    /// <inheritdoc/>
    public override void Run(in SoftQCall call, int chunk)
    {
        SoftQPlan plan = call.Plan;
        int firstBroadcast = chunk % plan.BroadcastChunks * plan.BroadcastPerChunk;
        int firstLane = chunk / plan.BroadcastChunks * plan.LanesPerChunk;
        int broadcasts = Math.Min(plan.BroadcastPerChunk, plan.BroadcastCount - firstBroadcast);
        int lanes = Math.Min(plan.LanesPerChunk, plan.LaneCount - firstLane);
        Block block = new(plan.LanesAreTasks, firstBroadcast, broadcasts, firstLane, lanes);
        FirstLayers(call, block);
        _lanesAt = firstLane;

        // The broadcast side runs fastest: a lane block's part of the first layer (16 H floats) stays in the
        // first-level cache meanwhile.
        int left = broadcasts * ((lanes + LaneBlock - 1) / LaneBlock), most = call.Kernel.TileVectors;
        Slot* slots = stackalloc Slot[most];
        PairVector* vectors = stackalloc PairVector[most];
        Slot next = new(0, 0);
        while (left > 0)
        {
            Tile tile = new(slots, vectors, Math.Min(left, most));
            for (int vector = 0; vector < tile.Vectors; vector++)
            {
                slots[vector] = next;
                next = next.Next(broadcasts);
            }

            Compute(call, block, tile);
            left -= tile.Vectors;
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => _memory.Dispose();

    /// <summary>Places all scratch arrays from <paramref name="start"/> on.</summary>
    /// <returns>Floats needed.</returns>
    private long Lay(in SoftQCall call, float* start)
    {
        long next = 0;
        int actionOutputs = MlpShape.RoundUp(2 * call.ActionDimension);
        int actorStride = call.Actor?.FirstStride ?? 0, widest = actorStride, headRows = actionOutputs;
        long scratch = call.Actor is null ? 0 : call.Kernel.ScratchFloats(call.Actor);
        foreach (SoftQNetwork critic in call.Critics.AsSpan(0, call.CriticCount))
        {
            widest = Math.Max(widest, critic.FirstStride);
            scratch = Math.Max(scratch, call.Kernel.ScratchFloats(critic));
            headRows = call.IsDiscrete ? Math.Max(headRows, MlpShape.RoundUp(critic.Outputs)) : headRows;
        }

        long laneSide = MlpShape.RoundUp(call.Plan.LanesPerChunk), broadcastSide = call.Plan.BroadcastPerChunk,
            pairs = _pairs;
        long states = call.Plan.LanesAreTasks
            ? broadcastSide
            : laneSide, tasks = call.Plan.LanesAreTasks
            ? laneSide
            : broadcastSide;
        for (int critic = 0; critic < call.CriticCount; critic++)
        {
            _criticState[critic] = Take(states * call.Critics[critic].FirstStride);
            _criticTask[critic] = Take(tasks * call.Critics[critic].FirstStride);
        }

        _actorState = Take(call.UsesLogProbability ? states * actorStride : 0);
        _actorNext = Take(call.IsBellman ? states * actorStride : 0);
        _actorTask = Take(tasks * actorStride);
        _unsquashed = Take(call.UsesLogProbability ? states * (call.ActionDimension + 1) : 0);
        _squashTerms = Take(2 * LaneBlock);
        _zeros = Take(widest);
        _rows = Take((long)LaneBlock * widest);
        _scratch = Take(scratch);
        _head = Take(pairs * headRows);
        _nextAction = Take(pairs * call.ActionDimension);
        _normals = Take(pairs * actionOutputs);
        _tileUnsquashed = Take(pairs * (call.ActionDimension + 1));
        _criticValue = Take(pairs * call.CriticCount);
        _logProbability = Take(pairs);
        _reward = Take(pairs);
        _terminated = Take(pairs);
        _taskOf = (uint*)Take(pairs);
        _transitionOf = (uint*)Take(pairs);
        if (start is not null)
        {
            // Scratch of an earlier call may lie here.
            new Span<float>(_zeros, widest).Clear();
        }

        return next;

        float* Take(long length)
        {
            float* taken = start + next;
            next += (length + LaneBlock - 1) / LaneBlock * LaneBlock;
            return taken;
        }
    }

    private void FirstLayers(in SoftQCall call, in Block block)
    {
        int s = call.ObservationDimension, a = call.CriticActionDimension;
        for (int i = 0; i < call.CriticCount; i++)
        {
            // The Bellman estimator's actions differ from pair to pair: added per tile.
            SoftQNetwork critic = call.Critics[i];
            if (call.IsBellman)
            {
                Share(
                    call, block, critic, 0, call.NextObservation, s, null, 0, critic.Bias1, !block.LanesAreTasks,
                    _criticState[i]);
            }
            else
            {
                Share(
                    call, block, critic, 0, call.Observation, s, call.Action, a, critic.Bias1, !block.LanesAreTasks,
                    _criticState[i]);
            }

            Share(
                call, block, critic, s + a, call.CriticTask, call.CriticTaskDimension, null, 0, _zeros,
                block.LanesAreTasks, _criticTask[i]);
        }

        if (call.Actor is SoftQNetwork actor)
        {
            Share(
                call, block, actor, s, call.ActorTask, call.ActorTaskDimension, null, 0, _zeros, block.LanesAreTasks,
                _actorTask);
            if (call.UsesLogProbability)
            {
                Share(
                    call, block, actor, 0, call.Observation, s, null, 0, actor.Bias1, !block.LanesAreTasks,
                    _actorState);
                UnsquashActions(call, block);
            }

            if (call.IsBellman)
            {
                Share(
                    call, block, actor, 0, call.NextObservation, s, null, 0, actor.Bias1, !block.LanesAreTasks,
                    _actorNext);
            }
        }
    }

    /// <summary>
    /// One side's share of a first layer: <c>init + W1[firstInput..] [x, y]</c> for the chunk's entries of that side.
    /// </summary>
    private void Share(
        in SoftQCall call,
        in Block block,
        SoftQNetwork network,
        int firstInput,
        float* x,
        int xLength,
        float* y,
        int yLength,
        float* init,
        bool isLaneSide,
        float* share)
    {
        int stride = network.FirstStride;
        float* weights = network.Weight1 + ((long)firstInput * stride);
        if (!isLaneSide)
        {
            Rows(x, xLength, y, yLength, block.FirstBroadcast, block.Broadcasts, weights, stride, init, share);
            return;
        }

        if (block.FirstLane == _lanesAt)
        {
            return;
        }

        for (int lane = 0; lane < block.Lanes; lane += LaneBlock)
        {
            int lanes = Math.Min(LaneBlock, block.Lanes - lane);
            Rows(x, xLength, y, yLength, block.FirstLane + lane, lanes, weights, stride, init, _rows);
            for (int l = lanes; l < LaneBlock; l++)
            {
                new ReadOnlySpan<float>(
                    _rows + ((lanes - 1) * stride), stride).CopyTo(new Span<float>(_rows + (l * stride), stride));
            }

            float* to = share + ((long)lane * stride);
            for (int k = 0; k < stride; k += LaneBlock)
            {
                TSimd.Transpose16(_rows + k, stride, to + (k * LaneBlock), LaneBlock);
            }

            call.Kernel.ArrangeLanes(to, stride);
        }
    }

    /// <summary><c>share[r] = init + W1 [x, y]</c> for some entries of one side, <c>[rows][stride]</c>.</summary>
    private static void Rows(
        float* x, int xLength, float* y, int yLength, int first, int rows, float* weights, int stride, float* init,
        float* share)
    {
        AddInputs(x + ((long)first * xLength), xLength, rows, weights, stride, init, 0, share);
        if (yLength > 0)
        {
            AddInputs(
                y + ((long)first * yLength), yLength, rows, weights + ((long)xLength * stride), stride, share, stride,
                share);
        }
    }

    /// <summary>
    /// <c>share[r] = init[r] + x[r] W</c>, 8 rows by one vector of hidden units at a time. Init is one row for all when
    /// its stride is 0, and may be the result itself.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddInputs(
        float* x, int xLength, int rows, float* weights, int stride, float* init, int initStride, float* share)
    {
        for (int row = 0; row < rows; row += ShareRows)
        {
            // Rows beyond the end repeat the last one: the same value is stored again.
            int last = rows - 1 - row;
            int r1 = Math.Min(1, last), r2 = Math.Min(2, last), r3 = Math.Min(3, last), r4 = Math.Min(4, last);
            int r5 = Math.Min(5, last), r6 = Math.Min(6, last), r7 = Math.Min(7, last);
            float* x0 = x + ((long)row * xLength), begin = init + ((long)row * initStride),
                to = share + ((long)row * stride);
            float* x1 = x0 + (r1 * xLength), x2 = x0 + (r2 * xLength), x3 = x0 + (r3 * xLength),
                x4 = x0 + (r4 * xLength);
            float* x5 = x0 + (r5 * xLength), x6 = x0 + (r6 * xLength), x7 = x0 + (r7 * xLength);
            for (int h = 0; h < stride; h += TSimd.Count)
            {
                TVector c0 = TSimd.Load(begin + h), c1 = TSimd.Load(begin + (r1 * initStride) + h);
                TVector c2 = TSimd.Load(begin + (r2 * initStride) + h), c3 = TSimd.Load(begin + (r3 * initStride) + h);
                TVector c4 = TSimd.Load(begin + (r4 * initStride) + h), c5 = TSimd.Load(begin + (r5 * initStride) + h);
                TVector c6 = TSimd.Load(begin + (r6 * initStride) + h), c7 = TSimd.Load(begin + (r7 * initStride) + h);
                float* w = weights + h;
                for (nint i = 0; i < xLength; i++)
                {
                    TVector weight = TSimd.Load(w);
                    c0 = TSimd.MultiplyAdd(TSimd.Broadcast(x0[i]), weight, c0);
                    c1 = TSimd.MultiplyAdd(TSimd.Broadcast(x1[i]), weight, c1);
                    c2 = TSimd.MultiplyAdd(TSimd.Broadcast(x2[i]), weight, c2);
                    c3 = TSimd.MultiplyAdd(TSimd.Broadcast(x3[i]), weight, c3);
                    c4 = TSimd.MultiplyAdd(TSimd.Broadcast(x4[i]), weight, c4);
                    c5 = TSimd.MultiplyAdd(TSimd.Broadcast(x5[i]), weight, c5);
                    c6 = TSimd.MultiplyAdd(TSimd.Broadcast(x6[i]), weight, c6);
                    c7 = TSimd.MultiplyAdd(TSimd.Broadcast(x7[i]), weight, c7);
                    w += stride;
                }

                TSimd.Store(c0, to + h);
                TSimd.Store(c1, to + (r1 * stride) + h);
                TSimd.Store(c2, to + (r2 * stride) + h);
                TSimd.Store(c3, to + (r3 * stride) + h);
                TSimd.Store(c4, to + (r4 * stride) + h);
                TSimd.Store(c5, to + (r5 * stride) + h);
                TSimd.Store(c6, to + (r6 * stride) + h);
                TSimd.Store(c7, to + (r7 * stride) + h);
            }
        }
    }

    private void Compute(in SoftQCall call, in Block block, in Tile tile)
    {
        if (call.UsesLogProbability)
        {
            Head(call, block, _actorState, tile);
            LogProbability(call, block, tile);
        }

        if (call.IsBellman)
        {
            Head(call, block, _actorNext, tile);
            SampleNextActions(call, block, tile);
        }

        for (int critic = 0; critic < call.CriticCount; critic++)
        {
            Critic(call, block, critic, tile, _criticValue + (critic * _pairs));
        }

        if (call.Family is TaskFamily family)
        {
            for (int vector = 0; vector < tile.Vectors; vector++)
            {
                EvaluateFamily(call, block, family, tile.Slots[vector], vector * LaneBlock);
            }
        }

        Combine(call, tile.Vectors * LaneBlock);
        for (int vector = 0; vector < tile.Vectors; vector++)
        {
            Write(call, block, tile.Slots[vector], _criticValue + (vector * LaneBlock));
        }
    }

    /// <summary>Points the tile's vectors at both shares of a network's first layer.</summary>
    private static void Point(in Block block, int stride, float* state, float* task, in Tile tile)
    {
        float* broadcast = block.LanesAreTasks ? state : task, lanes = block.LanesAreTasks ? task : state;
        for (int vector = 0; vector < tile.Vectors; vector++)
        {
            Slot slot = tile.Slots[vector];
            tile.Pairs[vector] = new PairVector(
                broadcast + ((long)slot.Broadcast * stride), lanes + ((long)slot.LaneBlock * stride * LaneBlock));
        }
    }

    /// <summary>Means, then log standard deviations: rows of <c>_head</c>.</summary>
    private void Head(in SoftQCall call, in Block block, float* state, in Tile tile)
    {
        SoftQNetwork actor = call.Actor!;
        Point(block, actor.FirstStride, state, _actorTask, tile);
        call.Kernel.Head(actor, tile.Pairs, tile.Vectors, _scratch, _head);
    }

    private void Critic(in SoftQCall call, in Block block, int number, in Tile tile, float* values)
    {
        SoftQNetwork critic = call.Critics[number];
        int stride = critic.FirstStride;
        Point(block, stride, _criticState[number], _criticTask[number], tile);
        if (call.IsDiscrete)
        {
            call.Kernel.Head(critic, tile.Pairs, tile.Vectors, _scratch, _head);
            for (int vector = 0; vector < tile.Vectors; vector++)
            {
                TakeActions(call, block, tile.Slots[vector], vector * LaneBlock, values + (vector * LaneBlock));
            }
        }
        else
        {
            ActionShare action = call.IsBellman
                ? new(_nextAction, call.ActionDimension, critic.Weight1 + ((long)call.ObservationDimension * stride))
                : default;
            call.Kernel.Values(critic, tile.Pairs, tile.Vectors, action, _scratch, values);
        }

        if (call.Range.IsBounded)
        {
            TVector low = TSimd.Broadcast(call.Range.Low), width = TSimd.Broadcast(
                call.Range.High - call.Range.Low), one = TSimd.Broadcast(1f);
            for (int pair = 0; pair < tile.Vectors * LaneBlock; pair += TSimd.Count)
            {
                TVector exponential = VectorMath<TSimd, TVector>.Exp(
                    VectorMath<TSimd, TVector>.Negate(TSimd.Load(values + pair)));
                TSimd.Store(TSimd.Add(low, TSimd.Divide(width, TSimd.Add(one, exponential))), values + pair);
            }
        }
    }

    /// <summary>Of the outputs in <c>_head</c>, those of the transitions' actions.</summary>
    private void TakeActions(in SoftQCall call, in Block block, Slot slot, int offset, float* values)
    {
        int transition = block.LanesAreTasks
            ? block.FirstBroadcast + slot.Broadcast
            : block.FirstLane + (slot.LaneBlock * LaneBlock);
        int last = block.LanesAreTasks ? transition : block.FirstLane + block.Lanes - 1;
        for (int lane = 0; lane < LaneBlock; lane++)
        {
            int row = block.LanesAreTasks ? transition : Math.Min(transition + lane, last);
            values[lane] = _head[((long)call.ActionNumber[row] * _pairs) + offset + lane];
        }
    }

    private void EvaluateFamily(in SoftQCall call, in Block block, TaskFamily family, Slot slot, int offset)
    {
        TransitionPointers transitions = new(
            (nint)call.Observation, (nint)call.Action, (nint)call.NextObservation, call.Rows, call.ObservationDimension,
            call.ActionDimension);
        int broadcast = block.FirstBroadcast + slot.Broadcast, lane = slot.LaneBlock * LaneBlock;
        int lanes = Math.Min(LaneBlock, block.Lanes - lane);
        lane += block.FirstLane;
        if (block.LanesAreTasks)
        {
            float* tasks = call.Task + ((long)lane * call.TaskDimension);
            family.EvaluatePairs(
                transitions.Slice(broadcast, 1), tasks, lanes, _reward + offset, _terminated + offset, LaneBlock);
        }
        else
        {
            float* task = call.Task + ((long)broadcast * call.TaskDimension);
            family.EvaluatePairs(transitions.Slice(lane, lanes), task, 1, _reward + offset, _terminated + offset, 1);
        }
    }

    /// <summary>The estimate of the tile's pairs, left in the first critic's values.</summary>
    private void Combine(in SoftQCall call, int pairs)
    {
        SimdArithmetic<TSimd, TVector> on = default;
        bool usesFamily = call.Family is not null, usesLogProbability = call.UsesLogProbability,
            isBellman = call.IsBellman, isMean = call.Twin == TwinCombination.Mean;
        TVector gamma = TSimd.Broadcast(call.Gamma), negativeAlpha = TSimd.Broadcast(-call.Alpha);
        for (int pair = 0; pair < pairs; pair += TSimd.Count)
        {
            TVector value = TSimd.Load(_criticValue + pair);
            for (int critic = 1; critic < call.CriticCount; critic++)
            {
                value = SoftQRule.Join(on, value, TSimd.Load(_criticValue + (critic * _pairs) + pair), isMean);
            }

            value = SoftQRule.Joined(on, value, call.CriticCount, isMean);
            if (usesFamily)
            {
                value = SoftQRule.Judge(
                    on, value, TSimd.Load(_reward + pair), TSimd.Load(_terminated + pair), gamma, isBellman);
            }

            if (usesLogProbability)
            {
                value = SoftQRule.AddEntropy(on, value, TSimd.Load(_logProbability + pair), negativeAlpha);
            }

            TSimd.Store(value, _criticValue + pair);
        }
    }

    private static void Write(in SoftQCall call, in Block block, Slot slot, float* values)
    {
        long broadcast = block.FirstBroadcast + slot.Broadcast;
        int lane = slot.LaneBlock * LaneBlock, lanes = Math.Min(LaneBlock, block.Lanes - lane);
        lane += block.FirstLane;
        if (block.LanesAreTasks)
        {
            float* to = call.Result + (broadcast * call.Candidates) + lane;
            for (int l = 0; l < lanes; l += TSimd.Count)
            {
                TSimd.StorePartial(TSimd.Load(values + l), to + l, Math.Min(TSimd.Count, lanes - l));
            }

            return;
        }

        for (int l = 0; l < lanes; l++)
        {
            call.Result[((long)(lane + l) * call.Candidates) + broadcast] = values[l];
        }
    }

    /// <summary>What is computed at once: a few vectors of pairs.</summary>
    private readonly struct Tile(Slot* slots, PairVector* pairs, int vectors)
    {
        public readonly Slot* Slots = slots;
        public readonly PairVector* Pairs = pairs;
        public readonly int Vectors = vectors;
    }

    /// <summary>A chunk: a range of each side.</summary>
    private readonly record struct Block(
        bool LanesAreTasks, int FirstBroadcast, int Broadcasts, int FirstLane, int Lanes);

    /// <summary>
    /// One vector of pairs within a chunk: an entry of the broadcast side and a block of the lane side, both relative
    /// to the chunk.
    /// </summary>
    private readonly record struct Slot(int Broadcast, int LaneBlock)
    {
        /// <summary>
        /// The slot that follows when the broadcast side of <paramref name="broadcasts"/> entries runs fastest.
        /// </summary>
        public Slot Next(int broadcasts) => Broadcast + 1 < broadcasts
            ? new(Broadcast + 1, LaneBlock)
            : new(0, LaneBlock + 1);
    }
}

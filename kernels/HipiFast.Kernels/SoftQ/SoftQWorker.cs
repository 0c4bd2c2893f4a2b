using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>
/// What one thread does with one chunk of pairs: both shares of the first layers for the chunk's transitions and tasks, then the rest tile by tile.
/// Holds the thread's scratch memory.
/// </summary>
/// <remarks>
/// B transitions, K tasks, S, A, P entries of observation, action and task, H hidden units. One side of the matrix lies along the vector lanes in
/// blocks of 16, stored <c>[block][H][16]</c>; the other is broadcast, stored <c>[entry][H]</c>. Which is which (<see
/// cref="SoftQPlan.LanesAreTasks"/>) changes
/// where numbers lie, never how they are summed. Lanes beyond the end of the lane side repeat its last entry and are not written.
/// </remarks>
internal sealed unsafe class SoftQWorker : IDisposable
{
    private const int LaneBlock = SoftQTiles.LaneBlock;
    private const int Pairs = SoftQTiles.PairsPerTile;

    private readonly NativeBuffer<float> _memory = new(0);

    // The chunk's first layers: shares of the transitions (at s with a, or at s') and of the tasks.
    private float* _critic1State;
    private float* _critic1Task;
    private float* _critic2State;
    private float* _critic2Task;
    private float* _actorState;
    private float* _actorNext;
    private float* _actorTask;

    // atanh of the chunk's actions, and per transition the part of log pi that depends on the action alone: [transition][A + 1], or with
    // transitions along the lanes [block][A + 1][16].
    private float* _unsquashed;
    private float* _squashTerms;

    // The tile.
    private float* _zeros;
    private float* _input;
    private float* _hidden1;
    private float* _hidden2;
    private float* _head;
    private float* _nextAction;
    private float* _normals;
    private float* _critic1Value;
    private float* _critic2Value;
    private float* _logProbability;
    private float* _reward;
    private float* _terminated;
    private float* _tileUnsquashed;
    private uint* _taskOf;
    private uint* _transitionOf;

    /// <summary>Sizes scratch memory for a call; allocates only when the call is larger than all before.</summary>
    /// <param name="call">The call.</param>
    public void Prepare(in SoftQCall call)
    {
        long length = Lay(call, null);
        _memory.EnsureLength(length);
        Lay(call, _memory.Pointer);
    }

    /// <summary>Computes one chunk of the matrix.</summary>
    /// <param name="call">The call.</param>
    /// <param name="chunk">Which chunk of its plan.</param>
    public void Run(in SoftQCall call, int chunk)
    {
        SoftQPlan plan = call.Plan;
        int firstBroadcast = chunk % plan.BroadcastChunks * plan.BroadcastPerChunk;
        int firstLane = chunk / plan.BroadcastChunks * plan.LanesPerChunk;
        int broadcasts = Math.Min(plan.BroadcastPerChunk, plan.BroadcastCount - firstBroadcast);
        int lanes = Math.Min(plan.LanesPerChunk, plan.LaneCount - firstLane);
        Block block = new(plan.LanesAreTasks, firstBroadcast, broadcasts, firstLane, lanes);
        FirstLayers(call, block);

        // The broadcast side runs fastest: a lane block's share of the first layer (16 H floats) stays in the first-level cache meanwhile.
        int vectors = broadcasts * ((lanes + LaneBlock - 1) / LaneBlock);
        Slot next = new(0, 0);
        for (int vector = 0; vector < vectors; vector += 2)
        {
            Slot first = next, second = first.Next(broadcasts);
            bool isPaired = vector + 1 < vectors;
            next = second.Next(broadcasts);
            Tile(call, block, first, isPaired ? second : first, isPaired);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    /// <summary>Places all scratch arrays from <paramref name="start"/> on.</summary>
    /// <returns>Floats needed.</returns>
    private long Lay(in SoftQCall call, float* start)
    {
        long next = 0;
        int actionOutputs = MlpShape.RoundUp(2 * call.ActionDimension);
        int criticStride = call.Critic1.Shape.HiddenStride, actorStride = call.Actor?.Shape.HiddenStride ?? 0;
        int widest = Math.Max(criticStride, actorStride);

        // Lane blocks are computed two at a time, so their number is rounded up to even.
        long laneSide = MlpShape.RoundUp(call.Plan.LanesPerChunk) + LaneBlock, broadcastSide = call.Plan.BroadcastPerChunk;
        long states = call.Plan.LanesAreTasks ? broadcastSide : laneSide, tasks = call.Plan.LanesAreTasks ? laneSide : broadcastSide;
        _critic1State = Take(states * criticStride);
        _critic1Task = Take(tasks * criticStride);
        _critic2State = Take(call.Critic2 is null ? 0 : states * criticStride);
        _critic2Task = Take(call.Critic2 is null ? 0 : tasks * criticStride);
        _actorState = Take(call.UsesLogProbability ? states * actorStride : 0);
        _actorNext = Take(call.IsBellman ? states * actorStride : 0);
        _actorTask = Take(tasks * actorStride);
        _unsquashed = Take(call.UsesLogProbability ? states * (call.ActionDimension + 1) : 0);
        _squashTerms = Take(call.UsesLogProbability ? MlpShape.RoundUp(call.ActionDimension) : 0);
        _zeros = Take(widest);
        _input = Take((long)Pairs * Math.Max(call.ObservationDimension + call.ActionDimension, call.TaskDimension));
        _hidden1 = Take((long)Pairs * widest);
        _hidden2 = Take((long)Pairs * widest);
        _head = Take((long)Pairs * actionOutputs);
        _nextAction = Take((long)Pairs * call.ActionDimension);
        _normals = Take((long)Pairs * actionOutputs);
        _tileUnsquashed = Take((long)Pairs * (call.ActionDimension + 1));
        _critic1Value = Take(Pairs);
        _critic2Value = Take(Pairs);
        _logProbability = Take(Pairs);
        _reward = Take(Pairs);
        _terminated = Take(Pairs);
        _taskOf = (uint*)Take(Pairs);
        _transitionOf = (uint*)Take(Pairs);
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
        int s = call.ObservationDimension, a = call.ActionDimension, p = call.TaskDimension;
        for (int twin = 0; twin < 2; twin++)
        {
            PackedMlp? critic = twin == 0 ? call.Critic1 : call.Critic2;
            if (critic is null)
            {
                break;
            }

            // The Bellman estimator's actions differ from pair to pair: added per tile.
            float* state = twin == 0 ? _critic1State : _critic2State, task = twin == 0 ? _critic1Task : _critic2Task;
            if (call.IsBellman)
            {
                Share(call, block, critic, 0, call.NextObservation, s, null, 0, critic.Bias1, !block.LanesAreTasks, state);
            }
            else
            {
                Share(call, block, critic, 0, call.Observation, s, call.Action, a, critic.Bias1, !block.LanesAreTasks, state);
            }

            Share(call, block, critic, s + a, call.Task, p, null, 0, _zeros, block.LanesAreTasks, task);
        }

        if (call.Actor is PackedMlp actor)
        {
            Share(call, block, actor, s, call.Task, p, null, 0, _zeros, block.LanesAreTasks, _actorTask);
            if (call.UsesLogProbability)
            {
                Share(call, block, actor, 0, call.Observation, s, null, 0, actor.Bias1, !block.LanesAreTasks, _actorState);
                UnsquashActions(call, block);
            }

            if (call.IsBellman)
            {
                Share(call, block, actor, 0, call.NextObservation, s, null, 0, actor.Bias1, !block.LanesAreTasks, _actorNext);
            }
        }
    }

    /// <summary>One side's share of a first layer: <c>init + W1[firstInput..] [x, y]</c> for the chunk's entries of that side.</summary>
    private void Share(
        in SoftQCall call,
        in Block block,
        PackedMlp network,
        int firstInput,
        float* x,
        int xLength,
        float* y,
        int yLength,
        float* init,
        bool isLaneSide,
        float* share)
    {
        int stride = network.Shape.HiddenStride;
        if (!isLaneSide)
        {
            float* weights = network.Weight1 + ((long)firstInput * stride);
            BroadcastShare(x + ((long)block.FirstBroadcast * xLength), xLength, block.Broadcasts, weights, stride, init, 0, share);
            if (yLength > 0)
            {
                weights += (long)xLength * stride;
                BroadcastShare(y + ((long)block.FirstBroadcast * yLength), yLength, block.Broadcasts, weights, stride, share, stride, share);
            }

            return;
        }

        PackedLayer layer = network.First(firstInput, xLength + yLength);
        for (int lane = 0; lane < block.Lanes; lane += Pairs)
        {
            Transpose(x, xLength, block, lane, _input);
            Transpose(y, yLength, block, lane, _input + (xLength * Pairs));
            float* to = share + ((long)lane * stride);
            call.Kernel.Linear(_input, layer, init, to, to + (LaneBlock * stride), LaneBlock);
        }
    }

    /// <summary>
    /// <c>share[r] = init[r] + x[r] W</c> for the rows of the broadcast side, 8 rows by one vector of hidden units at a time. Init is one row for all
    /// when its stride is 0, and may be the result itself. Too small a part of the whole to need more than portable vectors.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BroadcastShare(float* x, int xLength, int rows, float* weights, int stride, float* init, int initStride, float* share)
    {
        for (int row = 0; row < rows; row += 8)
        {
            // Rows beyond the end repeat the last one: the same value is stored again.
            int last = rows - 1 - row;
            int r1 = Math.Min(1, last), r2 = Math.Min(2, last), r3 = Math.Min(3, last), r4 = Math.Min(4, last);
            int r5 = Math.Min(5, last), r6 = Math.Min(6, last), r7 = Math.Min(7, last);
            float* x0 = x + ((long)row * xLength), begin = init + ((long)row * initStride), to = share + ((long)row * stride);
            float* x1 = x0 + (r1 * xLength), x2 = x0 + (r2 * xLength), x3 = x0 + (r3 * xLength), x4 = x0 + (r4 * xLength);
            float* x5 = x0 + (r5 * xLength), x6 = x0 + (r6 * xLength), x7 = x0 + (r7 * xLength);
            for (int h = 0; h < stride; h += Vector<float>.Count)
            {
                Vector<float> c0 = Vector.Load(begin + h), c1 = Vector.Load(begin + (r1 * initStride) + h);
                Vector<float> c2 = Vector.Load(begin + (r2 * initStride) + h), c3 = Vector.Load(begin + (r3 * initStride) + h);
                Vector<float> c4 = Vector.Load(begin + (r4 * initStride) + h), c5 = Vector.Load(begin + (r5 * initStride) + h);
                Vector<float> c6 = Vector.Load(begin + (r6 * initStride) + h), c7 = Vector.Load(begin + (r7 * initStride) + h);
                float* w = weights + h;
                for (nint i = 0; i < xLength; i++)
                {
                    Vector<float> weight = Vector.Load(w);
                    c0 = Vector.MultiplyAddEstimate(new Vector<float>(x0[i]), weight, c0);
                    c1 = Vector.MultiplyAddEstimate(new Vector<float>(x1[i]), weight, c1);
                    c2 = Vector.MultiplyAddEstimate(new Vector<float>(x2[i]), weight, c2);
                    c3 = Vector.MultiplyAddEstimate(new Vector<float>(x3[i]), weight, c3);
                    c4 = Vector.MultiplyAddEstimate(new Vector<float>(x4[i]), weight, c4);
                    c5 = Vector.MultiplyAddEstimate(new Vector<float>(x5[i]), weight, c5);
                    c6 = Vector.MultiplyAddEstimate(new Vector<float>(x6[i]), weight, c6);
                    c7 = Vector.MultiplyAddEstimate(new Vector<float>(x7[i]), weight, c7);
                    w += stride;
                }

                c0.Store(to + h);
                c1.Store(to + (r1 * stride) + h);
                c2.Store(to + (r2 * stride) + h);
                c3.Store(to + (r3 * stride) + h);
                c4.Store(to + (r4 * stride) + h);
                c5.Store(to + (r5 * stride) + h);
                c6.Store(to + (r6 * stride) + h);
                c7.Store(to + (r7 * stride) + h);
            }
        }
    }

    /// <summary>32 entries of the lane side from <paramref name="lane"/> on, <c>[entry][length]</c>, to <c>[length][32]</c>.</summary>
    private static void Transpose(float* x, int length, in Block block, int lane, float* transposed)
    {
        for (int l = 0; l < Pairs; l++)
        {
            float* entry = x + ((long)(block.FirstLane + Math.Min(lane + l, block.Lanes - 1)) * length);
            for (int i = 0; i < length; i++)
            {
                transposed[(i * Pairs) + l] = entry[i];
            }
        }
    }

    /// <summary>The chunk's actions before squashing, and for each transition <c>-sum_d [ log(2 pi) / 2 + log(1 - a_d^2) ]</c> behind them.</summary>
    private void UnsquashActions(in SoftQCall call, in Block block)
    {
        int a = call.ActionDimension;
        int first = block.LanesAreTasks ? block.FirstBroadcast : block.FirstLane, count = block.LanesAreTasks ? block.Broadcasts : block.Lanes;
        for (int r = 0; r < count; r++)
        {
            float* action = call.Action + ((long)(first + r) * a);
            int stride = block.LanesAreTasks ? 1 : LaneBlock;
            float* to = _unsquashed + (block.LanesAreTasks ? r * (a + 1) : (r / LaneBlock * (a + 1) * LaneBlock) + (r % LaneBlock));
            float sum = -a * TanhGaussian.HalfLogTwoPi;
            for (int d = 0; d < a; d += Vector<float>.Count)
            {
                int entries = Math.Min(Vector<float>.Count, a - d);
                new ReadOnlySpan<float>(action + d, entries).CopyTo(new Span<float>(_squashTerms, entries));
                Vector<float> x = TanhGaussian.Unsquash(Vector.Load(_squashTerms));
                Vector<float> logDerivative = TanhGaussian.LogDerivative(x);
                for (int e = 0; e < entries; e++)
                {
                    to[(d + e) * stride] = x[e];
                    sum -= logDerivative[e];
                }
            }

            to[a * stride] = sum;
        }
    }

    private void Tile(in SoftQCall call, in Block block, Slot first, Slot second, bool isPaired)
    {
        if (call.UsesLogProbability)
        {
            ActorHead(call, block, _actorState, first, second);
            LogProbability(call, block, first, second);
        }

        if (call.IsBellman)
        {
            ActorHead(call, block, _actorNext, first, second);
            SampleNextActions(call, block, first, second);
        }

        Critic(call, block, call.Critic1, _critic1State, _critic1Task, first, second, _critic1Value);
        if (call.Critic2 is PackedMlp critic2)
        {
            Critic(call, block, critic2, _critic2State, _critic2Task, first, second, _critic2Value);
        }

        if (call.Family is TaskFamily family)
        {
            EvaluateFamily(call, block, family, first, 0);
            if (isPaired)
            {
                EvaluateFamily(call, block, family, second, LaneBlock);
            }
        }

        Combine(call);
        Write(call, block, first, _critic1Value);
        if (isPaired)
        {
            Write(call, block, second, _critic1Value + LaneBlock);
        }
    }

    private static PairVector At(in Block block, int stride, float* state, float* task, Slot slot)
    {
        float* broadcast = block.LanesAreTasks ? state : task, lanes = block.LanesAreTasks ? task : state;
        return new PairVector(broadcast + ((long)slot.Broadcast * stride), lanes + ((long)slot.LaneBlock * stride * LaneBlock));
    }

    /// <summary>Means, then log standard deviations: <c>_head = [2 A][32]</c>.</summary>
    private void ActorHead(in SoftQCall call, in Block block, float* state, Slot first, Slot second)
    {
        PackedMlp actor = call.Actor!;
        int stride = actor.Shape.HiddenStride;
        PairVector pairs0 = At(block, stride, state, _actorTask, first), pairs1 = At(block, stride, state, _actorTask, second);
        call.Kernel.FirstLayer(pairs0, pairs1, actor.Shape.Hidden, true, _hidden1);
        call.Kernel.Rectified(_hidden1, actor.Second, actor.Bias2, _hidden2);
        call.Kernel.Linear(_hidden2, actor.Third, actor.Bias3, _head, _head + LaneBlock, Pairs);
    }

    private void Critic(in SoftQCall call, in Block block, PackedMlp critic, float* state, float* task, Slot first, Slot second, float* values)
    {
        int stride = critic.Shape.HiddenStride, hidden = critic.Shape.Hidden;
        PairVector pairs0 = At(block, stride, state, task, first), pairs1 = At(block, stride, state, task, second);
        if (call.IsBellman)
        {
            // The last panel of outputs may reach beyond H: those rows are added to as well, and hold the zero padding of both shares.
            PackedLayer actionLayer = critic.First(call.ObservationDimension, call.ActionDimension);
            call.Kernel.FirstLayer(pairs0, pairs1, actionLayer.PanelCount * SoftQTiles.OutputPanel, false, _hidden1);
            call.Kernel.AddRectified(_nextAction, actionLayer, _hidden1);
        }
        else
        {
            call.Kernel.FirstLayer(pairs0, pairs1, hidden, true, _hidden1);
        }

        call.Kernel.RectifiedDot(_hidden1, critic.Second, critic.Bias2, critic.Weight3, *critic.Bias3, _hidden2, values);
        if (call.Range.IsBounded)
        {
            Vector<float> low = new(call.Range.Low), width = new(call.Range.High - call.Range.Low);
            for (int pair = 0; pair < Pairs; pair += Vector<float>.Count)
            {
                Vector<float> sigmoid = Vector<float>.One / (Vector<float>.One + Vector.Exp(-Vector.Load(values + pair)));
                (low + (width * sigmoid)).Store(values + pair);
            }
        }
    }

    /// <summary>log pi(a_j | s_j, psi_i) of the tile, from the actor's head at s.</summary>
    private void LogProbability(in SoftQCall call, in Block block, Slot first, Slot second)
    {
        int a = call.ActionDimension;
        GatherUnsquashed(a, block, first, _tileUnsquashed);
        GatherUnsquashed(a, block, second, _tileUnsquashed + LaneBlock);
        for (int pair = 0; pair < Pairs; pair += Vector<float>.Count)
        {
            Vector<float> sum = Vector.Load(_tileUnsquashed + (a * Pairs) + pair);
            for (int d = 0; d < a; d++)
            {
                Vector<float> mean = Vector.Load(_head + (d * Pairs) + pair);
                Vector<float> logStd = TanhGaussian.ClampLogStd(Vector.Load(_head + ((a + d) * Pairs) + pair));
                Vector<float> z = (Vector.Load(_tileUnsquashed + (d * Pairs) + pair) - mean) * Vector.Exp(-logStd);
                sum -= (z * z * 0.5f) + logStd;
            }

            sum.Store(_logProbability + pair);
        }
    }

    private void GatherUnsquashed(int a, in Block block, Slot slot, float* to)
    {
        for (int d = 0; d <= a; d++, to += Pairs)
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
    private void SampleNextActions(in SoftQCall call, in Block block, Slot first, Slot second)
    {
        int a = call.ActionDimension;
        Indices(call, block, first, 0);
        Indices(call, block, second, LaneBlock);
        SoftQNoise<SimdPortable, Vector<float>>.Fill(_taskOf, _transitionOf, Pairs, Pairs, call.Call, call.Seed, a, _normals);
        for (int d = 0; d < a; d++)
        {
            for (int pair = d * Pairs; pair < (d + 1) * Pairs; pair += Vector<float>.Count)
            {
                Vector<float> std = Vector.Exp(TanhGaussian.ClampLogStd(Vector.Load(_head + (a * Pairs) + pair)));
                TanhGaussian.Squash(Vector.Load(_head + pair) + (std * Vector.Load(_normals + pair))).Store(_nextAction + pair);
            }
        }
    }

    /// <summary>Task and transition of each pair, as the noise counters number them.</summary>
    private void Indices(in SoftQCall call, in Block block, Slot slot, int offset)
    {
        uint broadcast = (uint)(block.FirstBroadcast + slot.Broadcast), lane = (uint)(block.FirstLane + (slot.LaneBlock * LaneBlock));
        for (uint l = 0; l < LaneBlock; l++)
        {
            _taskOf[offset + l] = block.LanesAreTasks ? lane + l : broadcast;
            _transitionOf[offset + l] = call.FirstRow + (block.LanesAreTasks ? broadcast : lane + l);
        }
    }

    private void EvaluateFamily(in SoftQCall call, in Block block, TaskFamily family, Slot slot, int offset)
    {
        TransitionPointers transitions = new(
            (nint)call.Observation, (nint)call.Action, (nint)call.NextObservation, call.Rows, call.ObservationDimension, call.ActionDimension);
        int broadcast = block.FirstBroadcast + slot.Broadcast, lane = slot.LaneBlock * LaneBlock;
        int lanes = Math.Min(LaneBlock, block.Lanes - lane);
        lane += block.FirstLane;
        if (block.LanesAreTasks)
        {
            float* tasks = call.Task + ((long)lane * call.TaskDimension);
            family.EvaluatePairs(transitions.Slice(broadcast, 1), tasks, lanes, _reward + offset, _terminated + offset, LaneBlock);
        }
        else
        {
            float* task = call.Task + ((long)broadcast * call.TaskDimension);
            family.EvaluatePairs(transitions.Slice(lane, lanes), task, 1, _reward + offset, _terminated + offset, 1);
        }
    }

    /// <summary>The estimate of the tile's pairs, left in <c>_critic1Value</c>.</summary>
    private void Combine(in SoftQCall call)
    {
        bool usesFamily = call.Family is not null, usesLogProbability = call.UsesLogProbability, isBellman = call.IsBellman;
        for (int pair = 0; pair < Pairs; pair += Vector<float>.Count)
        {
            Vector<float> value = Vector.Load(_critic1Value + pair);
            if (call.Critic2 is not null)
            {
                Vector<float> other = Vector.Load(_critic2Value + pair);

                // The products are 0, or NaN where a critic is NaN or infinite: the smaller value would hide an infinite one.
                value = call.Twin == TwinCombination.Mean
                    ? (value + other) * 0.5f
                    : Vector.Min(value, other) + (value * Vector<float>.Zero) + (other * Vector<float>.Zero);
            }

            if (usesFamily)
            {
                Vector<float> reward = Vector.Load(_reward + pair);
                Vector<int> goesOn = Vector.Equals(Vector.Load(_terminated + pair), Vector<float>.Zero);
                value = isBellman
                    ? reward + Vector.ConditionalSelect(goesOn, value * call.Gamma, Vector<float>.Zero)
                    : Vector.ConditionalSelect(goesOn, value, reward);
            }

            if (usesLogProbability)
            {
                value -= Vector.Load(_logProbability + pair) * call.Alpha;
            }

            value.Store(_critic1Value + pair);
        }
    }

    private static void Write(in SoftQCall call, in Block block, Slot slot, float* values)
    {
        long broadcast = block.FirstBroadcast + slot.Broadcast;
        int lane = slot.LaneBlock * LaneBlock, lanes = Math.Min(LaneBlock, block.Lanes - lane);
        lane += block.FirstLane;
        if (block.LanesAreTasks)
        {
            VectorMath.StorePartial(Vector512.Load(values), call.Result + (broadcast * call.Candidates) + lane, lanes);
            return;
        }

        for (int l = 0; l < lanes; l++)
        {
            call.Result[((long)(lane + l) * call.Candidates) + broadcast] = values[l];
        }
    }

    /// <summary>A chunk: a range of each side.</summary>
    private readonly record struct Block(bool LanesAreTasks, int FirstBroadcast, int Broadcasts, int FirstLane, int Lanes);

    /// <summary>
    /// One vector of pairs within a chunk: an entry of the broadcast side and a block of the lane side, both relative to the chunk.
    /// </summary>
    private readonly record struct Slot(int Broadcast, int LaneBlock)
    {
        /// <summary>The slot that follows when the broadcast side of <paramref name="broadcasts"/> entries runs fastest.</summary>
        public Slot Next(int broadcasts) => Broadcast + 1 < broadcasts ? new(Broadcast + 1, LaneBlock) : new(0, LaneBlock + 1);
    }
}

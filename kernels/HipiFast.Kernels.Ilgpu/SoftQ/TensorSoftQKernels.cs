using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Numerics;
using HipiFast.Kernels.Ilgpu.TensorCores;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using ILGPU;
using ILGPU.Runtime;

namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary>
/// The soft-Q matrix in bf16 on tensor cores: as <see cref="SoftQKernels"/>, but a launch for each critic, so that its
/// W2 can stay in shared memory while a group goes through its tiles. First and last layer are computed in fp32.
/// </summary>
public static class TensorSoftQKernels
{
    /// <summary>
    /// The actor at the rows' states: log pi(a_j | s_j, psi_i) of every pair, or an action a' sampled for it (<see
    /// cref="SoftQShape.SamplesActions"/>).
    /// </summary>
    /// <param name="call">The call's numbers.</param>
    /// <param name="action">a, <c>[rows, A]</c>.</param>
    /// <param name="actor">The network.</param>
    /// <param name="weights">Its packed second layer.</param>
    /// <param name="layers">Its first layers.</param>
    /// <param name="pairs">The pairs' memory.</param>
    /// <param name="shape">Sizes.</param>
    [DeviceKernel(DeviceKernelNames.SoftQActorBf16)]
    public static void Actor(
        ArrayView<CallNumbers> call, ArrayView<float> action, ArrayView<float> actor, ArrayView<FourWords> weights,
        ArrayView<float> layers,
        ArrayView<float> pairs, TensorSoftQShape shape)
    {
        ArrayView<FourWords> ring = SharedMemory.GetDynamic<FourWords>();
        ArrayView<float> shared = SharedMemory.Allocate<float>(TensorPairTile.SumsLength);
        int chunks = TensorPairTile.Chunks(shape), count = TensorPairTile.Pairs(shape);
        int outputs = 2 * shape.Problem.ActionDimension, round = 0;
        TensorPairTile.Begin(ring, weights, shape);
        for (TileWalk walk = new(shape); walk.IsInside; walk.Advance())
        {
            TensorPairTile at = new(ring, shared, shape, walk.Down, walk.Across);
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                WarpSums sums = shape.SliceSteps == 0
                    ? at.Multiply<WholeMode>(layers, actor, weights, pairs, 0, shape, chunk, round)
                    : at.Multiply<SlicedMode>(layers, actor, weights, pairs, 0, shape, chunk, round);
                round++;
                AddOutputs(at, sums, actor, pairs, shape, chunk, outputs);
            }

            // A thread has summed the outputs of the very pairs that it goes on with, so there is nothing to wait for.
            for (int place = Group.IdxX; place < count; place += Group.DimX)
            {
                int pair = TensorPairTile.PairAt(place), row = at.Row(pair), task = at.Task(pair);
                if (row < shape.Problem.Rows && task < shape.Problem.Candidates)
                {
                    long slot = TensorPairTile.Slot(shape, row, task);
                    if (shape.Problem.SamplesActions != 0)
                    {
                        SoftQKernels.SampleAction(call, pairs, shape.Problem, slot, row, task);
                    }
                    else
                    {
                        pairs[(outputs * shape.Problem.PairCapacity) + slot] = SoftQKernels.LogProbability(
                            action, pairs, shape.Problem, slot, row);
                    }
                }
            }
        }

        TensorCore.AwaitCopies();
    }

    /// <summary>One critic at every pair; the last of them makes the estimate.</summary>
    /// <typeparam name="TFamily">The task family.</typeparam>
    /// <param name="call">The call's numbers.</param>
    /// <param name="observation">s, <c>[rows, S]</c>.</param>
    /// <param name="action">a, <c>[rows, A]</c>.</param>
    /// <param name="nextObservation">s', <c>[rows, S]</c>.</param>
    /// <param name="task">psi, <c>[K, P]</c>.</param>
    /// <param name="critic">The critic.</param>
    /// <param name="weights">Its packed second layer.</param>
    /// <param name="layers">Its first layers.</param>
    /// <param name="pairs">The pairs' memory.</param>
    /// <param name="softQ">Receives <c>[rows, K]</c>; before the second critic, holds the values of the first.</param>
    /// <param name="segments">
    /// Receives maxima <c>[<see cref="TensorSoftQShape.Segments"/>, K]</c> of the columns of the matrix, then their
    /// sums of exponentials.
    /// </param>
    /// <param name="shape">Sizes and options.</param>
    /// <param name="family">The family.</param>
    /// <param name="constants">Its constants.</param>
    [DeviceKernel(DeviceKernelNames.SoftQCriticBf16)]
    public static void Critic<TFamily>(
        ArrayView<CallNumbers> call, ArrayView<float> observation, ArrayView<float> action,
        ArrayView<float> nextObservation, ArrayView<float> task,
        ArrayView<float> critic, ArrayView<FourWords> weights, ArrayView<float> layers, ArrayView<float> pairs,
        ArrayView<float> softQ,
        ArrayView<float> segments, TensorSoftQShape shape, TFamily family, ArrayView<float> constants)
        where TFamily : unmanaged, ITaskFamily
    {
        ArrayView<FourWords> ring = SharedMemory.GetDynamic<FourWords>();
        ArrayView<float> shared = SharedMemory.Allocate<float>(TensorPairTile.SumsLength);
        int chunks = TensorPairTile.Chunks(shape), count = TensorPairTile.Pairs(shape), round = 0;
        int actions = shape.Problem.Estimator == (int)SoftQEstimator.Bellman ? shape.Problem.ActionDimension : 0;
        int warp = Group.IdxX / TensorCore.Lanes, lastWarp = (Group.DimX / TensorCore.Lanes) - 1, turn = 0;
        TensorPairTile.Begin(ring, weights, shape);
        for (TileWalk walk = new(shape); walk.IsInside; walk.Advance())
        {
            TensorPairTile at = new(ring, shared, shape, walk.Down, walk.Across);
            PairSums values = default;
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                WarpSums sums = Multiply(at, layers, critic, weights, pairs, actions, shape, chunk, round);
                round++;
                AddValues(ref values, sums.Block0, critic, shape, chunk, 0);
                AddValues(ref values, sums.Block1, critic, shape, chunk, 1);
                AddValues(ref values, sums.Block2, critic, shape, chunk, 2);
                AddValues(ref values, sums.Block3, critic, shape, chunk, 3);
            }

            // Here rather than at the tile's end: who is done with it goes on.
            Group.Barrier();
            at.StoreSums(shape, values);
            Group.Barrier();
            for (int place = Group.IdxX; place < count; place += Group.DimX)
            {
                // What is beyond the last adds nothing to a column.
                float value = float.NegativeInfinity;
                int pair = TensorPairTile.PairAt(place), row = at.Row(pair), candidate = at.Task(pair);
                if (row < shape.Problem.Rows && candidate < shape.Problem.Candidates)
                {
                    long entry = ((long)row * shape.Problem.Candidates) + candidate;
                    value = SoftQKernels.Squash(
                        at.Sum(shape, place) + critic[shape.Problem.Bias3], shape.Problem);
                    if (shape.IsSecond != 0)
                    {
                        value = SoftQKernels.Combine(softQ[entry], value, shape.Problem);
                    }

                    if (shape.IsLast != 0)
                    {
                        if (shape.Problem.UsesFamily != 0)
                        {
                            value = SoftQKernels.Judge(
                                call, observation, action, nextObservation, task, shape.Problem, family, constants, row,
                                candidate, value);
                        }

                        if (shape.Problem.UsesLogProbability != 0)
                        {
                            long slot = (2 * shape.Problem.ActionDimension * shape.Problem.PairCapacity)
                                + TensorPairTile.Slot(shape, row, candidate);
                            value = SoftQKernels.AddEntropy(call, value, pairs[slot]);
                        }
                    }

                    softQ[entry] = value;
                }

                at.StoreValue(place, value);
            }

            if (shape.Segments > 0)
            {
                Group.Barrier();
                if (warp == (turn & lastWarp))
                {
                    at.StoreSegment(segments, shape);
                }

                turn++;
            }
        }

        TensorCore.AwaitCopies();
    }

    // A branch around the loop in the place of branches within it.
    private static WarpSums Multiply(
        TensorPairTile at, ArrayView<float> layers, ArrayView<float> critic, ArrayView<FourWords> weights,
        ArrayView<float> pairs, int actions, in TensorSoftQShape shape, int chunk, int round)
    {
        if (shape.SliceSteps == 0)
        {
            return actions == 0
                ? at.Multiply<WholeMode>(layers, critic, weights, pairs, 0, shape, chunk, round)
                : at.Multiply<WholeActionMode>(layers, critic, weights, pairs, actions, shape, chunk, round);
        }

        return actions == 0
            ? at.Multiply<SlicedMode>(layers, critic, weights, pairs, 0, shape, chunk, round)
            : at.Multiply<SlicedActionMode>(layers, critic, weights, pairs, actions, shape, chunk, round);
    }

    // A block's part of the critic's output.
    private static void AddValues(
        ref PairSums values, SumFragment sums, ArrayView<float> critic, in TensorSoftQShape shape, int chunk, int block)
    {
        int column = TensorPairTile.Column(shape, chunk, block);
        if (column < shape.Problem.Stride)
        {
            ArrayView<Four> vectors = critic.Cast<Four>().AsAligned(Four.Bytes);
            values.Add(
                Activate(sums, vectors[(shape.Problem.Bias2 + column) / 4]),
                vectors[(shape.Problem.Weight3 + column) / 4]);
        }
    }

    // Adds a chunk's part of the actor's outputs to what the pairs' memory holds of them.
    private static void AddOutputs(
        TensorPairTile at, WarpSums sums, ArrayView<float> actor, ArrayView<float> pairs, in TensorSoftQShape shape,
        int chunk, int outputs)
    {
        sums.Block0 = Activate(sums.Block0, actor, shape, chunk, 0);
        sums.Block1 = Activate(sums.Block1, actor, shape, chunk, 1);
        sums.Block2 = Activate(sums.Block2, actor, shape, chunk, 2);
        sums.Block3 = Activate(sums.Block3, actor, shape, chunk, 3);
        sums = Registers.Hold(sums);
        int count = TensorPairTile.Pairs(shape);
        for (int output = 0; output < outputs; output++)
        {
            PairSums values = default;
            values.Add(sums.Block0, OutputWeights(actor, shape, chunk, 0, output));
            values.Add(sums.Block1, OutputWeights(actor, shape, chunk, 1, output));
            values.Add(sums.Block2, OutputWeights(actor, shape, chunk, 2, output));
            values.Add(sums.Block3, OutputWeights(actor, shape, chunk, 3, output));
            at.StoreSums(shape, values);
            Group.Barrier();
            for (int place = Group.IdxX; place < count; place += Group.DimX)
            {
                int pair = TensorPairTile.PairAt(place), row = at.Row(pair), task = at.Task(pair);
                if (row < shape.Problem.Rows && task < shape.Problem.Candidates)
                {
                    long slot = (output * shape.Problem.PairCapacity) + TensorPairTile.Slot(shape, row, task);
                    float before = chunk == 0 ? actor[shape.Problem.Bias3 + output] : pairs[slot];
                    pairs[slot] = before + at.Sum(shape, place);
                }
            }

            Group.Barrier();
        }
    }

    // Units beyond the last are 0 without a bias.
    private static SumFragment Activate(
        SumFragment sums, ArrayView<float> network, in TensorSoftQShape shape, int chunk, int block)
    {
        int column = TensorPairTile.Column(shape, chunk, block);
        Four bias = default;
        if (column < shape.Problem.Stride)
        {
            bias = network.Cast<Four>().AsAligned(Four.Bytes)[(shape.Problem.Bias2 + column) / 4];
        }

        return Activate(sums, bias);
    }

    // relu(sum + bias) of a block, for the biases of the lane's four columns.
    private static SumFragment Activate(SumFragment sums, Four bias)
    {
        Four left = new(bias.X, bias.Y, bias.X, bias.Y), right = new(bias.Z, bias.W, bias.Z, bias.W);
        return new SumFragment
        {
            Left0 = Four.Relu(Four.Add(sums.Left0, left)),
            Right0 = Four.Relu(Four.Add(sums.Right0, right)),
            Left1 = Four.Relu(Four.Add(sums.Left1, left)),
            Right1 = Four.Relu(Four.Add(sums.Right1, right)),
            Left2 = Four.Relu(Four.Add(sums.Left2, left)),
            Right2 = Four.Relu(Four.Add(sums.Right2, right)),
            Left3 = Four.Relu(Four.Add(sums.Left3, left)),
            Right3 = Four.Relu(Four.Add(sums.Right3, right)),
        };
    }

    private static Four OutputWeights(
        ArrayView<float> actor, in TensorSoftQShape shape, int chunk, int block, int output) =>
        SoftQKernels.LoadOutputs(
            actor, shape.Problem.Weight3, TensorPairTile.Column(shape, chunk, block), output, shape.Problem);
}

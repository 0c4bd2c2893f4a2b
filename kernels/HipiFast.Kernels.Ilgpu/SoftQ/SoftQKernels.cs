using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Devices.Runtime;
using HipiFast.Kernels.Devices.SoftQ;
using HipiFast.Kernels.Ilgpu.Numerics;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Util;

namespace HipiFast.Kernels.Ilgpu.SoftQ;

/// <summary>
/// The soft-Q matrix on tiles of pairs: the actor's kernel, whose results wait in the pairs' memory, and the critics'.
/// </summary>
public static class SoftQKernels
{
    // Outputs of the actor that are summed at a time: as many as the tile's shared memory holds.
    private const int Outputs = 4;

    /// <summary>
    /// The actor at the rows' states: log pi(a_j | s_j, psi_i) of every pair, or an action a' sampled for it
    /// (<see cref="SoftQShape.SamplesActions"/>).
    /// </summary>
    /// <typeparam name="TTile">Shape of the tile.</typeparam>
    /// <param name="call">The call's numbers.</param>
    /// <param name="action">a, <c>[rows, A]</c>.</param>
    /// <param name="actor">The network.</param>
    /// <param name="layers">Its first layers.</param>
    /// <param name="pairs">The pairs' memory.</param>
    /// <param name="shape">Sizes.</param>
    [DeviceKernel(DeviceKernelNames.SoftQActor)]
    public static void Actor<TTile>(
        ArrayView<CallNumbers> call, ArrayView<float> action, ArrayView<float> actor, ArrayView<float> layers,
        ArrayView<float> pairs, SoftQShape shape)
        where TTile : unmanaged, ISoftQTile
    {
        ArrayView<Four> shared = SharedMemory.Allocate<Four>(PairTile<TTile>.SharedLength);
        int tiles = PairTile<TTile>.Tiles(shape), outputs = 2 * shape.ActionDimension;
        for (int tile = Grid.IdxX; tile < tiles; tile += Grid.DimX)
        {
            PairTile<TTile> at = new(shared, shape, tile);
            for (int column = 0; column < shape.Stride; column += PairTile<TTile>.Columns)
            {
                Accumulators sums = at.Multiply(
                    layers, shape.RowLayer, shape.TaskLayer, actor, pairs, 0, shape, column);
                AddOutputs(at, sums, actor, pairs, shape, column, outputs);
            }

            // A thread has summed the outputs of the very pairs that it goes on with, so there is nothing to wait for.
            for (int pair = Group.IdxX; pair < PairTile<TTile>.Pairs; pair += PairTile<TTile>.Threads)
            {
                int row = at.Row(shape, pair), task = at.Task(shape, pair);
                if (row < shape.Rows && task < shape.Candidates)
                {
                    if (shape.SamplesActions != 0)
                    {
                        SampleAction(call, pairs, shape, at.Slot(pair), row, task);
                    }
                    else
                    {
                        pairs[(outputs * shape.PairCapacity) + at.Slot(pair)] = LogProbability(
                            action, pairs, shape, at.Slot(pair), row);
                    }
                }
            }
        }
    }

    /// <summary><see cref="Actor"/> on tiles of half the hidden units.</summary>
    /// <inheritdoc cref="Actor"/>
    [DeviceKernel(DeviceKernelNames.SoftQActorHalf)]
    public static void ActorHalf<TTile>(
        ArrayView<CallNumbers> call, ArrayView<float> action, ArrayView<float> actor, ArrayView<float> layers,
        ArrayView<float> pairs, SoftQShape shape)
        where TTile : unmanaged, ISoftQTile => Actor<HalfTile<TTile>>(call, action, actor, layers, pairs, shape);

    /// <summary>The critics at every pair, and the estimate made of them.</summary>
    /// <typeparam name="TTile">Shape of the tile.</typeparam>
    /// <typeparam name="TFamily">The task family.</typeparam>
    /// <param name="call">The call's numbers.</param>
    /// <param name="observation">s, <c>[rows, S]</c>.</param>
    /// <param name="action">a, <c>[rows, A]</c>.</param>
    /// <param name="nextObservation">s', <c>[rows, S]</c>.</param>
    /// <param name="task">psi, <c>[K, P]</c>.</param>
    /// <param name="critic1">First critic.</param>
    /// <param name="critic2">Second critic.</param>
    /// <param name="layers">Their first layers.</param>
    /// <param name="pairs">The pairs' memory.</param>
    /// <param name="softQ">Receives <c>[rows, K]</c>.</param>
    /// <param name="shape">Sizes and options.</param>
    /// <param name="family">The family.</param>
    /// <param name="constants">Its constants.</param>
    [DeviceKernel(DeviceKernelNames.SoftQCritic)]
    public static void Critic<TTile, TFamily>(
        ArrayView<CallNumbers> call, ArrayView<float> observation, ArrayView<float> action,
        ArrayView<float> nextObservation, ArrayView<float> task,
        ArrayView<float> critic1, ArrayView<float> critic2, ArrayView<float> layers, ArrayView<float> pairs,
        ArrayView<float> softQ, SoftQShape shape,
        TFamily family, ArrayView<float> constants)
        where TTile : unmanaged, ISoftQTile
        where TFamily : unmanaged, ITaskFamily
    {
        ArrayView<Four> shared = SharedMemory.Allocate<Four>(PairTile<TTile>.SharedLength);
        ArrayView<float> values = SharedMemory.Allocate<float>(PairTile<TTile>.Pairs);
        int tiles = PairTile<TTile>.Tiles(shape);
        int actions = shape.Estimator == (int)SoftQEstimator.Bellman ? shape.ActionDimension : 0;
        for (int tile = Grid.IdxX; tile < tiles; tile += Grid.DimX)
        {
            PairTile<TTile> at = new(shared, shape, tile);

            // A loop rather than two calls: half the code, and some OpenCL compilers lose barriers that stand in a
            // branch.
            for (int number = 0; number < shape.Critics; number++)
            {
                ArrayView<float> critic = number == 0 ? critic1 : critic2;
                long rowLayer = Utilities.Select(number == 0, shape.RowLayer, shape.RowLayer2);
                long taskLayer = Utilities.Select(number == 0, shape.TaskLayer, shape.TaskLayer2);
                AddValues(at, layers, rowLayer, taskLayer, critic, pairs, actions, shape);
                for (int pair = Group.IdxX; pair < PairTile<TTile>.Pairs; pair += PairTile<TTile>.Threads)
                {
                    float value = Squash(at.Sum(0, pair) + critic[shape.Bias3], shape);
                    values[pair] = number == 0 ? value : Combine(values[pair], value, shape);
                }

                Group.Barrier();
            }

            for (int pair = Group.IdxX; pair < PairTile<TTile>.Pairs; pair += PairTile<TTile>.Threads)
            {
                int row = at.Row(shape, pair), candidate = at.Task(shape, pair);
                if (row < shape.Rows && candidate < shape.Candidates)
                {
                    float value = values[pair];
                    if (shape.UsesFamily != 0)
                    {
                        value = Judge(
                            call, observation, action, nextObservation, task, shape, family, constants, row, candidate,
                            value);
                    }

                    if (shape.UsesLogProbability != 0)
                    {
                        value = AddEntropy(
                            call, value,
                            pairs[(2 * shape.ActionDimension * shape.PairCapacity) + at.Slot(pair)]);
                    }

                    softQ[((long)row * shape.Candidates) + candidate] = value;
                }
            }
        }
    }

    /// <summary><see cref="Critic"/> on tiles of half the hidden units.</summary>
    /// <inheritdoc cref="Critic"/>
    [DeviceKernel(DeviceKernelNames.SoftQCriticHalf)]
    public static void CriticHalf<TTile, TFamily>(
        ArrayView<CallNumbers> call, ArrayView<float> observation, ArrayView<float> action,
        ArrayView<float> nextObservation, ArrayView<float> task,
        ArrayView<float> critic1, ArrayView<float> critic2, ArrayView<float> layers, ArrayView<float> pairs,
        ArrayView<float> softQ, SoftQShape shape,
        TFamily family, ArrayView<float> constants)
        where TTile : unmanaged, ISoftQTile
        where TFamily : unmanaged, ITaskFamily => Critic<HalfTile<TTile>, TFamily>(
            call, observation, action, nextObservation, task, critic1, critic2, layers, pairs, softQ, shape, family,
            constants);

    // The critic's output of every pair before its bias, in parts: ready for Sum after this.
    private static void AddValues<TTile>(
        PairTile<TTile> at, ArrayView<float> layers, long rowLayer, long taskLayer, ArrayView<float> critic,
        ArrayView<float> pairs, int actions,
        in SoftQShape shape)
        where TTile : unmanaged, ISoftQTile
    {
        Four first = default, last = default;
        for (int column = 0; column < shape.Stride; column += PairTile<TTile>.Columns)
        {
            Accumulators sums = at.Multiply(layers, rowLayer, taskLayer, critic, pairs, actions, shape, column);
            int low = column + (4 * PairTile<TTile>.HiddenThread), high = low + (PairTile<TTile>.Columns / 2);
            int bias = shape.Bias2, weights = bias + shape.Stride;
            sums.Activate(LoadColumns(critic, bias, low, shape), LoadColumns(critic, bias, high, shape));
            Four lowWeights = LoadColumns(critic, weights, low, shape);
            Four highWeights = LoadColumns(critic, weights, high, shape);
            first = sums.DotFirst(lowWeights, highWeights, first);
            last = sums.DotLast(lowWeights, highWeights, last);
        }

        at.StoreSums(0, first, last);
        Group.Barrier();
    }

    // Adds a chunk's part of the actor's outputs to what the pairs' memory holds of them.
    private static void AddOutputs<TTile>(
        PairTile<TTile> at, Accumulators sums, ArrayView<float> actor, ArrayView<float> pairs, in SoftQShape shape,
        int column, int outputs)
        where TTile : unmanaged, ISoftQTile
    {
        int low = column + (4 * PairTile<TTile>.HiddenThread), high = low + (PairTile<TTile>.Columns / 2);
        int bias = shape.Bias2, weights = bias + shape.Stride;
        sums.Activate(LoadColumns(actor, bias, low, shape), LoadColumns(actor, bias, high, shape));
        sums = Registers.Hold(sums);
        for (int first = 0; first < outputs; first += Outputs)
        {
            int count = Math.Min(Outputs, outputs - first);
            for (int o = 0; o < count; o++)
            {
                Four lowWeights = LoadOutputs(actor, weights, low, first + o, shape);
                Four highWeights = LoadOutputs(actor, weights, high, first + o, shape);
                at.StoreSums(
                    o, sums.DotFirst(lowWeights, highWeights, default), sums.DotLast(lowWeights, highWeights, default));
            }

            Group.Barrier();
            for (int pair = Group.IdxX; pair < PairTile<TTile>.Pairs; pair += PairTile<TTile>.Threads)
            {
                for (int o = 0; o < count; o++)
                {
                    long slot = ((first + o) * shape.PairCapacity) + at.Slot(pair);
                    float before = column == 0 ? actor[shape.Bias3 + first + o] : pairs[slot];
                    pairs[slot] = before + at.Sum(o, pair);
                }
            }

            Group.Barrier();
        }
    }

    /// <summary>Twin critics as one value.</summary>
    internal static float Combine(float first, float second, in SoftQShape shape) =>
        SoftQRule.Combine(default(DeviceArithmetic), first, second, shape.Twin == (int)TwinCombination.Mean);

    /// <summary>The value with the entropy term.</summary>
    internal static float AddEntropy(ArrayView<CallNumbers> call, float value, float logProbability) =>
        SoftQRule.AddEntropy(default(DeviceArithmetic), value, logProbability, -call[0].Alpha);

    /// <summary>log pi(a | s, psi) of a pair, from the actor's outputs in the pairs' memory.</summary>
    internal static float LogProbability(
        ArrayView<float> action, ArrayView<float> pairs, in SoftQShape shape, long slot, int row)
    {
        float sum = -shape.ActionDimension * TanhGaussian.HalfLogTwoPi;
        for (int d = 0; d < shape.ActionDimension; d++)
        {
            float x = DeviceMath.Unsquash(action[((long)row * shape.ActionDimension) + d]);
            float mean = pairs[(d * shape.PairCapacity) + slot];
            float logStd = DeviceMath.ClampLogStd(pairs[((d + shape.ActionDimension) * shape.PairCapacity) + slot]);
            float z = (x - mean) * DeviceMath.Exp(-logStd);
            sum -= DeviceMath.LogDerivative(x);
            sum -= DeviceMath.MultiplyAdd(0.5f * z, z, logStd);
        }

        return sum;
    }

    /// <summary>a' = tanh(mean + std n), in the place of the means.</summary>
    internal static void SampleAction(
        ArrayView<CallNumbers> call, ArrayView<float> pairs, in SoftQShape shape, long slot, int row, int task)
    {
        CallNumbers numbers = call[0];
        for (int first = 0; first < shape.ActionDimension; first += SoftQNoise.NormalsPerBlock)
        {
            uint purpose = SoftQNoise.PurposeWord(first / SoftQNoise.NormalsPerBlock);
            PhiloxBlock block = Philox.Next(
                (uint)task, numbers.FirstRow + (uint)(shape.FirstRow + row), numbers.Call, purpose, numbers.Seed);
            for (int word = 0; word < SoftQNoise.NormalsPerBlock && first + word < shape.ActionDimension; word++)
            {
                int d = first + word;
                uint radius = Utilities.Select(word < 2, block.X, block.Z);
                uint angle = Utilities.Select(word < 2, block.Y, block.W);
                float normal = DeviceMath.ToNormal(radius, angle, (word & 1) != 0);
                float std = DeviceMath.Exp(
                    DeviceMath.ClampLogStd(pairs[((d + shape.ActionDimension) * shape.PairCapacity) + slot]));
                pairs[(d * shape.PairCapacity) + slot] = DeviceMath.Tanh(
                    DeviceMath.MultiplyAdd(std, normal, pairs[(d * shape.PairCapacity) + slot]));
            }
        }
    }

    /// <summary>The exact value where the task ends, or the Bellman target.</summary>
    internal static float Judge<TFamily>(
        ArrayView<CallNumbers> call, ArrayView<float> observation, ArrayView<float> action,
        ArrayView<float> nextObservation, ArrayView<float> task,
        in SoftQShape shape, TFamily family, ArrayView<float> constants, int row, int candidate, float value)
        where TFamily : unmanaged, ITaskFamily
    {
        TaskPair<DeviceVector> pair = new(
            new DeviceVector(observation, (long)row * shape.ObservationDimension, shape.ObservationDimension),
            new DeviceVector(action, (long)row * shape.ActionDimension, shape.ActionDimension),
            new DeviceVector(nextObservation, (long)row * shape.ObservationDimension, shape.ObservationDimension),
            new DeviceVector(task, (long)candidate * shape.TaskDimension, shape.TaskDimension),
            new DeviceVector(constants, 0, (int)constants.Length));
        return SoftQRule.Judge(
            default(DeviceArithmetic), value, family.Reward(pair), family.Terminates(pair) ? 1f : 0f, call[0].Gamma,
            shape.Estimator == (int)SoftQEstimator.Bellman);
    }

    /// <summary>The critic's value of its output.</summary>
    internal static float Squash(float value, in SoftQShape shape) => shape.RangeWidth > 0f
        ? shape.RangeLow + (shape.RangeWidth / (1f + DeviceMath.Exp(-value)))
        : value;

    // Four neighbouring entries of a row of the network, 0 beyond its end.
    private static Four LoadColumns(ArrayView<float> weights, int start, int column, in SoftQShape shape)
    {
        Four value = default;
        if (column < shape.Stride)
        {
            value = weights.Cast<Four>().AsAligned(Four.Bytes)[(start + column) / 4];
        }

        return value;
    }

    /// <summary>The weights from four neighbouring hidden units to one output, 0 beyond the last.</summary>
    internal static Four LoadOutputs(ArrayView<float> weights, int start, int column, int output, in SoftQShape shape)
    {
        Four value = default;
        if (column < shape.Stride)
        {
            int at = start + (column * shape.OutputStride) + output;
            value = new Four(
                weights[at], weights[at + shape.OutputStride], weights[at + (2 * shape.OutputStride)],
                weights[at + (3 * shape.OutputStride)]);
        }

        return value;
    }
}

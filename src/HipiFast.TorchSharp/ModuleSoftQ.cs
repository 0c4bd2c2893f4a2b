using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp;

/// <summary>
/// The soft-Q matrix through modules of the user's own, in tiles of pairs: as an unknown network's first layer cannot
/// be split into a state's and a task's part, every pair is a row of its input. The networks of the problem are not
/// read; its formulas and its noise are those of every backend.
/// </summary>
internal sealed unsafe class ModuleSoftQ(AgentTensors agent, Device device) : ISoftQKernel, IDisposable
{
    /// <summary>
    /// Pairs of one pass through the modules: enough to drown the calls' cost, few enough for activations to stay in
    /// the cache.
    /// </summary>
    private const int TilePairs = 2048;

    private readonly NativeBuffer<float> _input = new(0);
    private readonly NativeBuffer<float> _logProbability = new(TilePairs);
    private readonly NativeBuffer<float> _reward = new(TilePairs);
    private readonly NativeBuffer<float> _terminated = new(TilePairs);
    private readonly NativeBuffer<float> _action = new(0);

    /// <inheritdoc/>
    public void Compute(in SoftQProblem problem, Span<float> softQ)
    {
        problem.Validate(softQ.Length);
        _input.EnsureLength(
            (long)TilePairs * (problem.ObservationDimension + problem.ActionDimension + problem.TaskDimension));
        _action.EnsureLength((long)TilePairs * problem.ActionDimension);
        int tasks = Math.Min(problem.Candidates, TilePairs), rows = TilePairs / tasks;
        using IDisposable noGradient = no_grad();
        for (int row = 0; row < problem.Rows; row += rows)
        {
            for (int task = 0; task < problem.Candidates; task += tasks)
            {
                Tile tile = new(
                    row, Math.Min(rows, problem.Rows - row), task, Math.Min(tasks, problem.Candidates - task));
                using DisposeScope scope = NewDisposeScope();
                ComputeTile(problem, tile, softQ);
            }
        }
    }

    public void Dispose()
    {
        _input.Dispose();
        _logProbability.Dispose();
        _reward.Dispose();
        _terminated.Dispose();
        _action.Dispose();
    }

    private void ComputeTile(in SoftQProblem problem, in Tile tile, Span<float> softQ)
    {
        if (problem.UsesFamily)
        {
            Judge(problem, tile);
        }

        if (problem.UsesLogProbability)
        {
            FindLogProbabilities(problem, tile);
        }

        bool bellman = problem.Estimator == SoftQEstimator.Bellman;
        if (bellman)
        {
            SampleNextActions(problem, tile);
        }

        ReadOnlySpan<float> states = bellman ? problem.NextObservation : problem.Observation;
        WriteInputs(problem, tile, states, bellman ? ActionOf.Pair : ActionOf.Row);
        Span<float> values = Evaluate(
            agent.Values(
                agent.Critics,
                Input(tile.Pairs, problem.ObservationDimension + problem.ActionDimension + problem.TaskDimension),
                false));
        FloatArithmetic on = default;
        bool twins = values.Length > tile.Pairs && problem.Twin != TwinCombination.First;
        for (int pair = 0; pair < tile.Pairs; pair++)
        {
            float value = values[pair];
            if (twins)
            {
                value = SoftQRule.Combine(
                    on, value, values[tile.Pairs + pair], problem.Twin == TwinCombination.Mean);
            }

            if (problem.UsesFamily)
            {
                value = SoftQRule.Judge(
                    on, value, _reward[pair], _terminated[pair], problem.Gamma, bellman);
            }

            if (problem.UsesLogProbability)
            {
                value = SoftQRule.AddEntropy(on, value, _logProbability[pair], -problem.Alpha);
            }

            softQ[((tile.Row + (pair / tile.Tasks)) * problem.Candidates) + tile.Task + (pair % tile.Tasks)] = value;
        }
    }

    private void Judge(in SoftQProblem problem, in Tile tile)
    {
        (int s, int a, int p) = (problem.ObservationDimension, problem.ActionDimension, problem.TaskDimension);
        fixed (
            float* state = problem.Observation, action = problem.Action, next = problem.NextObservation,
            task = problem.Task)
        {
            TransitionPointers transitions = new(
                (nint)(state + ((nint)tile.Row * s)), (nint)(action + ((nint)tile.Row * a)),
                (nint)(next + ((nint)tile.Row * s)), tile.Rows, s, a);
            problem.Family!.EvaluatePairs(
                transitions, task + ((nint)tile.Task * p), tile.Tasks, _reward.Pointer, _terminated.Pointer,
                tile.Tasks);
        }
    }

    private void FindLogProbabilities(in SoftQProblem problem, in Tile tile)
    {
        int actions = problem.ActionDimension;
        WriteInputs(problem, tile, problem.Observation, ActionOf.None);
        Span<float> outputs = Evaluate(
            agent.Actor.Forward(Input(tile.Pairs, problem.ObservationDimension + problem.TaskDimension), false));
        for (int pair = 0; pair < tile.Pairs; pair++)
        {
            ReadOnlySpan<float> action = problem.Action.Slice((tile.Row + (pair / tile.Tasks)) * actions, actions);
            ReadOnlySpan<float> output = outputs.Slice(pair * 2 * actions, 2 * actions);
            float sum = 0;
            for (int d = 0; d < actions; d++)
            {
                float x = TanhGaussian.Unsquash(action[d]), logStd = TanhGaussian.ClampLogStd(output[actions + d]);
                float z = (x - output[d]) * MathF.Exp(-logStd);
                sum -= (0.5f * z * z) + logStd + TanhGaussian.HalfLogTwoPi + TanhGaussian.LogDerivative(x);
            }

            _logProbability[pair] = sum;
        }
    }

    private void SampleNextActions(in SoftQProblem problem, in Tile tile)
    {
        int actions = problem.ActionDimension;
        WriteInputs(problem, tile, problem.NextObservation, ActionOf.None);
        Span<float> outputs = Evaluate(
            agent.Actor.Forward(Input(tile.Pairs, problem.ObservationDimension + problem.TaskDimension), false));
        for (int pair = 0; pair < tile.Pairs; pair++)
        {
            uint task = (uint)(tile.Task + (pair % tile.Tasks)), row = unchecked(
                problem.FirstRow + (uint)(tile.Row + (pair / tile.Tasks)));
            for (int d = 0; d < actions; d++)
            {
                float mean = outputs[(pair * 2 * actions) + d], raw = outputs[(pair * 2 * actions) + actions + d];
                float normal = SoftQNoise.Normal(task, row, problem.Call, d, problem.Seed);
                _action[(pair * actions) + d] = TanhGaussian.Squash(
                    mean + (MathF.Exp(TanhGaussian.ClampLogStd(raw)) * normal));
            }
        }
    }

    // Rows of (state, [action], task) for the tile's pairs, tasks fastest.
    private void WriteInputs(in SoftQProblem problem, in Tile tile, ReadOnlySpan<float> states, ActionOf actionOf)
    {
        (int s, int a, int p) = (problem.ObservationDimension, problem.ActionDimension, problem.TaskDimension);
        Span<float> to = _input.Span;
        for (int pair = 0; pair < tile.Pairs; pair++)
        {
            int row = tile.Row + (pair / tile.Tasks), task = tile.Task + (pair % tile.Tasks);
            to = Append(states.Slice(row * s, s), to);
            if (actionOf != ActionOf.None)
            {
                to = Append(actionOf == ActionOf.Row ? problem.Action.Slice(row * a, a)
                    : _action.Slice(pair * a, a), to);
            }

            to = Append(problem.Task.Slice(task * p, p), to);
        }

        static Span<float> Append(ReadOnlySpan<float> values, Span<float> destination)
        {
            values.CopyTo(destination);
            return destination[values.Length..];
        }
    }

    private Tensor Input(int pairs, int columns)
    {
        Tensor shared = TorchMemory.Share(_input.Pointer, (long)pairs * columns);
        Tensor input = shared.view(pairs, columns);
        Tensor placed = device.type == DeviceType.CPU ? input : input.to(device);
        shared.Dispose();
        return placed;
    }

    private static Span<float> Evaluate(Tensor output) => TorchMemory.Entries(output.cpu().contiguous());

    private enum ActionOf
    {
        None,
        Row,
        Pair,
    }

    private readonly record struct Tile(int Row, int Rows, int Task, int Tasks)
    {
        public int Pairs => Rows * Tasks;
    }
}

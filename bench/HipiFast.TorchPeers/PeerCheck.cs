using System.Globalization;
using HipiFast.Benchmarking.Oracles;
using HipiFast.Benchmarking.Work;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Replay;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchPeers;

/// <summary>Compares what torch computes with the double-precision oracles; a wrong answer ends it all.</summary>
internal static class PeerCheck
{
    // Of the spread of Q~. In bfloat16 torch rounds every layer's outputs to 8 bits.
    private const double Fp32OfSpread = 1e-4, Bf16OfSpread = 5e-2;

    // Sums of squares in fp32 against double.
    private const double LossTolerance = 1e-4;

    private const int Pairs = 64;

    /// <summary>Throws unless Q~ and logZ of a way of relabeling are right.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="relabeling">The same on torch.</param>
    /// <param name="setting">How it is computed.</param>
    /// <exception cref="InvalidOperationException">An entry is wrong; one sentence says which.</exception>
    public static void Relabeling(in SoftQProblem problem, TorchRelabeling relabeling, PeerSetting setting)
    {
        using DisposeScope scope = NewDisposeScope();
        int rows = problem.Rows, candidates = problem.Candidates;
        float[] found = relabeling.SoftQ().contiguous().data<float>().ToArray();
        (int Row, int Task)[] pairs = [.. BenchmarkCheck.Spread(rows * candidates, Pairs).Select(
            pair => (pair / candidates, pair % candidates))];
        double[] expected = SoftQOracle.Compute(problem, pairs);
        double tolerance = (setting.IsBf16 ? Bf16OfSpread : Fp32OfSpread)
            * Math.Max(1, expected.Max() - expected.Min());
        for (int i = 0; i < pairs.Length; i++)
        {
            (int row, int task) = pairs[i];
            Close($"Q~[{row}, {task}]", expected[i], found[(row * candidates) + task], tolerance);
        }

        (Tensor drawn, Tensor partition) = relabeling.Relabel();
        float[] logPartition = partition.data<float>().ToArray();
        foreach (int task in BenchmarkCheck.Spread(candidates, 4))
        {
            double[] column = [.. Enumerable.Range(0, rows).Select(row => (double)found[(row * candidates) + task])];
            Close(
                $"logZ[{task}]", LogPartitionOracle.LogSumExp(column) - Math.Log(rows), logPartition[task], tolerance);
        }

        long[] tasks = drawn.data<long>().ToArray();
        if (tasks.Length != rows || tasks.Any(task => task < 0 || task >= candidates))
        {
            throw new InvalidOperationException($"The peer ({setting}) draws no task for some row.");
        }

        void Close(string what, double value, double other, double tolerance)
        {
            if (!(Math.Abs(value - other) <= tolerance))
            {
                throw new InvalidOperationException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"The peer ({setting}) is wrong: {what} is {other:g9}, expected {value:g9} within "
                    + $"{tolerance:g3}."));
            }
        }
    }

    /// <summary>Makes the first step, and throws unless its critics' loss is right.</summary>
    /// <param name="agent">The networks that the peer has copied.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="options">The options.</param>
    /// <param name="peer">The peer, before its first step.</param>
    /// <exception cref="InvalidOperationException">The loss is wrong.</exception>
    public static void Sac(AgentNetworks agent, TransitionBatch batch, SacOptions options, TorchSac peer)
    {
        using Tensor loss = peer.Step();
        float[] noise = peer.NextNoise.data<float>().ToArray();
        PolicyOracle policy = new(agent.Actor);
        CriticOracle critics = new(agent.Critic1, agent.Critic2, agent.CriticRange);
        CriticOracle targets = new(agent.Target1, agent.Target2, agent.CriticRange);
        TransitionShape shape = batch.Shape;
        double expected = 0;
        for (int row = 0; row < batch.Count; row++)
        {
            double[] task = Row(batch.Task, row, shape.TaskDimension);
            double[] next = Row(batch.NextObservation, row, shape.ObservationDimension);
            (double[] action, double logProbability) = policy.Sample(
                [.. next, .. task], Row(noise, row, shape.ActionDimension));
            double value = targets.Value([.. next, .. action, .. task], TwinCombination.Min)
                - (agent.Alpha * logProbability);
            double regressand = batch.Reward[row]
                + (batch.Terminated[row] == 0 ? options.Gamma * value : 0);
            double[] input =
            [
                .. Row(batch.Observation, row, shape.ObservationDimension),
                .. Row(batch.Action, row, shape.ActionDimension), .. task,
            ];
            expected += critics.Networks.Sum(
                network => Math.Pow(critics.Value(network, input) - regressand, 2)) / batch.Count;
        }

        float found = loss.item<float>();
        if (!(Math.Abs(found - expected) <= LossTolerance * expected))
        {
            throw new InvalidOperationException(FormattableString.Invariant(
                $"The peer is wrong: its critics' loss is {found:g9}, expected {expected:g9}."));
        }
    }

    private static double[] Row(ReadOnlySpan<float> values, int row, int width)
    {
        double[] result = new double[width];
        for (int i = 0; i < width; i++)
        {
            result[i] = values[(row * width) + i];
        }

        return result;
    }
}

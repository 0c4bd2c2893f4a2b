using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.TaskSampling;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Cli.Benchmarks;

/// <summary>The oracle that comes with the program: the plain references that lie beside the kernels, and the formulas as they read.</summary>
internal sealed class PlainOracle : IBenchmarkOracle
{
    /// <summary>The oracle.</summary>
    public static PlainOracle Instance { get; } = new();

    /// <inheritdoc/>
    public double[] SoftQ(in SoftQProblem problem, IReadOnlyList<(int Row, int Task)> pairs)
    {
        double[] softQ = new double[pairs.Count];
        for (int i = 0; i < softQ.Length; i++)
        {
            softQ[i] = SoftQReference.Pair(problem, pairs[i].Row, pairs[i].Task);
        }

        return softQ;
    }

    /// <inheritdoc/>
    public double LogSumExp(double[] values)
    {
        double max = values.Max();
        return max + Math.Log(values.Sum(value => Math.Exp(value - max)));
    }

    /// <inheritdoc/>
    public (int Index, double Margin) SampleTask(in TaskPosterior posterior, int row)
    {
        (int index, double best, double second) = (-1, double.NegativeInfinity, double.NegativeInfinity);
        for (int i = 0; i < posterior.Candidates; i++)
        {
            PhiloxBlock noise = Philox.Next(
                (uint)i / 4, posterior.FirstRow + (uint)row, posterior.Call, (uint)RandomPurpose.TaskSampling, posterior.Seed);
            double score = ((double)posterior.SoftQ[(row * posterior.Candidates) + i] - posterior.LogPartition[i]) / posterior.Temperature;
            score += Philox.ToGumbel(noise[i]);
            (index, best, second) = score > best ? (i, score, best) : (index, best, Math.Max(second, score));
        }

        return (index, best - second);
    }

    /// <inheritdoc/>
    public double CriticLoss(AgentNetworks agent, TransitionBatch batch, SacOptions options, ulong seed)
    {
        TransitionShape shape = batch.Shape;
        double sum = 0;
        for (int row = 0; row < batch.Count; row++)
        {
            float[] task = Row(batch.Task, row, shape.TaskDimension), next = Row(batch.NextObservation, row, shape.ObservationDimension);
            double[] policy = SoftQReference.Forward(agent.Actor, [.. next, .. task]);
            float[] action = new float[shape.ActionDimension];
            double logProbability = 0;
            for (int d = 0; d < action.Length; d++)
            {
                PhiloxBlock block = Philox.Next((uint)row, (uint)(d / 4), 0, (uint)RandomPurpose.LearnerAction, seed);
                (float cosine, float sine) = Philox.ToNormals(block[d & 2], block[(d & 2) + 1]);
                double noise = d % 2 == 0 ? cosine : sine;
                double logStd = Math.Clamp(policy[action.Length + d], TanhGaussian.MinLogStd, TanhGaussian.MaxLogStd);
                double x = policy[d] + (Math.Exp(logStd) * noise);
                action[d] = (float)Math.Tanh(x);
                logProbability += (-0.5 * noise * noise) - logStd - (0.5 * Math.Log(2 * Math.PI)) + (2 * Math.Log(Math.Cosh(x)));
            }

            double value = Math.Min(Q(agent.Target1, next, action, task), Q(agent.Target2!, next, action, task));
            double proceed = batch.Terminated[row] == 0 ? options.Gamma : 0;
            double regressand = batch.Reward[row] + (proceed * (value - (Math.Exp(agent.LogAlpha) * logProbability)));
            float[] observation = Row(batch.Observation, row, shape.ObservationDimension), taken = Row(batch.Action, row, shape.ActionDimension);
            sum += Math.Pow(Q(agent.Critic1, observation, taken, task) - regressand, 2)
                + Math.Pow(Q(agent.Critic2!, observation, taken, task) - regressand, 2);
        }

        return options.CriticLossScale * sum / batch.Count;
    }

    private static double Q(MlpParameters critic, float[] observation, float[] action, float[] task) =>
        SoftQReference.Forward(critic, [.. observation, .. action, .. task])[0];

    private static float[] Row(Span<float> values, int row, int columns) => values.Slice(row * columns, columns).ToArray();
}

using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.SoftQ;

/// <summary>The soft-Q matrix in the simplest form, pair by pair and accumulating in double: what the fast path is compared with.</summary>
internal static unsafe class SoftQReference
{
    /// <summary>Computes a soft-Q matrix; see <see cref="ISoftQKernel.Compute"/>.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="softQ">Result <c>[B, K]</c>.</param>
    public static void Compute(in SoftQProblem problem, Span<float> softQ)
    {
        problem.Validate(softQ.Length);
        for (int row = 0; row < problem.Rows; row++)
        {
            for (int task = 0; task < problem.Candidates; task++)
            {
                softQ[(row * problem.Candidates) + task] = (float)Pair(problem, row, task);
            }
        }
    }

    /// <summary>One entry of the matrix.</summary>
    /// <param name="problem">The problem.</param>
    /// <param name="row">Transition, 0 to B - 1.</param>
    /// <param name="task">Candidate, 0 to K - 1.</param>
    /// <returns>Q~[row, task], not rounded to a float.</returns>
    public static double Pair(in SoftQProblem problem, int row, int task)
    {
        int s = problem.ObservationDimension, a = problem.ActionDimension, p = problem.TaskDimension;
        ReadOnlySpan<float> observation = problem.Observation.Slice(row * s, s), action = problem.Action.Slice(row * a, a);
        ReadOnlySpan<float> psi = problem.Task.Slice(task * p, p);
        double logProbability = problem.UsesLogProbability ? LogProbability(problem.Actor!, observation, psi, action) : 0;
        float reward = 0f, terminated = 0f;
        if (problem.UsesFamily)
        {
            fixed (float* s0 = observation, a0 = action, s1 = problem.NextObservation.Slice(row * s, s), psi0 = psi)
            {
                TransitionPointers transition = new((nint)s0, (nint)a0, (nint)s1, 1, s, a);
                problem.Family!.EvaluatePairs(transition, psi0, 1, &reward, &terminated, 1);
            }
        }

        if (problem.Estimator == SoftQEstimator.Bellman)
        {
            double bootstrap = 0;
            if (terminated == 0f)
            {
                ReadOnlySpan<float> next = problem.NextObservation.Slice(row * s, s);
                float[] nextAction = SampleAction(problem, next, psi, row, task);
                bootstrap = problem.Gamma * Critic(problem, next, nextAction, psi);
            }

            return reward - (problem.Alpha * logProbability) + bootstrap;
        }

        double value = terminated != 0f ? reward : Critic(problem, observation, action, psi);
        return problem.Estimator == SoftQEstimator.Critic ? value : value - (problem.Alpha * logProbability);
    }

    private static double Critic(in SoftQProblem problem, ReadOnlySpan<float> observation, ReadOnlySpan<float> action, ReadOnlySpan<float> psi)
    {
        float[] input = [.. observation, .. action, .. psi];
        double first = Squash(problem.CriticRange, Forward(problem.Critic1, input)[0]);
        if (!problem.UsesCritic2)
        {
            return first;
        }

        double second = Squash(problem.CriticRange, Forward(problem.Critic2!, input)[0]);
        return problem.Twin == TwinCombination.Mean ? (first + second) / 2 : Math.Min(first, second) + (first * 0) + (second * 0);
    }

    private static double Squash(CriticRange range, double z) =>
        range.IsBounded ? range.Low + (((double)range.High - range.Low) / (1 + Math.Exp(-z))) : z;

    private static double LogProbability(MlpParameters actor, ReadOnlySpan<float> observation, ReadOnlySpan<float> psi, ReadOnlySpan<float> action)
    {
        double[] output = Forward(actor, [.. observation, .. psi]);
        double sum = 0;
        for (int d = 0; d < action.Length; d++)
        {
            double bounded = double.IsNaN(action[d]) ? double.NaN : Math.Clamp(action[d], -TanhGaussian.MaxAction, TanhGaussian.MaxAction);
            double x = Math.Atanh(bounded), logStd = ClampLogStd(output[action.Length + d]);
            double z = (x - output[d]) / Math.Exp(logStd);
            sum += (-0.5 * z * z) - logStd - (0.5 * Math.Log(2 * Math.PI)) - Math.Log((1 - bounded) * (1 + bounded));
        }

        return sum;
    }

    private static float[] SampleAction(in SoftQProblem problem, ReadOnlySpan<float> observation, ReadOnlySpan<float> psi, int row, int task)
    {
        double[] output = Forward(problem.Actor!, [.. observation, .. psi]);
        float[] action = new float[problem.ActionDimension];
        for (int d = 0; d < action.Length; d++)
        {
            float normal = SoftQNoise.Normal((uint)task, problem.FirstRow + (uint)row, problem.Call, d, problem.Seed);
            action[d] = (float)Math.Tanh(output[d] + (Math.Exp(ClampLogStd(output[action.Length + d])) * normal));
        }

        return action;
    }

    private static double ClampLogStd(double logStd) =>
        double.IsNaN(logStd) ? logStd : Math.Clamp(logStd, TanhGaussian.MinLogStd, TanhGaussian.MaxLogStd);

    /// <summary>A network's outputs.</summary>
    /// <param name="network">The network.</param>
    /// <param name="input">Its inputs.</param>
    /// <returns>One number per output.</returns>
    public static double[] Forward(MlpParameters network, ReadOnlySpan<float> input)
    {
        double[] values = new double[input.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = input[i];
        }

        for (int layer = 0; layer < 3; layer++)
        {
            double[] outputs = new double[network.LayerOutputs(layer)];
            for (int o = 0; o < outputs.Length; o++)
            {
                outputs[o] = network.Bias(layer)[o];
            }

            for (int i = 0; i < values.Length; i++)
            {
                Span<float> weights = network.WeightRow(layer, i);
                for (int o = 0; o < outputs.Length; o++)
                {
                    outputs[o] += values[i] * weights[o];
                }
            }

            for (int o = 0; o < outputs.Length; o++)
            {
                outputs[o] = layer < 2 && outputs[o] < 0 ? 0 : outputs[o];
            }

            values = outputs;
        }

        return values;
    }
}

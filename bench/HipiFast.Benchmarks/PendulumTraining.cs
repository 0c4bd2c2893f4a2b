using System.Diagnostics;
using System.Text.Json;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Random;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Benchmarks;

/// <summary>
/// The counterpart of RLtools' SAC pendulum benchmark, counted the same way: environment step, sampled action, replay
/// and one update of everything per step, batch 100, two hidden layers of 64, 10,000 steps of which the first 100 act
/// at random without updates. Runs on one thread.
/// </summary>
/// <remarks>
/// Ours has one input more: a task of one entry, always zero. It draws one batch of transitions for critics and actor
/// where RLtools does too (its shared batch), and learns the temperature.
/// </remarks>
internal static class PendulumTraining
{
    private const int Steps = 10_000;
    private const int WarmupSteps = 100;
    private const int BatchSize = 100;
    private const int Hidden = 64;
    private const int EpisodesOfReturn = 10;

    /// <summary>
    /// Trains twice and prints one JSON object: steps_per_s of the second training, cold_steps_per_s of the first,
    /// during which code is still being compiled, and the mean return of the last episodes as proof that it learned.
    /// </summary>
    /// <param name="seed">Seed of everything random.</param>
    public static void Run(ulong seed)
    {
        (double cold, _) = Train(seed);
        (double seconds, float lastReturn) = Train(seed + 1);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            kernel = "sac-pendulum",
            steps = Steps,
            seconds,
            steps_per_s = Steps / seconds,
            cold_steps_per_s = Steps / cold,
            last_return = lastReturn,
        }));
    }

    private static (double Seconds, float LastReturn) Train(ulong seed)
    {
        TransitionShape shape = new(Pendulum.ObservationDimension, 1, 1);
        using ComputeSession session = KernelRegistry.Default.Resolve().CreateSession(new SessionOptions(1));
        using AgentNetworks agent = new(shape, Hidden);
        agent.Initialize(seed);
        using SacLearner learner = new(
            agent, new SacOptions { LearningRate = 1e-3f }, session, BatchSize, seed, maxThreads: 1);
        using ReplayBuffer replay = new(shape, Steps);
        using TransitionBatch batch = new(shape, BatchSize), transition = new(shape, 1) { Count = 1 };
        Pendulum pendulum = new();
        byte[] truncated = new byte[1];
        float episodeReturn = 0, lastReturns = 0;

        long start = Stopwatch.GetTimestamp();
        for (int step = 0; step < Steps; step++)
        {
            PhiloxBlock random = Philox.Next((uint)step, 0, 0, (uint)RandomPurpose.SyntheticData, seed);
            int stepOfEpisode = step % Pendulum.EpisodeLength;
            if (stepOfEpisode == 0)
            {
                pendulum.Reset(Philox.ToUniform(random.X), Philox.ToUniform(random.Y));
                episodeReturn = 0;
            }

            pendulum.Observe(transition.Observation);
            if (step < WarmupSteps)
            {
                transition.Action[0] = (2 * Philox.ToUniform(random.Z)) - 1;
            }
            else
            {
                learner.Act(
                    transition.Observation, transition.Task, 1, deterministic: false, seed, (uint)step,
                    transition.Action);
            }

            float reward = transition.Reward[0] = pendulum.Step(transition.Action[0]);
            pendulum.Observe(transition.NextObservation);
            episodeReturn += reward;
            truncated[0] = stepOfEpisode == Pendulum.EpisodeLength - 1 ? (byte)1 : (byte)0;
            replay.Append(transition, truncated);
            if (truncated[0] != 0 && step >= Steps - (EpisodesOfReturn * Pendulum.EpisodeLength))
            {
                lastReturns += episodeReturn / EpisodesOfReturn;
            }

            if (step >= WarmupSteps)
            {
                replay.Sample(batch, BatchSize, seed, (uint)step);
                learner.Update(batch, 0, BatchSize);
            }
        }

        return (Stopwatch.GetElapsedTime(start).TotalSeconds, lastReturns);
    }
}

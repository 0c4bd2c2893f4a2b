using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Random;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Testing;

/// <summary>An agent, a batch and a learner of one size.</summary>
public sealed class SacFixture : IDisposable
{
    public const ulong Seed = 99;

    private readonly ComputeSession _session =
        KernelRegistry.Default.Resolve("managed").CreateSession(new SessionOptions(1));

    public SacFixture(
        TransitionShape shape, int hidden, int rows, SacOptions? options = null, bool twin = true, float low = 0,
        float high = 0, int maxThreads = 1)
    {
        Networks = new AgentNetworks(shape, hidden, twin) { CriticRange = new(low, high) };
        Networks.Initialize(5);

        // Targets and temperature away from their starting values, so that mixing them up with the critics or with 1
        // shows.
        Perturb(Networks.Target1, 31);
        if (twin)
        {
            Perturb(Networks.Target2!, 32);
        }

        Networks.LogAlpha = -0.7f;
        Batch = new TransitionBatch(shape, rows) { Count = rows };
        Fill(Batch.Observation, 1);
        Fill(Batch.NextObservation, 2);
        Fill(Batch.Task, 3);
        Fill(Batch.Reward, 4);
        Fill(Batch.Action, 5);
        foreach (ref float value in Batch.Action)
        {
            value = MathF.Tanh(value);
        }

        for (int row = 0; row < rows; row += 3)
        {
            Batch.Terminated[row] = 1;
        }

        Learner = new SacLearner(Networks, options ?? new SacOptions(), _session, rows, Seed, maxThreads);
    }

    public AgentNetworks Networks { get; }

    public TransitionBatch Batch { get; }

    public SacLearner Learner { get; }

    public static void Fill(Span<float> values, uint stream)
    {
        for (int i = 0; i < values.Length; i++)
        {
            PhiloxBlock block = Philox.Next((uint)i, 0, stream, (uint)RandomPurpose.SyntheticData, 1);
            values[i] = Philox.ToNormals(block.X, block.Y).Cosine;
        }
    }

    /// <summary>Every number that a learner's future depends on.</summary>
    public float[] State() => [
        .. Networks.Actor.Values, .. Networks.Critic1.Values, .. Networks.Target1.Values,
            .. Networks.Critic2 is null ? [] : Networks.Critic2.Values.ToArray(),
        .. Networks.Target2 is null ? [] : Networks.Target2.Values.ToArray(), Networks.LogAlpha];

    public void Dispose()
    {
        Learner.Dispose();
        Networks.Dispose();
        Batch.Dispose();
        _session.Dispose();
    }

    private static void Perturb(MlpParameters network, uint stream)
    {
        float[] noise = new float[network.Shape.Hidden];
        for (int layer = 0; layer < 2; layer++)
        {
            Fill(noise, stream + (10 * (uint)layer));
            for (int i = 0; i < noise.Length; i++)
            {
                network.Bias(layer)[i] += 0.1f * noise[i];
            }
        }

        network.MarkChanged();
    }
}

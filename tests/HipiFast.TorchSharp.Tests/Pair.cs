using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Networks;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.TorchSharp.Tests;

/// <summary>The embedded and the torch learner on agents of equal weights, and one batch.</summary>
internal sealed class Pair : IDisposable
{
    private readonly SacFixture _embedded;
    private readonly SacFixture _other;

    public Pair(
        TransitionShape shape, int hidden, int rows, SacOptions? options = null, bool twin = true, float low = 0,
        float high = 0,
        TorchOptions? torchOptions = null)
    {
        _embedded = new SacFixture(shape, hidden, rows, options, twin, low, high);
        _other = new SacFixture(shape, hidden, rows, options, twin, low, high);
        Session = KernelRegistry.Default.Resolve("managed").CreateSession(new SessionOptions(1));
        Torch = new TorchSacLearner(
            _other.Networks, options ?? new SacOptions(), Session, rows, SacFixture.Seed, torchOptions);
    }

    public ComputeSession Session { get; }

    public SacLearner Embedded => _embedded.Learner;

    public TorchSacLearner Torch { get; }

    public TransitionBatch Batch => _embedded.Batch;

    public void Dispose()
    {
        Torch.Dispose();
        Session.Dispose();
        _other.Dispose();
        _embedded.Dispose();
    }

    public static IEnumerable<(
        string Name, MlpParameters Embedded, MlpParameters Torch)> Networks(AgentNetworks a, AgentNetworks b)
    {
        yield return ("actor", a.Actor, b.Actor);
        yield return ("critic 1", a.Critic1, b.Critic1);
        yield return ("target 1", a.Target1, b.Target1);
        if (a.Critic2 is not null)
        {
            yield return ("critic 2", a.Critic2, b.Critic2!);
            yield return ("target 2", a.Target2!, b.Target2!);
        }
    }

    /// <summary>Fails when two numbers differ by more than a share of the larger; NaN fails.</summary>
    public static void AssertRelative(double expected, double found, double tolerance, string what)
    {
        double scale = Math.Max(Math.Abs(expected), Math.Abs(found));
        Assert.True(Math.Abs(expected - found) <= tolerance * scale, $"{what}: expected {expected}, found {found}.");
    }

    /// <summary>Fails when an entry differs by more than <paramref name="tolerance"/>; NaN fails.</summary>
    public static void AssertClose(
        ReadOnlySpan<float> expected, ReadOnlySpan<float> found, double tolerance, string what)
    {
        Assert.Equal(expected.Length, found.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(
                Math.Abs((double)expected[i] - found[i]) <= tolerance,
                $"{what}, entry {i}: expected {expected[i]}, found {found[i]}.");
        }
    }

    public static float Largest(ReadOnlySpan<float> values)
    {
        float largest = 0;
        foreach (float value in values)
        {
            largest = MathF.Max(largest, MathF.Abs(value));
        }

        return largest;
    }
}

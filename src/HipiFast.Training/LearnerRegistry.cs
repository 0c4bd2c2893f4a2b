using HipiFast.Kernels.Backends;
using HipiFast.Learning;
using HipiFast.Options;

namespace HipiFast.Training;

/// <summary>Makes a learner of a configuration.</summary>
/// <param name="config">The configuration.</param>
/// <param name="networks">Networks to train; initialised. The learner does not own them.</param>
/// <param name="session">Kernels to compute with.</param>
/// <returns>The learner.</returns>
public delegate ISacLearner LearnerFactory(TrainingConfig config, AgentNetworks networks, ComputeSession session);

/// <summary>Makes the policy that behavior cloning fits.</summary>
/// <param name="shape">Shape of the network.</param>
/// <param name="options">Batch, step size and seed.</param>
/// <param name="torchDevice">Where the torch learner computes: <c>cpu</c> or <c>cuda</c>.</param>
/// <returns>The policy.</returns>
public delegate ICloningPolicy CloningPolicyFactory(
    Kernels.Networks.MlpShape shape, BehaviorCloningOptions options, string torchDevice);

/// <summary>The learners of this process by name; <c>embedded</c> is always there.</summary>
public static class LearnerRegistry
{
    /// <summary>Name of the learner that needs no package.</summary>
    public const string Embedded = "embedded";

    /// <summary>Name of the TorchSharp learner, where it is installed.</summary>
    public const string Torch = "torch";

    private static readonly Dictionary<string, LearnerFactory> s_factories = new()
    {
        [Embedded] = (config, networks, session) => new SacLearner(
            networks, config.Learner.Sac, session, config.Learner.Batch, config.Run.Seed, config.Compute.Threads),
    };

    private static readonly Dictionary<string, CloningPolicyFactory> s_cloning = new()
    {
        [Embedded] = (shape, options, _) => new CloningPolicy(
            ManagedBackend.Best, shape, options.Batch, options.LearningRate, options.Seed),
    };

    /// <summary>Names of the learners.</summary>
    public static IReadOnlyList<string> Names
    {
        get
        {
            lock (s_factories)
            {
                return [.. s_factories.Keys];
            }
        }
    }

    /// <summary>Adds a learner.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="factory">Makes it.</param>
    /// <param name="cloning">Makes its policy for behavior cloning.</param>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    public static void Register(string name, LearnerFactory factory, CloningPolicyFactory cloning)
    {
        lock (s_factories)
        {
            s_factories.Add(name, factory);
            s_cloning.Add(name, cloning);
        }
    }

    /// <summary>Finds a learner.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>What makes it.</returns>
    /// <exception cref="NotSupportedException">It is the TorchSharp learner and not installed.</exception>
    /// <exception cref="ArgumentException">There is no such learner.</exception>
    public static LearnerFactory Resolve(string name) => Find(s_factories, name);

    /// <summary>Finds a learner's policy for behavior cloning.</summary>
    /// <param name="name">Name of the learner.</param>
    /// <returns>What makes it.</returns>
    /// <exception cref="NotSupportedException">As for <see cref="Resolve"/>.</exception>
    /// <exception cref="ArgumentException">As for <see cref="Resolve"/>.</exception>
    public static CloningPolicyFactory ResolveCloning(string name) => Find(s_cloning, name);

    private static T Find<T>(Dictionary<string, T> factories, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        lock (s_factories)
        {
            if (factories.TryGetValue(name, out T? factory))
            {
                return factory;
            }
        }

        throw name == Torch
            ? new NotSupportedException(
                "The learner 'torch' needs HipiFast.TorchSharp.dll beside the program, which a build with the "
                + "TorchSharp package puts there; "
                + "use --learner embedded, or build with a package feed that has TorchSharp.")
            : new ArgumentException($"Unknown learner '{name}'{NearestName.Suggestion(name, [.. Names, Torch])}.");
    }
}

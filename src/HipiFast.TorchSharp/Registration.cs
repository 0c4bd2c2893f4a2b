using HipiFast.Kernels.Backends;
using HipiFast.Training;

namespace HipiFast.TorchSharp;

/// <summary>What the program calls when it finds this assembly.</summary>
public static class Registration
{
    /// <inheritdoc cref="TorchRuntime.WhyNot"/>
    public static string? WhyNot => TorchRuntime.WhyNot;

    /// <inheritdoc cref="TorchRuntime.Remark"/>
    public static string? Remark => TorchRuntime.Remark;

    /// <summary>Adds the learner <c>torch</c>; libtorch is loaded when the learner is first asked for.</summary>
    public static void Register() => LearnerRegistry.Register(
        LearnerRegistry.Torch,
        (config, networks, session) => new TorchSacLearner(
            networks, config.Learner.Sac, session, config.Learner.Batch, config.Run.Seed,
            new TorchOptions
            {
                Device = config.Learner.TorchDevice,
                Threads = config.Compute.Threads,
                WeightsEvery = config.Learner.TorchWeightsEvery,
            }),
        (shape, options, torchDevice) => new TorchCloningPolicy(
            ManagedBackend.Best, shape, options.Batch, options.LearningRate, options.Seed,
            new TorchOptions { Device = torchDevice }));
}

using System.Runtime.CompilerServices;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Ilgpu;
using HipiFast.Relabeling;
using HipiFast.Storage;
using HipiFast.Testing;
using HipiFast.Training;

namespace HipiFast.TorchSharp.Tests;

/// <summary>
/// Whole training with torch on a device of its own, replay and relabeling on the same device (ILGPU's CPU
/// accelerator).
/// </summary>
public sealed class TrainingTests
{
    private const string InPlace = "torch in place";
    private const string Copies = "torch with copies";

    private static readonly TrainingConfig s_config = new()
    {
        Environment = "nav2d",
        EnvironmentCopies = 2,
        EnvironmentSettings = new() { EpisodeLimit = 15 },
        Run = new()
        {
            InitialRandomSteps = 60,

            // The ring goes around.
            ReplayCapacity = 100,
            EvalEvery = 1_000_000,
            EvalEpisodes = 2,
            GradientSteps = 1,
            Replay = ReplayPlace.Device,
        },
        Compute = new() { Backend = IlgpuBackend.BackendName, Device = DeviceInfo.Cpu, Threads = 1 },
        Learner = new() { Batch = 16, Hidden = 8 },
        Relabeling = new() { Candidates = CandidateSource.Both, RelabelFraction = 0.8f, GoalMix = 0.5f },
        Pool = 3,
    };

    [ModuleInitializer]
    internal static void Register()
    {
        Kernels.Ilgpu.Registration.Register();
        foreach ((string name, bool copies) in (IEnumerable<(string, bool)>)[(InPlace, false), (Copies, true)])
        {
            LearnerRegistry.Register(
                name,
                (config, networks, session) => new TorchSacLearner(
                    networks, config.Learner.Sac, session, config.Learner.Batch, config.Run.Seed,
                    new TorchOptions { KeepsDeviceMemory = true, CopiesWeights = copies, Threads = 1 }),
                (_, _, _) => throw new NotSupportedException("These learners fit no policy."));
        }
    }

    [TorchTheory]
    [InlineData(ReplayPlace.Device)]
    [InlineData(ReplayPlace.Host)]
    public void TrainingInPlaceIsTrainingWithCopiesBitForBit(ReplayPlace copied)
    {
        TrainingConfig copies = With(Copies);
        using Trainer expected = new(
            copies with { Run = copies.Run with { Replay = copied } }), found = new(With(InPlace));
        Steps(expected, 60);
        Steps(found, 60);
        AssertSame(expected, found);
    }

    [TorchFact]
    public void ARestoredRunInPlaceGoesOnAsTheOneThatWasSaved()
    {
        using TemporaryDirectory temporary = new();
        using Trainer first = new(With(InPlace)), second = new(With(InPlace));

        // In the middle of a pool of minibatches, which a checkpoint must hold; the second has had one of its own.
        Steps(first, 50);
        Assert.NotEqual(0, first.GradientSteps % 3);
        Steps(second, 40);
        SafetensorsWriter writer = new();
        first.SaveState(writer);
        writer.Save(temporary["state"]);
        using (SafetensorsFile file = SafetensorsFile.Open(temporary["state"]))
        {
            second.LoadState(file);
        }

        Steps(first, 10);
        Steps(second, 10);
        AssertSame(first, second);
    }

    private static TrainingConfig With(string learner) =>
        s_config with { Learner = s_config.Learner with { Name = learner } };

    private static void Steps(Trainer trainer, int count)
    {
        for (int i = 0; i < count; i++)
        {
            trainer.Step();
        }
    }

    private static void AssertSame(Trainer expected, Trainer found)
    {
        Assert.True(expected.GradientSteps > 10);
        Assert.Equal(expected.GradientSteps, found.GradientSteps);
        Assert.Equal(expected.LastDiagnostics, found.LastDiagnostics);
        Assert.Equal(expected.LastLosses, found.LastLosses);
        Assert.Equal(expected.Networks.Actor.Values.ToArray(), found.Networks.Actor.Values.ToArray());
        Assert.Equal(expected.Networks.Critic1.Values.ToArray(), found.Networks.Critic1.Values.ToArray());
        double[] right = new double[Enum.GetValues<MetricColumn>().Length], metrics = new double[right.Length];
        expected.Evaluate(right);
        found.Evaluate(metrics);
        Assert.Equal(right, metrics);
    }
}

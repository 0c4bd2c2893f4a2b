using HipiFast.Relabeling;
using HipiFast.Storage;
using HipiFast.Testing;
using HipiFast.Training;

namespace HipiFast.Kernels.Conformance.Training;

/// <summary>Training with the replay on the device is, bit for bit, training with the replay on the host.</summary>
public abstract class DeviceTrainingContract
{
    private TrainingConfig Config => new()
    {
        Environment = "nav2d",
        EnvironmentCopies = 2,
        EnvironmentSettings = new() { EpisodeLimit = 15 },
        Run = new()
        {
            InitialRandomSteps = 30,

            // The ring goes around.
            ReplayCapacity = 50,
            EvalEvery = 1_000_000,
            EvalEpisodes = 2,
            GradientSteps = 1,
        },
        Compute = new() { Backend = Backend, Threads = 1 },
        Learner = new() { Batch = 16, Hidden = 8 },
        Relabeling = new() { Candidates = CandidateSource.Both, RelabelFraction = 0.8f, GoalMix = 0.5f },
        Pool = 2,
    };

    /// <summary>The backend's name in the registry.</summary>
    protected abstract string Backend { get; }

    private TrainingConfig DeviceConfig => OnDevice(Config);

    [Theory]
    [InlineData(CandidateSource.Both, 0.5f)]
    [InlineData(CandidateSource.Commanded, 0f)]
    public void MetricsAndNetworksAreThoseOfAReplayOnTheHost(CandidateSource candidates, float goalMix)
    {
        TrainingConfig config = Config with
        {
            Relabeling = Config.Relabeling with { Candidates = candidates, GoalMix = goalMix },
        };
        using Trainer host = new(config), device = new(OnDevice(config));
        Steps(host, 40);
        Steps(device, 40);
        AssertSame(host, device);
    }

    [Fact]
    public void ARestoredRunGoesOnAsTheOneThatWasSaved()
    {
        using TemporaryDirectory directory = new();
        string path = directory["state.safetensors"];
        using Trainer host = new(Config), device = new(DeviceConfig);
        Steps(host, 36);
        SafetensorsWriter writer = new();
        host.SaveState(writer);
        writer.Save(path);
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            device.LoadState(file);
        }

        Steps(host, 10);
        Steps(device, 10);
        AssertSame(host, device);
    }

    [Fact]
    public void ContradictionsAreOneSentence()
    {
        Assert.Matches(
            "^replay \\(--replay\\) is 'device', but the backend 'managed-[^']+' \\(--backend\\) computes on the "
            + "processor; expected cuda or ilgpu.$",
            Assert.Throws<ArgumentException>(
                () => new Trainer(DeviceConfig with { Compute = new() { Backend = "managed" } })).Message);
        string where =
            "replay (--replay) is 'device', where batches are relabeled by inverse-rl with assign row, partition batch "
            + "or none, and group-rows 0; found ";
        Refused(
            where + "relabel future, assign row, partition batch, group-rows 0.",
            DeviceConfig.Relabeling with { Strategy = RelabelStrategy.Future });
        Refused(
            where + "relabel inverse-rl, assign task, partition batch, group-rows 0.",
            DeviceConfig.Relabeling with { Assignment = Assignment.Task });
        Refused(
            where + "relabel inverse-rl, assign row, partition running, group-rows 0.",
            DeviceConfig.Relabeling with { Candidates = CandidateSource.Fixed, Partition = PartitionMode.Running });
        Refused(
            where + "relabel inverse-rl, assign row, partition batch, group-rows 16.",
            DeviceConfig.Relabeling with { GroupRows = 16 });

        void Refused(string expected, RelabelOptions relabeling) => Assert.Equal(
            expected, Assert.Throws<ArgumentException>((DeviceConfig with { Relabeling = relabeling }).Validate).Message);
    }

    private static TrainingConfig OnDevice(TrainingConfig config) =>
        config with { Run = config.Run with { Replay = ReplayPlace.Device } };

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
        double[] right = new double[Enum.GetValues<MetricColumn>().Length], metrics = new double[right.Length];
        expected.Evaluate(right);
        found.Evaluate(metrics);
        Assert.Equal(right, metrics);
        Assert.Equal(expected.Networks.Actor.Bias(2).ToArray(), found.Networks.Actor.Bias(2).ToArray());
        Assert.Equal(expected.Networks.Critic1.Bias(1).ToArray(), found.Networks.Critic1.Bias(1).ToArray());
    }
}

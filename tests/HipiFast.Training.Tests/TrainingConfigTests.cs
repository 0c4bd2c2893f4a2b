using HipiFast.Environments;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Training;

namespace HipiFast.Training.Tests;

public class TrainingConfigTests
{
    [Fact]
    public void EveryPropertyIsAKeyAndEveryKeyExplainsItself()
    {
        Assert.Equal(
            OptionKeys<TrainingConfig>.All.Count,
            OptionKeys<TrainingConfig>.All.Select(key => key.Name).Distinct().Count());
        Assert.All(OptionKeys<TrainingConfig>.All, key =>
        {
            Assert.Matches("^[a-z]+(_[a-z0-9]+)*$", key.Name);
            Assert.Equal("--" + key.Name.Replace('_', '-'), key.OptionName);
            Assert.EndsWith(".", key.Help);
            Assert.NotEmpty(key.Expected);
        });
    }

    [Fact]
    public void GeneralDefaultsAreValid() => new TrainingConfig().Validate();

    [Fact]
    public void JsonGivesBackEveryKey()
    {
        // Every key differs from its default, so that a key left out would show.
        TrainingConfig config = new()
        {
            Environment = "elsewhere",
            EnvironmentCopies = 3,
            EnvironmentSettings = new() { Margin = 0.1f, EpisodeLimit = 7, ActionNoise = 0.25f },
            Run = new()
            {
                Seed = ulong.MaxValue,
                Steps = 1L << 29,
                InitialRandomSteps = 5,
                GradientSteps = 6,
                ReplayCapacity = 77,
                EvalEvery = 11,
                EvalEpisodes = 12,
                CheckpointEvery = 13,
                CheckpointSeconds = 0.1,
            },
            Compute = new() { Threads = 2, Backend = "managed", Device = "cuda:1", Precision = PrecisionMode.Bf16 },
            Learner = new()
            {
                Name = "other",
                TorchDevice = "cuda",
                TorchWeightsEvery = 3,
                Batch = 5,
                Hidden = 17,
                Critics = 1,
                CriticLow = -100f,
                CriticHigh = 0.1f,
                Sac = new()
                {
                    LearningRate = 1e-3f,
                    Gamma = 0.9f,
                    Tau = 0.01f,
                    FixedAlpha = 0.3f,
                    TargetEntropy = -1.5f,
                    GradientClipNorm = 1f,
                    CriticLossScale = 1f,
                },
            },
            Relabeling = new()
            {
                Strategy = RelabelStrategy.Future,
                Estimator = SoftQEstimator.SoftCritic,
                Assignment = Assignment.Task,
                RelabelFraction = 0.1f,
                Candidates = CandidateSource.Reached,
                GoalMix = 0.3f,
                GoalMixStrategy = RelabelStrategy.Final,
                Partition = PartitionMode.None,
                PartitionDecay = 0.5f,
                Temperature = 0f,
                Twin = TwinCombination.Mean,
                ExactTerminalValue = false,
                FutureHorizon = 4,
                RowPool = 9,
                GroupRows = 10,
                GroupCandidates = 11,
                LabelDraws = 12,
                Alpha = 1f,
            },
            Pool = 2,
        };

        // On the device nothing but inverse RL by row is done, which all the rest is not.
        TrainingConfig onDevice = new() { Run = new() { Replay = ReplayPlace.Device } };
        Assert.All(OptionKeys<TrainingConfig>.All, key => Assert.NotEqual(
            key.Get(new TrainingConfig()), key.Get(key.Name == "replay" ? onDevice : config)));
        Assert.Equal(config, RunDirectory.FromJson(OptionKeys<TrainingConfig>.ToJson(config), string.Empty));
        Assert.Equal(onDevice, RunDirectory.FromJson(OptionKeys<TrainingConfig>.ToJson(onDevice), string.Empty));
    }

    [Fact]
    public void WhatAppliesToGroupsAloneNeedsGroups()
    {
        foreach (
            RelabelOptions relabeling in (RelabelOptions[])[new() { LabelDraws = 2 }, new() { GroupCandidates = 2 }])
        {
            Assert.Contains(
                "--group-rows", Assert.Throws<ArgumentException>(
                    () => new TrainingConfig { Relabeling = relabeling }.Validate()).Message);
            new TrainingConfig { Relabeling = relabeling with { GroupRows = 1 } }.Validate();
        }

        TrainingConfig onDevice = new() { Run = new() { Replay = ReplayPlace.Device } };
        onDevice.Validate();
        Assert.Contains(
            "group-rows 0",
            Assert.Throws<ArgumentException>(
                () => (onDevice with { Relabeling = new() { GroupRows = 8 } }).Validate()).Message);
    }

    [Fact]
    public void TheCommandLineTakesWhatFormatWrites()
    {
        TrainingConfig config =
            TrainingDefaults.ForEnvironment("nav2d", RelabelStrategy.InverseRl, EnvironmentTraits.Goals) with
            {
                EnvironmentSettings = new() { Margin = 0.3f },
            };
        OptionLayer<TrainingConfig> layer = new();
        foreach (OptionKey<TrainingConfig> key in OptionKeys<TrainingConfig>.All)
        {
            layer.Set(key, key.Format(config));
        }

        Assert.Equal(config, layer.Apply(new TrainingConfig()));
    }

    [Theory]
    [InlineData("steps", "0", "--steps is '0'; expected a whole number, 1 or more.")]
    [InlineData("steps", "1.5", "--steps is '1.5'; expected a whole number, 1 or more.")]
    [InlineData(
        "steps", "99999999999999999999", "--steps is '99999999999999999999'; expected a whole number, 1 or more.")]
    [InlineData("seed", "-1", "--seed is '-1'; expected a whole number, 0 or more.")]
    [InlineData("relabel_fraction", "1.01", "--relabel-fraction is '1.01'; expected a number from 0 to 1.")]
    [InlineData("learning_rate", "0", "--learning-rate is '0'; expected a number above 0, at most 1.")]
    [InlineData("learning_rate", "nan", "--learning-rate is 'nan'; expected a number above 0, at most 1.")]
    [InlineData("temperature", "1e60", "--temperature is '1e60'; expected a number, 0 or more.")]
    [InlineData("fixed_alpha", "no", "--fixed-alpha is 'no'; expected a number above 0, or default.")]
    [InlineData("estimator", "critics", "--estimator is 'critics'; expected critic, soft-critic, bellman.")]
    [InlineData("goal_mix_strategy", "random", "--goal-mix-strategy is 'random'; expected future, final.")]
    [InlineData("exact_terminal_value", "1", "--exact-terminal-value is '1'; expected true, false.")]
    [InlineData("backend", "", "--backend is ''; expected a name.")]
    public void BadValuesAreNamed(string key, string text, string message)
    {
        ArgumentException error = Assert.Throws<ArgumentException>(
            () => new OptionLayer<TrainingConfig>().Set(key, text));
        Assert.Equal(message, error.Message);
    }

    [Theory]
    [InlineData("""{"stepz": 1}""", "Unknown key 'stepz' in F (did you mean 'steps'?).")]
    [InlineData("""{"steps": "many"}""", "steps is 'many' in F; expected a whole number, 1 or more.")]
    [InlineData("""{"steps": 1.5}""", "steps is '1.5' in F; expected a whole number, 1 or more.")]
    [InlineData("""{"steps": null}""", "steps is 'null' in F; expected a whole number, 1 or more.")]
    [InlineData("""{"exact_terminal_value": "true"}""", "exact_terminal_value is 'true' in F; expected true, false.")]
    [InlineData("""{"gamma": 2}""", "gamma is '2' in F; expected a number from 0 to 1.")]
    [InlineData("""{"twin": "max"}""", "twin is 'max' in F; expected min, mean, first.")]
    [InlineData("""{"batch": [1]}""", "batch is '[1]' in F; expected a whole number from 1 to 65536.")]
    [InlineData("""{"batch": 1, "batch": 2}""", "The key 'batch' stands twice in F; expected it once.")]
    [InlineData("""[]""", "Found a JSON array in F; expected an object of keys.")]
    [InlineData("{\n\"batch\": }", "Found text that is not JSON in F at line 2; expected an object of keys.")]
    [InlineData(
        """{"critic_low": 1, "critic_high": 0}""",
        "critic_high (--critic-high) is 0, below critic_low (--critic-low), which is 1 in F.")]
    [InlineData(
        """{"batch": 65536, "pool": 17}""",
        "batch times pool (--batch, --pool) is 1114112; expected at most 1048576 transitions per relabel call in F.")]
    [InlineData(
        """{"replay_capacity": 99999999999999}""",
        "replay_capacity is '99999999999999' in F; expected a whole number from 1 to 2147483647.")]
    [InlineData(
        """{"backend": "\ud800"}""",
        "Found a string that is not Unicode text in F; expected well-formed keys and values.")]
    [InlineData(
        """{"\ud800": 1}""", "Found a string that is not Unicode text in F; expected well-formed keys and values.")]
    [InlineData(
        """{"environment_copies": 8, "replay_capacity": 7}""",
        "replay_capacity (--replay-capacity) is 7; expected at least one transition for each of the 8 environment "
        + "copies in F.")]
    public void BadJsonIsNamed(string json, string message)
    {
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => RunDirectory.FromJson(json, " in F"));
        Assert.Equal(message, error.Message);
    }

    [Fact]
    public void WordDefaultUnsetsANullableKey()
    {
        OptionLayer<TrainingConfig> layer = new();
        layer.Set("margin", "default");
        Assert.Null(
            layer.Apply(new TrainingConfig { EnvironmentSettings = new() { Margin = 2 } }).EnvironmentSettings.Margin);
        Assert.Throws<ArgumentException>(() => layer.Set("steps", "default"));
    }

    [Fact]
    public void WhatPartsShareIsThatOfTheRun()
    {
        TrainingConfig config = new()
        {
            Run = new() { Seed = 5 },
            Compute = new() { Threads = 6, Backend = "managed", Device = "cpu", Precision = PrecisionMode.Fp32 },
            Learner = new() { Sac = new() { Gamma = 0.5f } },
            EnvironmentSettings = new() { Threads = 9 },
            Relabeling = new() { Seed = 9, Gamma = 0.1f, Alpha = 3, Compute = new() { Threads = 9 } },
        };
        Assert.Equal((5ul, 0.5f, 3f), (config.Relabeling.Seed, config.Relabeling.Gamma, config.Relabeling.Alpha));
        Assert.Same(config.Compute, config.Relabeling.Compute);
        Assert.Equal(6, config.EnvironmentSettings.Threads);

        // What is set there besides decides nothing, so it makes no difference.
        Assert.Equal(config, config with { Relabeling = new() { Alpha = 3 }, EnvironmentSettings = new() });
        Assert.NotEqual(config, config with { Relabeling = new() });
    }
}

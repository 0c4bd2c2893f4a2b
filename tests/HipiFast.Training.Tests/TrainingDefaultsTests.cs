using HipiFast.Environments;
using HipiFast.Kernels.SoftQ;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Training;

namespace HipiFast.Training.Tests;

public class TrainingDefaultsTests
{
    private static readonly EnvironmentTraits s_goals = EnvironmentTraits.Goals;
    private static readonly EnvironmentTraits s_discrete = EnvironmentTraits.FixedTasks;

    [Fact]
    public void GoalFamiliesMixInverseRlWithFuture()
    {
        TrainingConfig config = TrainingDefaults.ForEnvironment("nav2d", RelabelStrategy.InverseRl, s_goals);
        Assert.Equal(0.8f, config.Relabeling.RelabelFraction);
        Assert.Equal(0.5f, config.Relabeling.GoalMix);
        Assert.Equal(RelabelStrategy.Future, config.Relabeling.GoalMixStrategy);
        Assert.Equal(Assignment.Row, config.Relabeling.Assignment);
        Assert.Equal(CandidateSource.Both, config.Relabeling.Candidates);
        Assert.Equal(PartitionMode.Batch, config.Relabeling.Partition);
        Assert.Equal(SoftQEstimator.Critic, config.Relabeling.Estimator);
        Assert.True(config.Relabeling.ExactTerminalValue);
        Assert.Equal((60_000L, 1000L, 3000L, 200), (
            config.Run.Steps, config.Run.InitialRandomSteps, config.Run.EvalEvery, config.Run.EvalEpisodes));
        Assert.Equal((4, 64, 32), (config.Run.GradientSteps, config.Learner.Hidden, config.Learner.Batch));
        Assert.Equal((16, 0, 1), (
            config.Relabeling.GroupRows, config.Relabeling.GroupCandidates, config.Relabeling.LabelDraws));
    }

    [Fact]
    public void DiscreteFamiliesUseTheirFixedTasks()
    {
        TrainingConfig config = TrainingDefaults.ForEnvironment(
            "nav2d-discrete", RelabelStrategy.InverseRl, s_discrete);
        Assert.Equal(3f, config.Relabeling.Temperature);
        Assert.Equal(
            1f, TrainingDefaults.ForEnvironment("nav2d", RelabelStrategy.InverseRl, s_goals).Relabeling.Temperature);
        Assert.Equal(1f, TrainingDefaults.ApplyPreset(config, TrainingDefaults.PaperPreset).Relabeling.Temperature);
        Assert.Equal(CandidateSource.Fixed, config.Relabeling.Candidates);
        Assert.Equal((0.5f, 0f, Assignment.Row), (
            config.Relabeling.RelabelFraction, config.Relabeling.GoalMix, config.Relabeling.Assignment));
    }

    [Fact]
    public void VersionsOfAnEnvironmentShareItsDefaults()
    {
        TrainingConfig config = TrainingDefaults.ForEnvironment(
            "gridworld-discrete", RelabelStrategy.InverseRl, s_discrete);
        Assert.Equal((32, 20_000L, 1000L), (config.Learner.Hidden, config.Run.Steps, config.Run.EvalEvery));
        Assert.Equal(CandidateSource.Fixed, config.Relabeling.Candidates);
    }

    [Fact]
    public void PhysicsHasThePapersSettings()
    {
        Assert.Equal((256, 0f), Settings("quadruped-linear"));
        Assert.Equal((256, 0f), Settings("desk"));
        Assert.Equal((64, 1f), Settings("sawyer-margin"));
        Assert.Equal((64, 1f), Settings("jaco"));
        Assert.Equal((64, 0f), Settings("cheetah"));
        TrainingConfig desk = TrainingDefaults.ForEnvironment("desk", RelabelStrategy.InverseRl, s_discrete);
        Assert.Equal((0f, 128f), (desk.Learner.CriticLow, desk.Learner.CriticHigh));

        static (int Hidden, float Clip) Settings(string name)
        {
            TrainingConfig config = TrainingDefaults.ForEnvironment(name, RelabelStrategy.InverseRl, s_goals);
            return (config.Learner.Hidden, config.Learner.Sac.GradientClipNorm);
        }
    }

    [Theory]
    [InlineData(RelabelStrategy.None)]
    [InlineData(RelabelStrategy.Random)]
    [InlineData(RelabelStrategy.Final)]
    [InlineData(RelabelStrategy.Future)]
    public void BaselinesSpendAsMuchAsInverseRl(RelabelStrategy strategy)
    {
        TrainingConfig ours = TrainingDefaults.ForEnvironment("reacher2d", RelabelStrategy.InverseRl, s_goals);
        TrainingConfig baseline = TrainingDefaults.ForEnvironment("reacher2d", strategy, s_goals);
        Assert.Equal(0.5f, baseline.Relabeling.RelabelFraction);
        RelabelOptions relabeling = ours.Relabeling with
        {
            Strategy = strategy, RelabelFraction = 0.5f, GoalMix = 0, GroupRows = 0,
        };
        Assert.Equal(ours with { Relabeling = relabeling }, baseline);
    }

    [Fact]
    public void PaperPresetIsThePapers()
    {
        TrainingConfig config = TrainingDefaults.Resolve([Layer("environment", "nav2d")], "paper", _ => s_goals);
        Assert.Equal(
            (Assignment.Row, CandidateSource.Commanded, 0.5f, 0f, 4),
            (
                config.Relabeling.Assignment, config.Relabeling.Candidates, config.Relabeling.RelabelFraction,
                config.Relabeling.GoalMix, config.Relabeling.FutureHorizon));
        Assert.Equal((SoftQEstimator.Critic, false, 2), (
            config.Relabeling.Estimator, config.Relabeling.ExactTerminalValue, config.Learner.Critics));
        Assert.Equal((2, 32, 0), (config.Run.GradientSteps, config.Learner.Hidden, config.Relabeling.GroupRows));
    }

    [Fact]
    public void ABatchOnADeviceIsRelabeledAsAWhole()
    {
        OptionLayer<TrainingConfig> device = Layer("replay", "device");
        Assert.Equal(0, TrainingDefaults.Resolve([device], null, _ => s_goals).Relabeling.GroupRows);
        Assert.Throws<ArgumentException>(
            () => TrainingDefaults.Resolve([device, Layer("group_rows", "16")], null, _ => s_goals));
    }

    [Fact]
    public void ReferencePresetIsTheReleasedCodes()
    {
        TrainingConfig config = TrainingDefaults.Resolve([Layer("environment", "nav2d")], "reference", _ => s_goals);
        Assert.Equal(
            (2, TwinCombination.First, 1f), (config.Learner.Critics, config.Relabeling.Twin, config.Relabeling.Alpha));
        Assert.Equal((SoftQEstimator.Bellman, CandidateSource.Commanded), (
            config.Relabeling.Estimator, config.Relabeling.Candidates));
    }

    [Fact]
    public void LayersWinOverPresetsAndLaterLayersOverEarlierOnes()
    {
        OptionLayer<TrainingConfig> file = Layer("relabel_fraction", "0.1"), line = Layer("relabel_fraction", "0.2");
        Assert.Equal(0.2f, TrainingDefaults.Resolve([file, line], "paper", _ => s_goals).Relabeling.RelabelFraction);
        Assert.Equal(0.1f, TrainingDefaults.Resolve([line, file], "paper", _ => s_goals).Relabeling.RelabelFraction);
    }

    [Fact]
    public void TheStrategyOfALayerDecidesTheDefaults() =>
        Assert.Equal(0.5f, TrainingDefaults.Resolve(
            [Layer("relabel", "future")], null, _ => s_goals).Relabeling.RelabelFraction);

    [Fact]
    public void UnknownPresetIsNamed()
    {
        ArgumentException error = Assert.Throws<ArgumentException>(
            () => TrainingDefaults.Resolve([], "papper", _ => s_goals));
        Assert.Equal("Unknown preset 'papper' (did you mean 'paper'?).", error.Message);
    }

    private static OptionLayer<TrainingConfig> Layer(string key, string value)
    {
        OptionLayer<TrainingConfig> layer = new();
        layer.Set(key, value);
        return layer;
    }
}

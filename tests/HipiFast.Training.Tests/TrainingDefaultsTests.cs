using HipiFast.Kernels.SoftQ;
using HipiFast.Relabeling;
using HipiFast.Training;

namespace HipiFast.Training.Tests;

public class TrainingDefaultsTests
{
    private static readonly EnvironmentTraits s_goals = new(HasAchievedTask: true, HasFixedTasks: false);
    private static readonly EnvironmentTraits s_discrete = new(HasAchievedTask: false, HasFixedTasks: true);

    [Fact]
    public void GoalFamiliesMixInverseRlWithFuture()
    {
        TrainingConfig config = TrainingDefaults.ForEnvironment("nav2d", RelabelStrategy.InverseRl, s_goals);
        Assert.Equal(0.8f, config.RelabelFraction);
        Assert.Equal(0.5f, config.GoalMix);
        Assert.Equal(RelabelStrategy.Future, config.GoalMixStrategy);
        Assert.Equal(Assignment.Row, config.Assign);
        Assert.Equal(CandidateSource.Both, config.Candidates);
        Assert.Equal(PartitionMode.Batch, config.Partition);
        Assert.Equal(SoftQEstimator.Critic, config.Estimator);
        Assert.True(config.ExactTerminalValue);
        Assert.Equal((60_000L, 1000L, 3000L, 200), (config.Steps, config.InitialRandomSteps, config.EvalEvery, config.EvalEpisodes));
        Assert.Equal((2, 32, 32), (config.GradientSteps, config.Hidden, config.Batch));
    }

    [Fact]
    public void DiscreteFamiliesUseTheirFixedTasks()
    {
        TrainingConfig config = TrainingDefaults.ForEnvironment("nav2d-discrete", RelabelStrategy.InverseRl, s_discrete);
        Assert.Equal(3f, config.Temperature);
        Assert.Equal(1f, TrainingDefaults.ForEnvironment("nav2d", RelabelStrategy.InverseRl, s_goals).Temperature);
        Assert.Equal(1f, TrainingDefaults.ApplyPreset(config, TrainingDefaults.PaperPreset).Temperature);
        Assert.Equal(CandidateSource.Fixed, config.Candidates);
        Assert.Equal((0.5f, 0f, Assignment.Row), (config.RelabelFraction, config.GoalMix, config.Assign));
    }

    [Fact]
    public void VersionsOfAnEnvironmentShareItsDefaults()
    {
        TrainingConfig config = TrainingDefaults.ForEnvironment("gridworld-discrete", RelabelStrategy.InverseRl, s_discrete);
        Assert.Equal((32, 20_000L, 1000L), (config.Hidden, config.Steps, config.EvalEvery));
        Assert.Equal(CandidateSource.Fixed, config.Candidates);
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
        Assert.Equal((0f, 128f), (desk.CriticLow, desk.CriticHigh));

        static (int Hidden, float Clip) Settings(string name)
        {
            TrainingConfig config = TrainingDefaults.ForEnvironment(name, RelabelStrategy.InverseRl, s_goals);
            return (config.Hidden, config.GradientClip);
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
        Assert.Equal(0.5f, baseline.RelabelFraction);
        Assert.Equal(ours with { Relabel = strategy, RelabelFraction = 0.5f, GoalMix = 0 }, baseline);
    }

    [Fact]
    public void PaperPresetIsThePapers()
    {
        TrainingConfig config = TrainingDefaults.Resolve([Layer("environment", "nav2d")], "paper", _ => s_goals);
        Assert.Equal(
            (Assignment.Row, CandidateSource.Commanded, 0.5f, 0f, 4),
            (config.Assign, config.Candidates, config.RelabelFraction, config.GoalMix, config.FutureHorizon));
        Assert.Equal((SoftQEstimator.Critic, false, 2), (config.Estimator, config.ExactTerminalValue, config.Critics));
    }

    [Fact]
    public void ReferencePresetIsTheReleasedCodes()
    {
        TrainingConfig config = TrainingDefaults.Resolve([Layer("environment", "nav2d")], "reference", _ => s_goals);
        Assert.Equal((2, TwinCombination.First, 1f), (config.Critics, config.Twin, config.RelabelAlpha));
        Assert.Equal((SoftQEstimator.Bellman, CandidateSource.Commanded), (config.Estimator, config.Candidates));
    }

    [Fact]
    public void LayersWinOverPresetsAndLaterLayersOverEarlierOnes()
    {
        ConfigLayer file = Layer("relabel_fraction", "0.1"), line = Layer("relabel_fraction", "0.2");
        Assert.Equal(0.2f, TrainingDefaults.Resolve([file, line], "paper", _ => s_goals).RelabelFraction);
        Assert.Equal(0.1f, TrainingDefaults.Resolve([line, file], "paper", _ => s_goals).RelabelFraction);
    }

    [Fact]
    public void TheStrategyOfALayerDecidesTheDefaults() =>
        Assert.Equal(0.5f, TrainingDefaults.Resolve([Layer("relabel", "future")], null, _ => s_goals).RelabelFraction);

    [Fact]
    public void UnknownPresetIsNamed()
    {
        ArgumentException error = Assert.Throws<ArgumentException>(() => TrainingDefaults.Resolve([], "papper", _ => s_goals));
        Assert.Equal("Unknown preset 'papper' (did you mean 'paper'?).", error.Message);
    }

    private static ConfigLayer Layer(string key, string value)
    {
        ConfigLayer layer = new();
        layer.Set(ConfigKey.Find(key, string.Empty), value);
        return layer;
    }
}

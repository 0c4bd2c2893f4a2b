using HipiFast.Environments;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Testing;
using HipiFast.Training;
using HipiFast.Training.Cloning;

namespace HipiFast.Training.Tests.Cloning;

public sealed class CloningRunTests
{
    private const string Environment = "nav2d";
    private static readonly CloningOptions s_options = new()
    {
        Candidates = 40,
        EvalEpisodes = 4,
        Fit = new BehaviorCloningOptions { Hidden = 16, MaxEpochs = 2 },
    };

    [Fact]
    public void CollectRecordsWholeEpisodesAsTheEnvironmentSawThem()
    {
        using Demonstrations demonstrations = Collect(7, copies: 3);
        TransitionBatch rows = demonstrations.Transitions;
        Assert.Equal(Enumerable.Range(0, 7).Select(i => (long)i), demonstrations.Episode.Distinct());
        for (int row = 1; row < rows.Count; row++)
        {
            bool continues = demonstrations.Episode[row] == demonstrations.Episode[row - 1];
            Assert.Equal(continues, rows.Observation.Slice(2 * row, 2).SequenceEqual(
                rows.NextObservation.Slice(2 * (row - 1), 2)));
            Assert.True(!continues || rows.Task.Slice(2 * row, 2).SequenceEqual(rows.Task.Slice(2 * (row - 1), 2)));

            // Only the last step of an episode terminates.
            Assert.True(!continues || rows.Terminated[row - 1] == 0);
        }

        Assert.All(rows.Reward.ToArray(), reward => Assert.InRange(reward, -1f, 0f));
        using Demonstrations again = Collect(7, copies: 3);
        Assert.Equal(rows.Action.ToArray(), again.Transitions.Action.ToArray());
    }

    [Fact]
    public void AConstantUnderOneTaskChangesNothingWithThePartitionAndTakesAllLabelsWithout()
    {
        using Demonstrations demonstrations = Collect(12, copies: 12);
        using TemporaryDirectory temporary = new();
        CloningResult plain = Run("plain", s_options), biased = Run("biased", s_options with { FirstTaskBias = 10 });
        CloningResult without = Run(
            "without", s_options with { FirstTaskBias = 10, Labels = CloningLabels.NoPartition });
        Assert.Equal(plain.LargestShare, biased.LargestShare, 6);
        Assert.Equal(plain.EpisodeReturn, biased.EpisodeReturn, 3);
        Assert.Equal(1.0, without.LargestShare);
        Assert.True(plain.LargestShare < 0.8, $"{plain.LargestShare}");

        CloningResult Run(string name, CloningOptions options) =>
            CloningRun.Run(Environment, demonstrations, options, temporary[name])!;
    }

    [Fact]
    public void RandomLabelsAreDrawnPerTrajectoryAmongTheCandidates()
    {
        using Demonstrations demonstrations = Collect(12, copies: 12);
        using TemporaryDirectory temporary = new();
        Assert.Equal(1.0, Share("one", 1));
        Assert.InRange(Share("two", 2), 0.5, 0.95);
        Assert.InRange(Share("many", 1000), 1 / 12.0, 2 / 12.0);

        // The labels reach the transitions: each trajectory has one of the candidates, whatever was commanded.
        float[] candidates = [10, 11, 20, 21, 30, 31];
        TransitionBatch rows = demonstrations.Transitions;
        CloningRun.LabelUniformly(rows, demonstrations.Episode, candidates, seed: 1);
        HashSet<float> seen = [];
        for (int row = 0; row < rows.Count; row++)
        {
            Assert.Contains(rows.Task[2 * row], (float[])[10, 20, 30]);
            Assert.Equal(rows.Task[2 * row] + 1, rows.Task[(2 * row) + 1]);
            Assert.True(
                row == 0 || demonstrations.Episode[row] != demonstrations.Episode[row - 1]
                    || rows.Task[2 * row] == rows.Task[2 * (row - 1)]);
            seen.Add(rows.Task[2 * row]);
        }

        Assert.Equal(3, seen.Count);

        double Share(string name, int candidates)
        {
            CloningOptions options = s_options with { Labels = CloningLabels.Random, Candidates = candidates };
            return CloningRun.Run(Environment, demonstrations, options, temporary[name])!.LargestShare;
        }
    }

    [Fact]
    public void RunLeavesTheDemonstrationsAsTheyWereAndItsResultCanBeReadBack()
    {
        using Demonstrations demonstrations = Collect(6, copies: 6);
        float[] tasks = demonstrations.Transitions.Task.ToArray();
        using TemporaryDirectory temporary = new();
        Assert.Null(CloningRun.Load(Environment, s_options, temporary["a"]));
        foreach (CloningLabels labels in Enum.GetValues<CloningLabels>())
        {
            CloningOptions options = s_options with { Labels = labels };
            CloningResult result = CloningRun.Run(Environment, demonstrations, options, temporary[labels.ToString()])!;
            Assert.Equal(result, CloningRun.Load(Environment, options, temporary[labels.ToString()]));
            Assert.Equal(2, result.Epochs);
            Assert.Equal(
                labels is CloningLabels.InverseRl or CloningLabels.NoPartition, double.IsFinite(result.EffectiveTasks));
            Assert.Equal(
                labels is not (CloningLabels.Commanded or CloningLabels.None), double.IsFinite(result.LargestShare));
            Assert.True(File.Exists(Path.Combine(temporary[labels.ToString()], "policy.safetensors")));
            Assert.Equal(2, MetricsLog(temporary[labels.ToString()]));
        }

        Assert.Equal(tasks, demonstrations.Transitions.Task.ToArray());
        Assert.Contains(
            " was made with ",
            Assert.Throws<ArgumentException>(
                () =>
                    CloningRun.Load(Environment, s_options with { Candidates = 41 }, temporary["InverseRl"])).Message);
        File.WriteAllText(Path.Combine(temporary["InverseRl"], "result.json"), "{\"settings\": 3");
        Assert.Throws<InvalidDataException>(() => CloningRun.Load(Environment, s_options, temporary["InverseRl"]));

        static int MetricsLog(string directory) =>
            HipiFast.Storage.MetricsLog.Load(Path.Combine(directory, "epochs.csv")).Count;
    }

    [Fact]
    public void BadOptionsAreRefused()
    {
        using Demonstrations demonstrations = Collect(2, copies: 2);
        Assert.Contains("Candidates", Refused(s_options with { Candidates = 0 }));
        Assert.Contains("Temperature", Refused(s_options with { Temperature = -1 }));
        Assert.Contains("EvalEpisodes", Refused(s_options with { EvalEpisodes = 0 }));
        Assert.Contains("TorchDevice is tpu; expected cpu or cuda", Refused(s_options with { TorchDevice = "tpu" }));
        Assert.Contains("reacher2d", Assert.Throws<ArgumentException>(
            () => CloningRun.Run("reacher2d", demonstrations, s_options, "x")).Message);

        string Refused(CloningOptions options) =>
            Assert.Throws<ArgumentException>(() => CloningRun.Run(Environment, demonstrations, options, "x")).Message;
    }

    private static Demonstrations Collect(int trajectories, int copies)
    {
        using VectorEnvironment world = EnvironmentRegistry.Create(Environment, copies);
        return DemonstrationCollector.Collect(world, new UniformPolicy(3), trajectories, 5);
    }
}

using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Tests.Relabeling;

/// <summary>Critics of the caller's own instead of an agent's networks.</summary>
public class OwnCriticTests
{
    private static readonly RelabelOptions s_options = new() { RelabelFraction = 1, Seed = 3 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhereEveryPairEndsItsTaskTheRewardTakesTheFunctionsPlace(bool manyPairs)
    {
        // Every goal is within reach: a reward of 0 whatever the function says.
        TaskFamily family = TaskFamilies.Goal([0, 1], margin: 1000f);
        using ComputeSession session = manyPairs
            ? FunctionSession.Create((_, _, softQ) => softQ.Fill(-50))
            : FunctionSession.Create((in SoftQProblem _, int _, int _) => -50);
        using TransitionBatch batch = RelabelData.Batch(20);
        using Relabeler exact = new(session, family, null, s_options),
            asked = new(session, family, null, s_options with { ExactTerminalValue = false });

        Assert.All(asked.Relabel(batch).LogPartition.ToArray(), logZ => Assert.Equal(-50, logZ, 1e-4f));
        Assert.All(exact.Relabel(batch).LogPartition.ToArray(), logZ => Assert.Equal(0, logZ, 1e-5f));
    }

    [Fact]
    public void OnlyPairsThatEndTheirTaskAreReplaced()
    {
        SoftQRecorder recorder = new();
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using TransitionBatch batch = RelabelData.Batch(30), before = RelabelData.Batch(30);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, null, s_options) { Observer = recorder };
        relabeler.Relabel(batch);

        float[] reward = new float[30 * 30], terminated = new float[30 * 30], function = new float[30 * 30];
        RelabelData.GoalFamily.EvaluatePairs(before.Transitions, before.Task, reward, terminated);
        using ComputeSession plain = FunctionSession.Create(RelabelData.SmoothQ);
        using Relabeler other = new(
            plain, RelabelData.GoalFamily, null, s_options with { ExactTerminalValue = false }) { Observer = recorder };
        float[] found = recorder.SoftQ;
        using TransitionBatch again = RelabelData.Batch(30);
        other.Relabel(again);
        recorder.SoftQ.CopyTo(function, 0);
        Assert.InRange(terminated.Sum(), 20, 880);
        for (int pair = 0; pair < found.Length; pair++)
        {
            Assert.Equal(terminated[pair] != 0 ? reward[pair] : function[pair], found[pair]);
        }
    }

    [Fact]
    public void WithoutAnAgentTheWidthsAreGivenToPrepareAndToForecast()
    {
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, null, s_options);
        Assert.Throws<ArgumentException>(() => relabeler.Prepare(20));
        Assert.Throws<ArgumentException>(() => relabeler.Forecast(20));
        relabeler.Prepare(20, shape: RelabelData.Shape);
        Assert.Equal(400, relabeler.Forecast(20, shape: RelabelData.Shape).SoftQValues);
        Assert.Equal(0u, relabeler.Call);
    }

    [Theory]
    [InlineData(Assignment.Row)]
    [InlineData(Assignment.Task)]
    public void NoAgentIsAskedFor(Assignment assignment)
    {
        RelabelOptions options = s_options with { Assignment = assignment };
        using ComputeSession session = FunctionSession.Create(RelabelData.SmoothQ);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using TransitionBatch with = RelabelData.Batch(40), without = RelabelData.Batch(40);
        using Relabeler withAgent = new(session, RelabelData.GoalFamily, agent, options),
            withoutAgent = new(session, RelabelData.GoalFamily, null, options);
        withAgent.Relabel(with);
        withoutAgent.Relabel(without);

        Assert.Equal(RelabelData.Contents(with), RelabelData.Contents(without));
        RelabelData.AssertJudged(RelabelData.GoalFamily, without);
    }

    [Fact]
    public void AFunctionOfManyPairsSeesEachOnce()
    {
        // More pairs than one call takes, and a number that divides into no tiles.
        const int Rows = 131;
        int asked = 0;
        using ComputeSession many = FunctionSession.Create((pairs, count, softQ) =>
        {
            Assert.Equal(count * 7, pairs.Length);
            Assert.Equal(count, softQ.Length);
            asked += count;
            for (int pair = 0; pair < count; pair++)
            {
                ReadOnlySpan<float> input = pairs.Slice(pair * 7, 7);
                softQ[pair] = Smooth(input[..3], input[3..5], input[5..]);
            }
        });
        using ComputeSession single = FunctionSession.Create((in SoftQProblem problem, int row, int i) => Smooth(
            problem.Observation.Slice(3 * row, 3), problem.Action.Slice(2 * row, 2), problem.Task.Slice(2 * i, 2)));
        using TransitionBatch first = RelabelData.Batch(Rows), second = RelabelData.Batch(Rows);
        using Relabeler relabelsFirst = new(many, RelabelData.GoalFamily, null, s_options),
            relabelsSecond = new(single, RelabelData.GoalFamily, null, s_options);
        float[] logPartition = relabelsFirst.Relabel(first).LogPartition.ToArray();

        Assert.Equal(logPartition, relabelsSecond.Relabel(second).LogPartition.ToArray());
        Assert.Equal(RelabelData.Contents(second), RelabelData.Contents(first));
        Assert.Equal(Rows * Rows, asked);
    }

    [Fact]
    public void ASessionOfNetworksStillAsksForAnAgent()
    {
        using Relabeler relabeler = new(RelabelData.GoalFamily, null, s_options);
        using TransitionBatch batch = RelabelData.Batch(4);
        Assert.Contains(
            "needs an agent's networks", Assert.Throws<ArgumentException>(() => relabeler.Relabel(batch)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void RepeatedCallsAllocateNothing()
    {
        using ComputeSession session = FunctionSession.Create((_, _, softQ) => softQ.Clear());
        using Relabeler relabeler = new(session, RelabelData.GoalFamily, null, s_options);
        using TransitionBatch batch = RelabelData.Batch(100);
        relabeler.Relabel(batch);
        SteadyState.AssertAllocatesNothing(() => relabeler.Relabel(batch));
    }

    private static float Smooth(ReadOnlySpan<float> state, ReadOnlySpan<float> action, ReadOnlySpan<float> task) =>
        (3 * MathF.Sin((2 * state[0]) + task[0])) + (state[1] * task[1]) + action[0] - action[1];

    private sealed class SoftQRecorder : IRelabelObserver
    {
        public bool WantsPosterior => false;

        public float[] SoftQ { get; private set; } = [];

        public void OnBlock(in RelabelBlock block) => SoftQ = block.SoftQ.ToArray();
    }
}

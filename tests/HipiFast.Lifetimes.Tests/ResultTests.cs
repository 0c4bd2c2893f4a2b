using System.Runtime.CompilerServices;
using HipiFast.Environments;
using HipiFast.Kernels.Memory;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Lifetimes.Tests;

/// <summary>What a call has returned outlives what returned it.</summary>
public sealed class ResultTests
{
    private const int Rows = 64;
    private const float Poison = 1e31f;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ARelabelResultOutlivesItsRelabeler(bool disposes)
    {
        using TransitionBatch batch = RelabelData.Batch(Rows);
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        RelabelResult result = Relabel(batch, agent, disposes, out Numbers before, out WeakReference relabeler);
        Collect();
        Assert.False(relabeler.IsAlive);
        using Needs needs = new();
        Reuse(needs);
        Numbers after = new(result);
        Assert.Equal(Rows, before.LogPartition.Length);
        Assert.All(before.LogPartition, value => Assert.InRange(value, -100f, 100f));
        Assert.Contains(before.LogPartition, value => value != 0);
        Assert.Equal(before.LogPartition, after.LogPartition);
        Assert.Equal(before.Candidates, after.Candidates);
        Assert.Equal(before.TaskIndex, after.TaskIndex);
        Assert.Equal(before.Relabeled, after.Relabeled);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AStepOutlivesItsEnvironment(bool disposes)
    {
        StepResult result = Step(
            disposes, out ReadOnlySpan<float> observation, out float[] before, out WeakReference environment);
        Collect();
        Assert.False(environment.IsAlive);
        using Needs needs = new();
        Reuse(needs);
        Assert.Contains(before, value => value != 0);
        Assert.Equal(before, Together(result, observation));
    }

    // The file is written from the buffer's memory long after SaveState has returned.
    [Fact]
    public void ACheckpointKeepsTheReplayThatItIsOf()
    {
        using TemporaryDirectory directory = new();
        SafetensorsWriter writer = new();
        float[] expected = Save(writer, out WeakReference _);
        Collect();
        using Needs needs = new();
        Reuse(needs);
        writer.Save(directory["replay.safetensors"]);
        using SafetensorsFile file = SafetensorsFile.Open(directory["replay.safetensors"]);
        float[] found = new float[expected.Length];
        file.Read<float>("observation", found);
        Assert.Equal(expected, found);
    }

    [Fact]
    public void ACheckpointRefusesAReplayThatIsGone()
    {
        using TemporaryDirectory directory = new();
        SafetensorsWriter writer = new();
        using (ReplayBuffer replay = Filled())
        {
            replay.SaveState(writer, string.Empty);
        }

        Assert.Throws<ObjectDisposedException>(() => writer.Save(directory["replay.safetensors"]));
        Assert.False(File.Exists(directory["replay.safetensors"]));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static RelabelResult Relabel(
        TransitionBatch batch, AgentNetworks agent, bool disposes, out Numbers numbers, out WeakReference weak)
    {
        Relabeler relabeler = new(
            RelabelData.GoalFamily, agent,
            new RelabelOptions { Candidates = CandidateSource.Commanded, Compute = new() { Threads = 1 } });
        weak = new WeakReference(relabeler);
        RelabelResult result = relabeler.Relabel(batch);

        // Before the disposal, which might already change them.
        numbers = new Numbers(result);
        if (disposes)
        {
            relabeler.Dispose();
        }

        return result;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static StepResult Step(
        bool disposes, out ReadOnlySpan<float> observation, out float[] numbers, out WeakReference weak)
    {
        VectorEnvironment environment = EnvironmentRegistry.Create("nav2d", Rows);
        weak = new WeakReference(environment);
        environment.Reset(1);
        float[] action = new float[Rows * environment.Shape.ActionDimension];
        Array.Fill(action, 0.5f);
        environment.Step(action, out StepResult result);
        observation = environment.Observation;
        numbers = Together(result, observation);
        if (disposes)
        {
            environment.Dispose();
        }

        return result;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float[] Save(SafetensorsWriter writer, out WeakReference weak)
    {
        ReplayBuffer replay = Filled();
        weak = new WeakReference(replay);
        replay.SaveState(writer, string.Empty);
        using TransitionBatch batch = RelabelData.Batch(Rows);
        return batch.Observation.ToArray();
    }

    private static float[] Together(StepResult result, ReadOnlySpan<float> observation) =>
    [
        .. result.NextObservation, .. result.Reward, .. observation,
        .. result.Terminated.ToArray().Select(end => (float)end),
        .. result.Truncated.ToArray().Select(end => (float)end),
    ];

    private static ReplayBuffer Filled()
    {
        ReplayBuffer replay = new(RelabelData.Shape, Rows);
        using TransitionBatch batch = RelabelData.Batch(Rows);
        batch.Terminated.Clear();
        replay.AppendEpisode(batch);
        return replay;
    }

    private static void Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    // Takes the memory that was given back, and fills it.
    private static void Reuse(Needs needs)
    {
        for (int i = 0; i < 2000; i++)
        {
            needs.Add(new NativeBuffer<float>(8 + (i % 1024))).Span.Fill(Poison);
        }
    }

    private sealed class Numbers(RelabelResult result)
    {
        public float[] LogPartition { get; } = result.LogPartition.ToArray();

        public float[] Candidates { get; } = result.Candidates.ToArray();

        public int[] TaskIndex { get; } = result.TaskIndex.ToArray();

        public byte[] Relabeled { get; } = result.Relabeled.ToArray();
    }
}

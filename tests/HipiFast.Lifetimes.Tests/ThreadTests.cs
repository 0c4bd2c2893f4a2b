using HipiFast.Kernels.Backends;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Testing;

namespace HipiFast.Lifetimes.Tests;

/// <summary>Two threads in one object: one of them is told, and nothing breaks.</summary>
public sealed class ThreadTests
{
    private const int Threads = 8;

    [Fact]
    public void EightThreadsInOneRelabelerAreRefusedOrServed()
    {
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            RelabelData.GoalFamily, agent,
            new RelabelOptions { Candidates = CandidateSource.Commanded, Compute = new() { Threads = 1 } });
        int served = Hammer(thread =>
        {
            // Sizes change, so that memory would move below the others.
            using TransitionBatch batch = RelabelData.Batch(16 + (64 * thread));
            relabeler.Relabel(batch);
        }, calls: 40);
        Assert.Equal((uint)served, relabeler.Call);
        using TransitionBatch last = RelabelData.Batch(8);
        Assert.Equal(8, relabeler.Relabel(last).TaskIndex.Length);
    }

    [Fact]
    public void EightThreadsInOneReplayAreRefusedOrServed()
    {
        using ReplayBuffer replay = new(RelabelData.Shape, 1 << 12);
        using TransitionBatch step = RelabelData.Batch(1);
        step.Terminated.Clear();
        replay.Append(step, [(byte)0]);
        int served = Hammer(_ => replay.Append(step, [(byte)0]), calls: 5000);
        Assert.Equal(served + 1, replay.TotalCount);
        Hammer(thread =>
        {
            using TransitionBatch batch = RelabelData.Batch(16 + (64 * thread));
            replay.Sample(batch, batch.Capacity, 1, 1);
        }, calls: 40);
    }

    [Fact]
    public void EightThreadsInOneLearnerAreRefusedOrServed()
    {
        using SacFixture fixture = new(RelabelData.Shape, 16, 32);
        int served = Hammer(_ => fixture.Learner.Update(fixture.Batch, 0, 32), calls: 40);
        Assert.Equal(served, fixture.Learner.UpdateCount);
        Hammer(thread =>
        {
            int rows = 1 + (50 * thread);
            float[] observation = new float[rows * 3], task = new float[rows * 2], action = new float[rows * 2];
            fixture.Learner.Act(observation, task, rows, true, 1, 1, action);
        }, calls: 40);
    }

    [Fact]
    public void EightThreadsInOneKernelAreRefusedOrServed()
    {
        using ComputeSession session = KernelRegistry.Default.Resolve("managed").CreateSession(new SessionOptions(1));
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        ISoftQKernel kernel = session.SoftQ;
        Hammer(thread =>
        {
            int rows = 16 + (32 * thread);
            float[] observation = new float[rows * 3], action = new float[rows * 2], task = new float[rows * 2];
            float[] softQ = new float[rows * rows];
            kernel.Compute(
                new SoftQProblem
                {
                    Observation = observation, Action = action, Task = task, Rows = rows, Candidates = rows,
                    ObservationDimension = 3, ActionDimension = 2, TaskDimension = 2,
                    Estimator = SoftQEstimator.Critic, Critic1 = agent.Critic1, Critic2 = agent.Critic2,
                },
                softQ);
        }, calls: 40);
    }

    // Deterministic: the second call comes from another thread while the first waits for it.
    [Fact]
    public void ASecondRelabelerOfABusySessionIsRefused()
    {
        Exception? error = null;
        ITransitionBatch? other = null;
        Relabeler? second = null;
        using ComputeSession session = FunctionSession.Create((in problem, row, candidate) =>
        {
            error ??= OnAnotherThread(() => second!.Relabel(other!));
            return RelabelData.SmoothQ(problem, row, candidate);
        });
        RelabelOptions options = new() { Candidates = CandidateSource.Commanded, Compute = new() { Threads = 1 } };
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler first = new(session, RelabelData.GoalFamily, agent, options);
        using (second = new(session, RelabelData.GoalFamily, agent, options))
        using (other = RelabelData.Batch(4))
        using (TransitionBatch batch = RelabelData.Batch(4))
        {
            first.Relabel(batch);
            Refused(error, nameof(ComputeSession));
            second.Relabel(other);
        }
    }

    [Theory]
    [InlineData("session")]
    [InlineData("relabeler")]
    [InlineData("batch")]
    [InlineData("agent")]
    public void NothingIsDisposedOfBelowACall(string what)
    {
        Exception? error = null;
        IDisposable? target = null;
        using ComputeSession session = FunctionSession.Create((in problem, row, candidate) =>
        {
            error ??= OnAnotherThread(target!.Dispose);
            return RelabelData.SmoothQ(problem, row, candidate);
        });
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent,
            new RelabelOptions { Candidates = CandidateSource.Commanded, Compute = new() { Threads = 1 } });
        using TransitionBatch batch = RelabelData.Batch(4);
        target = what switch
        {
            "session" => session,
            "relabeler" => relabeler,
            "batch" => batch,
            _ => agent,
        };
        relabeler.Relabel(batch);
        Refused(error, target.GetType().Name);
        target.Dispose();
        Assert.Throws<ObjectDisposedException>(() => relabeler.Relabel(batch));
    }

    [Fact]
    public void WhatASessionServedThrowsWhenItIsGone()
    {
        ComputeSession session = KernelRegistry.Default.Resolve("managed").CreateSession(new SessionOptions(1));
        ISoftQKernel kernel = session.SoftQ;
        using AgentNetworks agent = RelabelData.Agent(RelabelData.Shape);
        using Relabeler relabeler = new(
            session, RelabelData.GoalFamily, agent,
            new RelabelOptions { Candidates = CandidateSource.Commanded, Compute = new() { Threads = 1 } });
        using SacLearner learner = new(agent, new SacOptions(), session, 4, 1, 1);
        using ComputeSession derived = session.WithSoftQ(kernel);
        using TransitionBatch batch = RelabelData.Batch(4);
        float[] before = RelabelData.Contents(batch);
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() => relabeler.Relabel(batch));
        Assert.Equal(before, RelabelData.Contents(batch));
        Assert.Throws<ObjectDisposedException>(() => learner.Update(batch, 0, 4));
        Assert.Throws<ObjectDisposedException>(
            () => learner.Act(new float[3], new float[2], 1, true, 1, 1, new float[2]));
        Assert.Throws<ObjectDisposedException>(
            () => derived.LogPartition.Accumulate([1f], 1, 1, new float[1], new float[1]));
        Assert.Throws<ObjectDisposedException>(
            () => new Relabeler(session, RelabelData.GoalFamily, agent, new RelabelOptions()));
    }

    // Runs calls on all threads at once, and returns how many were served: the others were refused.
    private static int Hammer(Action<int> call, int calls)
    {
        using Barrier start = new(Threads);
        int served = 0;
        Exception? unexpected = null;
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(number => new Thread(() =>
        {
            start.SignalAndWait();
            for (int i = 0; i < calls; i++)
            {
                try
                {
                    call(number);
                    Interlocked.Increment(ref served);
                }
                catch (InvalidOperationException error)
                    when (error.Message.EndsWith("serves one thread at a time.", StringComparison.Ordinal))
                {
                }
                catch (Exception error)
                {
                    Interlocked.CompareExchange(ref unexpected, error, null);
                }
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Null(unexpected);
        Assert.InRange(served, 1, Threads * calls);
        return served;
    }

    private static Exception? OnAnotherThread(Action action)
    {
        Exception? error = null;
        Thread thread = new(() => error = Record.Exception(action));
        thread.Start();
        thread.Join();
        return error;
    }

    private static void Refused(Exception? error, string type)
    {
        InvalidOperationException refusal = Assert.IsType<InvalidOperationException>(error);
        Assert.Equal(
            $"This {type} is in the middle of another call; an instance serves one thread at a time.", refusal.Message);
    }
}

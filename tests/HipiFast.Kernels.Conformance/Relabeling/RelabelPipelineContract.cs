using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance.SoftQ;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Conformance.Relabeling;

/// <summary>
/// What every relabel pipeline must do: what its session's kernels say one after the other, and what follows from that.
/// </summary>
public abstract partial class RelabelPipelineContract : KernelContract, IDisposable
{
    private const int Rows = 133;
    private const int Candidates = 40;
    private const float Fraction = 0.7f;
    private const float GoalMix = 0.4f;
    private const float Temperature = 0.8f;

    private readonly SoftQCase _case = new(Rows, Candidates, hidden: 16) { FirstRow = 0 };
    private ComputeSession? _session;

    public static TheoryData<bool, long> Blocks => new()
    {
        { true, long.MaxValue }, { false, long.MaxValue }, { true, 64 * Candidates * 4 },
        { false, 100 * Candidates * 4 }, { true, 1 },
    };

    private ComputeSession Session => _session ??= CreateSession(1);

    public void Dispose()
    {
        _case.Dispose();
        _session?.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public void ACallIsItsKernelsOneAfterTheOther(bool hasPartition, long memoryBudget)
    {
        Call call = new(_case, hasPartition, memoryBudget);
        RelabelSummary summary = call.Run(Session);
        float[] softQ = _case.Compute(Session.SoftQ), logPartition = LogPartition(softQ, hasPartition);
        for (int i = 0; i < logPartition.Length; i++)
        {
            Assert.Equal(logPartition[i], call.LogPartition[i], 1e-4f * Math.Max(1, Math.Abs(logPartition[i])));
        }

        TaskPosterior posterior = new()
        {
            SoftQ = softQ, Rows = Rows, Candidates = Candidates, LogPartition = call.LogPartition,
            Temperature = Temperature,
            Seed = _case.Seed, Call = _case.Call,
        };
        int[] index = new int[Rows], mode = new int[Rows];
        float[] entropy = new float[Rows], logNormalizer = new float[Rows];
        Session.TaskSampling.SampleTasks(
            posterior,
            new TaskSamples { Index = index, Mode = mode, Entropy = entropy, LogNormalizer = logNormalizer });
        int terminated = 0, isMode = 0;
        for (int row = 0; row < Rows; row++)
        {
            PhiloxBlock block = Philox.Next((uint)row, 0, _case.Call, (uint)RandomPurpose.Mixing, _case.Seed);
            bool isRelabeled = Philox.ToUniform(block.X) < Fraction,
                isGoal = isRelabeled && Philox.ToUniform(block.Y) < GoalMix;
            Assert.Equal(isRelabeled && !isGoal ? index[row] : -1, call.TaskIndex[row]);
            ReadOnlySpan<float> task = isGoal
                ? call.Goals.AsSpan(row * 2, 2)
                : isRelabeled ? _case.Task.AsSpan(index[row] * 2, 2) : call.Commanded.AsSpan(row * 2, 2);
            Assert.Equal(task, call.NewTask.AsSpan(row * 2, 2));
            terminated += isRelabeled ? call.Terminated[row] : 0;
            isMode += call.Commanded.AsSpan(row * 2, 2).SequenceEqual(_case.Task.AsSpan(mode[row] * 2, 2)) ? 1 : 0;
        }

        float[] reward = new float[Rows];
        byte[] ends = new byte[Rows];
        _case.Family!.EvaluateRows(
            new TransitionRows(_case.Observation, _case.Action, _case.NextObservation, Rows), call.NewTask, reward,
            ends);
        Assert.Equal(ends, call.Terminated);
        Assert.All(reward.Zip(call.Reward), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        Assert.Equal((-1, -1, -1), (summary.BadRow, summary.UnsampledRow, summary.BadRewardRow));
        Assert.Equal((terminated, isMode), (summary.RelabeledTerminated, summary.CommandedIsMode));
        Assert.Equal(entropy.Sum(value => (double)value), summary.Entropy, 1e-3 * Rows);
        Assert.Equal(Rows, summary.SurpriseCount);
        Assert.Equal(Surprise(posterior, logNormalizer), summary.Surprise, 1e-3 * Rows);
    }

    [Fact]
    public void ABrokenNetworkIsNamed()
    {
        _case.Critic1.Bias(2).Fill(float.NaN);
        _case.Critic1.MarkChanged();
        _case.Twin = TwinCombination.First;
        RelabelSummary summary = new Call(_case, true, long.MaxValue).Run(Session);
        Assert.Equal((0, 0), (summary.BadRow, summary.BadCandidate));
        Assert.True(float.IsNaN(summary.BadValue));
    }

    [Fact]
    public void PreparingChangesNothing()
    {
        Call first = new(_case, true, long.MaxValue), second = new(_case, true, long.MaxValue);
        first.Prepare(Session);
        first.Run(Session);
        second.Run(Session);
        Assert.Equal(first.TaskIndex, second.TaskIndex);
        Assert.Equal(first.LogPartition, second.LogPartition);
    }

    [Fact]
    public void AnObserverSeesEveryRowOnceAndTheTasksStayTheSame()
    {
        Call plain = new(_case, true, 64 * Candidates * 4), watched = new(
            _case, true, 128 * Candidates * 4) { Observer = new Recorder() };
        plain.Run(Session);
        watched.Run(Session);
        Recorder recorder = (Recorder)watched.Observer;
        Assert.Equal(Rows, recorder.Rows);
        Assert.Equal(3, recorder.Blocks);
        Assert.Equal(plain.TaskIndex, watched.TaskIndex);
        Assert.Equal(plain.NewTask, watched.NewTask);
    }

    [Fact]
    public void WhatIsNotCompleteIsRefused()
    {
        Call call = new(_case, true, long.MaxValue);
        call.Reward = new float[Rows - 1];
        Assert.Contains(
            "rewards; found 132", Assert.Throws<ArgumentException>(() => call.Run(Session)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void RepeatedCallsAllocateNothing()
    {
        Call call = new(_case, true, 64 * Candidates * 4);
        AssertAllocatesNothing(() => call.Run(Session));
    }

    private static float[] LogPartition(float[] softQ, bool hasPartition)
    {
        float[] result = new float[hasPartition ? Candidates : 0];
        for (int i = 0; i < result.Length; i++)
        {
            int task = i;
            double max = Enumerable.Range(0, Rows).Max(row => softQ[(row * Candidates) + task]);
            double sum = Enumerable.Range(0, Rows).Sum(row => Math.Exp(softQ[(row * Candidates) + task] - max));
            result[i] = (float)(max + Math.Log(sum / Rows));
        }

        return result;
    }

    // The commanded tasks are the candidates in turn, none of which is there twice.
    private static double Surprise(in TaskPosterior posterior, float[] logNormalizer)
    {
        double sum = 0;
        for (int row = 0; row < Rows; row++)
        {
            int task = row % Candidates;
            double score = posterior.SoftQ[(row * Candidates) + task];
            score -= posterior.LogPartition.IsEmpty ? 0 : posterior.LogPartition[task];
            sum += logNormalizer[row] - (score / Temperature);
        }

        return sum;
    }

    private sealed class Call(SoftQCase data, bool hasPartition, long memoryBudget)
    {
        public float[] Commanded { get; } = [.. Enumerable.Range(0, Rows * 2).Select(
            i => data.Task[(i / 2 % Candidates * 2) + (i % 2)])];

        public float[] Goals { get; } = [.. Enumerable.Range(0, Rows * 2).Select(i => 0.01f * i)];

        public float[] NewTask { get; } = new float[Rows * 2];

        public int[] TaskIndex { get; } = new int[Rows];

        public float[] Reward { get; set; } = new float[Rows];

        public byte[] Terminated { get; } = new byte[Rows];

        public float[] LogPartition { get; } = new float[hasPartition ? Candidates : 0];

        public IRelabelObserver? Observer { get; init; }

        private RelabelProblem Problem => new()
        {
            SoftQ = data.Problem,
            Commanded = Commanded,
            HasPartition = hasPartition,
            Temperature = Temperature,
            RelabelFraction = Fraction,
            GoalMix = GoalMix,
            Goals = Goals,
            MemoryBudget = memoryBudget,
            Observer = Observer,
        };

        public void Prepare(ComputeSession session) => session.RelabelPipeline.Prepare(Problem);

        public RelabelSummary Run(ComputeSession session) => session.RelabelPipeline.Run(Problem, new RelabelOutput
        {
            NewTask = NewTask, TaskIndex = TaskIndex, Reward = Reward, Terminated = Terminated,
            LogPartition = LogPartition,
        });
    }

    private sealed class Recorder : IRelabelObserver
    {
        public bool WantsPosterior => true;

        public int Rows { get; private set; }

        public int Blocks { get; private set; }

        public void OnBlock(in RelabelBlock block)
        {
            Assert.Equal(Rows, block.FirstRow);
            for (int row = 0; row < block.Rows; row++)
            {
                float sum = 0;
                foreach (float probability in block.Posterior.Slice(row * block.Candidates, block.Candidates))
                {
                    sum += probability;
                }

                Assert.Equal(1f, sum, 1e-4f);
            }

            Rows += block.Rows;
            Blocks++;
        }
    }
}

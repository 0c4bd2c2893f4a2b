using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance.Data;
using HipiFast.Kernels.Conformance.SoftQ;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.TaskSampling;

namespace HipiFast.Kernels.Conformance.Relabeling;

/// <summary>
/// Calls far from the ordinary: random networks, observations to 1e30, temperatures from 1e-38 to 1e38, priors shifted
/// by a billion. What a call says of its Q~ agrees with double precision, or the call says that Q~ is not finite.
/// </summary>
public abstract partial class RelabelPipelineContract
{
    // Of a row's sum and of every entry of a posterior.
    private const double PosteriorTolerance = 1e-6;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void AnyCallAgreesWithTheOracleOrIsRefused(int seed)
    {
        RandomData random = new((ulong)(700 + seed));
        int agreed = 0;
        for (int trial = 0; trial < 6; trial++)
        {
            using ExtremeCall call = new(random, (ulong)((10 * seed) + trial));
            Watcher watcher = new(call.Rows, call.Candidates);
            RelabelSummary summary = call.Run(Session, watcher);
            if (summary.BadRow >= 0)
            {
                Assert.False(float.IsFinite(summary.BadValue));
                call.AssertNotFinite(summary.BadRow);
                continue;
            }

            call.AssertLabels(watcher.SoftQ);
            call.AssertLogPartition(watcher.SoftQ);
            call.AssertPosterior(watcher);
            call.AssertSummary(summary, watcher.SoftQ);

            // Without an observer a device goes another way.
            summary = call.Run(Session, null);
            Assert.Equal((-1, -1), (summary.BadRow, summary.UnsampledRow));
            call.AssertLabels(watcher.SoftQ);
            call.AssertLogPartition(watcher.SoftQ);
            call.AssertSummary(summary, watcher.SoftQ);
            agreed++;
        }

        Assert.InRange(agreed, 1, 6);
    }

    private sealed class ExtremeCall : IDisposable
    {
        private readonly SoftQCase _data;
        private readonly float[] _logPrior;
        private readonly float _temperature;
        private readonly float[] _logPartition;
        private readonly float[] _commanded;
        private readonly float[] _newTask;
        private readonly int[] _taskIndex;
        private readonly float[] _reward;
        private readonly byte[] _terminated;
        private readonly long _memoryBudget;

        public ExtremeCall(RandomData random, ulong seed)
        {
            Rows = 2 + (int)(random.Uniform() * 70);
            Candidates = 2 + (int)(random.Uniform() * 40);
            _data = new SoftQCase(Rows, Candidates, hidden: 8, seed: seed) { FirstRow = 0 };
            if (random.Uniform() < 0.6f)
            {
                for (int i = 0; i < _data.Observation.Length; i += 1 + (int)(random.Uniform() * 40))
                {
                    _data.Observation[i] = MathF.Pow(10, random.Uniform(0, 30)) * (random.Uniform() < 0.5f ? -1 : 1);
                }

                _data.Observation[0] = random.Uniform() < 0.5f ? 1e30f : _data.Observation[0];
            }

            // Q~ of about a million: what tells tasks apart is far to the right of its first digits.
            if (random.Uniform() < 0.4f)
            {
                _data.Critic1.Bias(2)[0] += 1e6f;
                _data.Critic2!.Bias(2)[0] += 1e6f;
                _data.Critic1.MarkChanged();
                _data.Critic2!.MarkChanged();
            }

            float exponent = random.Uniform() < 0.5f ? random.Uniform(-38, 38) : random.Uniform(-4, 2);
            _temperature = MathF.Pow(10, exponent);
            float shift = (int)(random.Uniform() * 4) switch { 0 => 1e9f, 1 => -1e9f, _ => 0 };
            _logPrior = random.Uniform() < 0.3f
                ? []
                : [.. random.Uniforms(Candidates, -4, 0).Select(value => value + shift)];
            _logPartition = new float[random.Uniform() < 0.5f ? Candidates : 0];
            _commanded = [.. Enumerable.Range(0, Rows * 2).Select(
                i => _data.Task[(i / 2 % Candidates * 2) + (i % 2)])];
            _memoryBudget = random.Uniform() < 0.3f ? 7L * Candidates * sizeof(float) : long.MaxValue;
            _newTask = new float[Rows * 2];
            _taskIndex = new int[Rows];
            _reward = new float[Rows];
            _terminated = new byte[Rows];
        }

        public int Rows { get; }

        public int Candidates { get; }

        public RelabelSummary Run(ComputeSession session, IRelabelObserver? observer)
        {
            // Nothing that an earlier call has left passes for an answer.
            _newTask.AsSpan().Fill(float.NaN);
            _taskIndex.AsSpan().Fill(-2);
            _reward.AsSpan().Fill(float.NaN);
            _terminated.AsSpan().Fill(byte.MaxValue);
            _logPartition.AsSpan().Fill(float.NaN);
            return session.RelabelPipeline.Run(
                new RelabelProblem
                {
                    SoftQ = _data.Problem,
                    Commanded = _commanded,
                    LogPrior = _logPrior,
                    HasPartition = _logPartition.Length > 0,
                    Temperature = _temperature,
                    RelabelFraction = 1,
                    GoalMix = 0,
                    MemoryBudget = _memoryBudget,
                    Observer = observer,
                },
                new RelabelOutput
                {
                    NewTask = _newTask, TaskIndex = _taskIndex, Reward = _reward, Terminated = _terminated,
                    LogPartition = _logPartition,
                });
        }

        // That the row's scores are beyond a float, or were on the way, says double precision.
        public void AssertNotFinite(int row)
        {
            double[] softQ = SoftQOracle.Compute(_data.Problem);
            double largest = softQ.Skip(row * Candidates).Take(Candidates).Max(Math.Abs);
            Assert.True(!(largest <= float.MaxValue), $"Row {row} is refused, but its largest score is {largest:g3}.");
        }

        public void AssertLabels(float[] softQ)
        {
            int undecided = 0;
            for (int row = 0; row < Rows; row++)
            {
                Choice expected = TaskSamplingOracle.SampleTask(Posterior(softQ), row);
                undecided += expected.Margin > Tolerance.Draw ? 0 : 1;
                Assert.True(
                    expected.Margin <= Tolerance.Draw || expected.Index == _taskIndex[row],
                    $"Row {row} takes task {_taskIndex[row]} instead of {expected.Index} at {_temperature}.");
                Assert.Equal(_data.Task.AsSpan(2 * _taskIndex[row], 2), _newTask.AsSpan(2 * row, 2));
            }

            Assert.InRange(undecided, 0, 1 + (Rows / 10));
        }

        public void AssertLogPartition(float[] softQ)
        {
            if (_logPartition.Length > 0)
            {
                double[] expected = LogPartitionOracle.Compute(softQ, Rows, Candidates);
                for (int i = 0; i < Candidates; i++)
                {
                    Assert.Equal(expected[i], _logPartition[i], 2e-5 + (2e-7 * Math.Abs(expected[i])));
                }
            }
        }

        public void AssertPosterior(Watcher watcher)
        {
            for (int row = 0; row < Rows; row++)
            {
                double[] expected = TaskSamplingOracle.Posterior(Posterior(watcher.SoftQ), row);
                double sum = 0;
                for (int i = 0; i < Candidates; i++)
                {
                    float found = watcher.Posterior[(row * Candidates) + i];
                    sum += found;
                    Assert.Equal(expected[i], found, PosteriorTolerance);
                }

                Assert.Equal(1, sum, PosteriorTolerance);
            }
        }

        public void AssertSummary(in RelabelSummary summary, float[] softQ)
        {
            double entropy = 0, surprise = 0;
            for (int row = 0; row < Rows; row++)
            {
                double[] distances = TaskSamplingOracle.Distances(Posterior(softQ), row);
                double logSum = LogPartitionOracle.LogSumExp(distances);
                entropy -= distances.Sum(distance => Math.Exp(distance - logSum) * (distance - logSum));
                surprise += logSum - distances[row % Candidates];
            }

            Assert.Equal(entropy, summary.Entropy, 1e-3 * Rows);
            Assert.Equal(Rows, summary.SurpriseCount);
            if (surprise < 1e37)
            {
                Assert.Equal(surprise, summary.Surprise, (1e-3 * Rows) + (1e-4 * surprise));
            }
        }

        public void Dispose() => _data.Dispose();

        private TaskPosterior Posterior(float[] softQ) => new()
        {
            SoftQ = softQ, Rows = Rows, Candidates = Candidates, LogPartition = _logPartition, LogPrior = _logPrior,
            Temperature = _temperature, Seed = _data.Seed, Call = _data.Call,
        };
    }

    private sealed class Watcher(int rows, int candidates) : IRelabelObserver
    {
        public bool WantsPosterior => true;

        public float[] SoftQ { get; } = new float[rows * candidates];

        public float[] Posterior { get; } = new float[rows * candidates];

        public void OnBlock(in RelabelBlock block)
        {
            block.SoftQ.CopyTo(SoftQ.AsSpan(block.FirstRow * candidates));
            block.Posterior.CopyTo(Posterior.AsSpan(block.FirstRow * candidates));
        }
    }
}

using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Kernels.Threading;
using HipiFast.Testing;

namespace HipiFast.Kernels.Tests.SoftQ;

/// <summary>
/// The managed soft-Q kernel against its own plain reference, with every micro-kernel that runs here.
/// </summary>
public sealed class ManagedSoftQTests
{
    /// <summary>Of the spread of Q~: the conformance bound of the backends is 1e-4.</summary>
    private const double Tolerance = 2e-5;

    public static TheoryData<string> Kernels
    {
        get
        {
            TheoryData<string> data = [];
            foreach (VectorKind kind in Supported)
            {
                data.Add(kind.ToString());
            }

            return data;
        }
    }

    private static IEnumerable<VectorKind> Supported =>
        Enum.GetValues<VectorKind>().Where(kind => new ManagedBackend(kind).IsSupported(out _));

    [Theory]
    [MemberData(nameof(Kernels))]
    public void EveryShapeAndEstimatorAgreesWithTheReference(string kernel)
    {
        (int Rows, int Candidates)[] sizes = [(1, 1), (1, 3), (3, 1), (5, 17), (33, 7), (16, 16), (2, 40), (70, 3)];
        int[] hidden = [1, 7, 16, 32, 64, 100];
        int[] actions = [1, 2, 7, 40];
        int variant = 0;
        foreach ((int rows, int candidates) in sizes)
        {
            foreach (int h in hidden)
            {
                // Every estimator meets every size and width; the other options take turns.
                foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
                {
                    variant++;
                    using Case data = new(
                        rows, candidates, 1 + (variant % 5), actions[variant % 4], 1 + (variant % 3), h,
                        (ulong)variant);
                    data.Estimator = estimator;
                    data.Twin = (TwinCombination)(variant % 3);
                    data.HasCritic2 = variant % 7 != 0;
                    data.Range = variant % 4 == 0 ? new CriticRange(-20f, 5f) : default;
                    data.HasFamily = estimator == SoftQEstimator.Bellman || variant % 2 == 0;
                    data.ExactTerminalValue = variant % 5 != 0;
                    data.Alpha = variant % 6 == 0 ? 0f : 0.3f;
                    data.AssertAgrees(kernel, $"{estimator}, B {rows}, K {candidates}, H {h}, variant {variant}");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void WideNetworksAndSeveralChunksAgreeWithTheReference(string kernel)
    {
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            using Case wide = new(9, 18, 5, 3, 2, 256, 1) { Estimator = estimator };
            wide.AssertAgrees(kernel, $"{estimator}, H 256");
            using Case longRows = new(150, 140, 3, 2, 2, 16, 2) { Estimator = estimator };
            longRows.AssertAgrees(kernel, $"{estimator}, several chunks on both sides");
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void ActorAndCriticsMayDifferInWidth(string kernel)
    {
        using Case data = new(13, 21, 4, 2, 3, 24, 5, actorHidden: 77) { Estimator = SoftQEstimator.Bellman };
        data.AssertAgrees(kernel, "actor wider than the critics");
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void ThreadCountDoesNotChangeABit(string kernel)
    {
        WorkerPool pool = new(5);
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            using Case data = new(150, 70, 4, 3, 2, 48, 3) { Estimator = estimator };
            float[] one = data.Compute(kernel, 1, pool);
            for (int threads = 2; threads <= 5; threads++)
            {
                AssertSameBits(one, data.Compute(kernel, threads, pool));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void BlocksOfRowsAgreeWithTheWhole(string kernel)
    {
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            // The blocks differ in which side lies along the lanes.
            using Case data = new(37, 20, 4, 5, 2, 33, 4) { Estimator = estimator };
            float[] whole = data.Compute(kernel, 1, WorkerPool.Shared);
            foreach (int length in new[] { 1, 5, 16 })
            {
                for (int first = 0; first < data.Rows; first += length)
                {
                    int count = Math.Min(length, data.Rows - first);
                    float[] block = data.Compute(kernel, 1, WorkerPool.Shared, first, count);
                    AssertSameBits(whole.AsSpan(first * data.Candidates, block.Length), block);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void NaNStaysInTheRowOrColumnItCameFrom(string kernel)
    {
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            using Case data = new(6, 19, 3, 2, 2, 20, 6)
            {
                Estimator = estimator,
                HasFamily = estimator == SoftQEstimator.Bellman,
                Gamma = 1f,
            };
            data.NextObservation[(4 * 3) + 1] = data.Observation[(4 * 3) + 1] = float.NaN;
            data.Task[7 * 2] = float.NaN;
            float[] result = data.Compute(kernel, 1, WorkerPool.Shared);
            for (int j = 0; j < 6; j++)
            {
                for (int i = 0; i < 19; i++)
                {
                    Assert.Equal(j == 4 || i == 7, float.IsNaN(result[(j * 19) + i]));
                }
            }
        }
    }

    [Fact]
    public void LogStandardDeviationOfNaNStaysNaN()
    {
        using Case data = new(3, 3, 2, 1, 2, 8, 7)
        {
            Estimator = SoftQEstimator.SoftCritic,
            ExactTerminalValue = false,
        };
        data.Actor.Bias(2)[1] = float.NaN;
        data.Actor.MarkChanged();
        Assert.All(
            data.Compute(nameof(VectorKind.Portable), 1, WorkerPool.Shared), value => Assert.True(float.IsNaN(value)));
    }

    [Fact]
    public void ChangedParametersAreSeen()
    {
        using Case data = new(4, 4, 2, 1, 2, 8, 8);
        using ManagedSoftQ kernel = Make(1, VectorKind.Portable, WorkerPool.Shared);
        float[] before = data.Compute(kernel), again = data.Compute(kernel);
        Assert.Equal(before, again);
        data.Critic1.WeightRow(1, 0)[0] += 1f;
        data.Critic1.Bias(2)[0] -= 100f;
        data.Critic1.MarkChanged();
        float[] after = data.Compute(kernel), fresh = data.Compute(nameof(VectorKind.Portable), 1, WorkerPool.Shared);
        Assert.Equal(fresh, after);
        Assert.True(before[0] - after[0] > 50f);
    }

    [Fact]
    public void SteadyStateAllocatesNothing()
    {
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            using Case data = new(64, 64, 4, 2, 2, 64, 9) { Estimator = estimator };
            using ManagedSoftQ kernel = Make(2, VectorKinds.Best, WorkerPool.Shared);
            float[] result = new float[64 * 64];
            SoftQProblem problem = data.Problem(0, 64);
            for (int i = 0; i < 3; i++)
            {
                kernel.Compute(problem, result);
            }

            SteadyState.AssertAllocatesNothing(() =>
            {
                data.Critic1.MarkChanged();
                kernel.Compute(data.Problem(0, 64), result);
            });
        }
    }

    [Fact]
    public void VectorNoiseIsTheScalarNoise()
    {
        foreach (VectorKind kernel in Supported)
        {
            // With this actor, a' = tanh(n): the noise shows in a critic that returns one action entry (shifted to stay
            // above ReLU's bend).
            using Case data = new(7, 9, 1, 6, 2, 16, 10)
            {
                Estimator = SoftQEstimator.Bellman,
                Alpha = 0f,
                Gamma = 1f,
                HasCritic2 = false,
            };
            data.Actor.Values.Clear();
            data.Actor.MarkChanged();
            data.ZeroRewards();
            for (int d = 0; d < 6; d++)
            {
                data.Critic1.Values.Clear();
                data.Critic1.WeightRow(0, 1 + d)[0] = 1f;
                data.Critic1.Bias(0)[0] = 2f;
                data.Critic1.WeightRow(1, 0)[0] = 1f;
                data.Critic1.WeightRow(2, 0)[0] = 1f;
                data.Critic1.MarkChanged();
                float[] result = data.Compute(kernel.ToString(), 1, WorkerPool.Shared);
                for (int pair = 0; pair < result.Length; pair++)
                {
                    uint purpose = 4u + (256u * (uint)(d / 4));
                    PhiloxBlock block = Philox.Next(
                        (uint)(pair % 9), data.FirstRow + (uint)(pair / 9), data.Call, purpose, data.Seed);
                    (float cosine, float sine) = d % 4 < 2
                        ? Philox.ToNormals(block.X, block.Y)
                        : Philox.ToNormals(block.Z, block.W);
                    Assert.Equal(2f + MathF.Tanh(d % 2 == 0 ? cosine : sine), result[pair], 2e-6f);
                }
            }
        }
    }

    [Fact]
    public void IncompleteOrDisagreeingProblemsAreRefused()
    {
        using ManagedSoftQ kernel = Make(1, VectorKind.Portable, WorkerPool.Shared);
        AssertRefused(kernel, data => data.Rows = 0, "number of transitions (rows) is 0");
        AssertRefused(kernel, data => data.Candidates = 0, "number of candidate tasks is 0");
        AssertRefused(kernel, data => data.Observation = new float[5], "for observations; found 5");
        AssertRefused(kernel, data => data.Action = new float[5], "for actions; found 5");
        AssertRefused(kernel, data => data.NextObservation = [], "for next observations; found 0");
        AssertRefused(kernel, data => data.Task = new float[5], "for candidate tasks; found 5");
        AssertRefused(kernel, data => data.HasFamily = false, "needs a task family");
        AssertRefused(kernel, data => data.HasActor = false, "actor is missing");
        AssertRefused(kernel, data => data.Alpha = -1f, "alpha is -1");
        AssertRefused(kernel, data => data.Alpha = float.NaN, "alpha is NaN");
        AssertRefused(kernel, data => data.Gamma = 1.5f, "gamma is 1.5");
        AssertRefused(kernel, data => data.Range = new CriticRange(1f, float.PositiveInfinity), "critic's range");
        AssertRefused(kernel, data => data.SwapCriticForActor(), "first critic has");
        using Case tooShort = new(3, 4, 2, 2, 2, 8, 11);
        ArgumentException exception = Assert.Throws<ArgumentException>(
            () => kernel.Compute(tooShort.Problem(0, 3), new float[11]));
        Assert.Contains("soft-Q result; found 11", exception.Message, StringComparison.Ordinal);
    }

    private static ManagedSoftQ Make(int threads, VectorKind kind, WorkerPool pool) =>
        new(threads, SoftQMicroKernel.For(kind), kind, pool);

    private static void AssertRefused(ManagedSoftQ kernel, Action<Case> spoil, string expected)
    {
        using Case data = new(3, 4, 2, 2, 2, 8, 12) { Estimator = SoftQEstimator.Bellman };
        spoil(data);
        float[] result = new float[data.Rows * data.Candidates];
        ArgumentException exception = Assert.Throws<ArgumentException>(
            () => kernel.Compute(data.Problem(0, data.Rows), result));
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    private static void AssertSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(BitConverter.SingleToInt32Bits(expected[i]), BitConverter.SingleToInt32Bits(actual[i]));
        }
    }

    /// <summary>
    /// Ends where the first observation entry and the first task entry have the same sign; the reward depends on
    /// everything.
    /// </summary>
    private readonly struct SignFamily(int taskDimension, float scale) : ITaskFamily
    {
        public int TaskDimension { get; } = taskDimension;

        public bool HasAchievedTask => false;

        public float Reward<TVector>(in TaskPair<TVector> pair)
            where TVector : struct, IVector =>
            scale * (
                pair.Observation[0] + (2f * pair.Action[0]) + (3f * pair.NextObservation[0]) + (4f * pair.Task[0]));

        public bool Terminates<TVector>(in TaskPair<TVector> pair)
            where TVector : struct, IVector => scale != 0f && pair.Observation[0] * pair.Task[0] > 0f;

        public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
            where TVector : struct, IVector => 0f;
    }

    private sealed class Case : IDisposable
    {
        private readonly int _observationDimension;
        private readonly int _actionDimension;
        private readonly int _taskDimension;
        private readonly MlpParameters _critic2;
        private TaskFamily _family;
        private bool _swapped;

        public Case(int rows, int candidates, int s, int a, int p, int hidden, ulong seed, int actorHidden = 0)
        {
            (Rows, Candidates, _observationDimension, _actionDimension, _taskDimension, Seed) = (
                rows, candidates, s, a, p, seed);
            Observation = Draw(rows * s, 1, 1f);
            Action = Draw(rows * a, 2, 1f);
            NextObservation = Draw(rows * s, 3, 1f);
            Task = Draw(candidates * p, 4, 1f);

            // On the boundary of the action space, where the log-probability clamps.
            Action[0] = 1f;
            Action[^1] = -1f;
            Critic1 = Network(s + a + p, hidden, 1, 5);
            _critic2 = Network(s + a + p, hidden, 1, 6);
            Actor = Network(s + p, actorHidden > 0 ? actorHidden : hidden, 2 * a, 7);
            _family = TaskFamily.Create(new SignFamily(p, 0.5f));
        }

        public int Rows { get; set; }

        public int Candidates { get; set; }

        public float[] Observation { get; set; }

        public float[] Action { get; set; }

        public float[] NextObservation { get; set; }

        public float[] Task { get; set; }

        public MlpParameters Critic1 { get; }

        public MlpParameters Actor { get; }

        public SoftQEstimator Estimator { get; set; }

        public TwinCombination Twin { get; set; }

        public CriticRange Range { get; set; }

        public float Alpha { get; set; } = 0.3f;

        public float Gamma { get; set; } = 0.95f;

        public bool HasCritic2 { get; set; } = true;

        public bool HasActor { get; set; } = true;

        public bool HasFamily { get; set; } = true;

        public bool ExactTerminalValue { get; set; } = true;

        public ulong Seed { get; }

        public uint Call => 77;

        public uint FirstRow => 1000;

        public void ZeroRewards() => _family = TaskFamily.Create(new SignFamily(_taskDimension, 0f));

        public void SwapCriticForActor() => _swapped = true;

        public SoftQProblem Problem(int first, int count)
        {
            int s = _observationDimension, a = _actionDimension;
            bool whole = first == 0 && count == Rows;
            return new SoftQProblem
            {
                Observation = whole ? Observation : Observation.AsSpan(first * s, count * s),
                Action = whole ? Action : Action.AsSpan(first * a, count * a),
                NextObservation = whole ? NextObservation : NextObservation.AsSpan(first * s, count * s),
                Task = Task,
                Rows = count,
                Candidates = Candidates,
                ObservationDimension = s,
                ActionDimension = a,
                TaskDimension = _taskDimension,
                Estimator = Estimator,
                Critic1 = _swapped ? Actor : Critic1,
                Critic2 = HasCritic2 ? _critic2 : null,
                Actor = HasActor ? Actor : null,
                Twin = Twin,
                CriticRange = Range,
                Alpha = Alpha,
                Gamma = Gamma,
                Family = HasFamily ? _family : null,
                ExactTerminalValue = ExactTerminalValue,
                Seed = Seed,
                Call = Call,
                FirstRow = FirstRow + (uint)first,
            };
        }

        public float[] Compute(string kernel, int threads, WorkerPool pool, int first = 0, int count = -1)
        {
            using ManagedSoftQ softQ = Make(threads, Enum.Parse<VectorKind>(kernel), pool);
            return Compute(softQ, first, count < 0 ? Rows : count);
        }

        public float[] Compute(ManagedSoftQ kernel) => Compute(kernel, 0, Rows);

        public void AssertAgrees(string kernel, string what)
        {
            float[] actual = Compute(kernel, 1, WorkerPool.Shared);
            double[] expected = SoftQOracle.Compute(Problem(0, Rows));

            // With a single pair the spread is 0: the size of the values then sets the scale.
            double scale = Math.Max(1, expected.Max() - expected.Min());
            for (int i = 0; i < actual.Length; i++)
            {
                double error = Math.Abs(actual[i] - expected[i]);
                double allowed = Tolerance * Math.Max(scale, Math.Abs(expected[i]));
                Assert.True(error <= allowed, $"{kernel}, {what}: pair {i} is {actual[i]}, expected {expected[i]}.");
            }
        }

        public void Dispose()
        {
            Critic1.Dispose();
            _critic2.Dispose();
            Actor.Dispose();
        }

        private float[] Compute(ManagedSoftQ kernel, int first, int count)
        {
            float[] result = new float[count * Candidates];
            kernel.Compute(Problem(first, count), result);
            return result;
        }

        private MlpParameters Network(int inputs, int hidden, int outputs, uint stream)
        {
            MlpParameters network = new(new MlpShape(inputs, hidden, outputs));
            network.Initialize(Seed, stream);

            // Outputs of the default initialisation are tiny; larger last layers make every pair count.
            for (int h = 0; h < hidden; h++)
            {
                foreach (ref float weight in network.WeightRow(2, h))
                {
                    weight *= 4f;
                }
            }

            return network;
        }

        private float[] Draw(int count, uint stream, float bound)
        {
            float[] values = new float[count];
            for (int i = 0; i < count; i++)
            {
                uint bits = Philox.Next((uint)i, 0, stream, (uint)RandomPurpose.SyntheticData, Seed).X;
                values[i] = bound * ((2f * Philox.ToUniform(bits)) - 1f);
            }

            return values;
        }
    }
}

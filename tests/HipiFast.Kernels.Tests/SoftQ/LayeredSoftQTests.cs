using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance;
using HipiFast.Kernels.Conformance.Data;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Random;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Threading;

namespace HipiFast.Kernels.Tests.SoftQ;

/// <summary>
/// The soft-Q kernel of networks of any layers against its double-precision oracle, on every kind of vector that runs
/// here.
/// </summary>
public sealed class LayeredSoftQTests
{
    /// <summary>Of the spread of Q~: the conformance bound of the backends is 1e-4.</summary>
    private const double OfSpread = 2e-5;

    private static readonly int[][] s_widths =
    [
        [1], [16], [7, 3], [64, 64], [33, 20, 48], [17, 1, 9], [32, 32, 32, 32, 32],
        [9, 8, 7, 6, 5, 16, 17, 18, 19, 20, 33, 32, 31, 30, 8, 24],
    ];

    public static TheoryData<string> Kinds => [.. Supported.Select(kind => kind.ToString())];

    public static TheoryData<string, string> KindsAndActivations
    {
        get
        {
            TheoryData<string, string> data = [];
            foreach (VectorKind kind in Supported)
            {
                foreach (Activation activation in Enum.GetValues<Activation>())
                {
                    data.Add(kind.ToString(), activation.ToString());
                }
            }

            return data;
        }
    }

    private static IEnumerable<VectorKind> Supported =>
        Enum.GetValues<VectorKind>().Where(kind => new ManagedBackend(kind).IsSupported(out _));

    [Theory]
    [MemberData(nameof(KindsAndActivations))]
    public void EveryActivationWithAndWithoutNormalisationAgreesWithTheOracle(string kindName, string activationName)
    {
        VectorKind kind = Enum.Parse<VectorKind>(kindName);
        LayerStep activation = new(Enum.Parse<Activation>(activationName));
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            LayeredCase data = new(9, 20) { Estimator = estimator };
            (string Name, Func<int, IReadOnlyList<LayerStep>> Steps)[] forms =
            [
                ("plain", _ => [activation]),
                ("norm before", width => [data.Norm(width), activation]),
                ("norm after", width => [activation, data.Norm(width, 1e-3f)]),
            ];
            foreach ((string name, Func<int, IReadOnlyList<LayerStep>> steps) in forms)
            {
                data.Build([24, 40], steps);
                data.AssertAgrees(kind, OfSpread, $"{estimator}, {activationName}, {name}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void EveryDepthAndWidthAgreesWithTheOracle(string kindName)
    {
        VectorKind kind = Enum.Parse<VectorKind>(kindName);
        int variant = 0;
        foreach (int[] widths in s_widths)
        {
            foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
            {
                variant++;
                LayeredCase data = new(7, 18, 1 + (variant % 5), 1 + (variant % 4), 1 + (variant % 3), (ulong)variant)
                {
                    Estimator = estimator,
                    Twin = (TwinCombination)(variant % 3),
                    ExactTerminalValue = variant % 2 == 0,
                    Alpha = variant % 5 == 0 ? 0 : 0.1f,
                };

                // A layer of one unit is 0 once normalised, and cut off half the time once rectified.
                bool isNarrow = widths.Contains(1);
                data.Build(
                    widths, width => isNarrow || variant % 2 == 0
                        ? [new LayerStep(Activation.Silu)]
                        : [data.Norm(width), new LayerStep(Activation.Relu)],
                    critics: 1 + (variant % 4));
                data.AssertAgrees(kind, OfSpread, $"{estimator}, widths {string.Join(' ', widths)}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void EverySizeAgreesWithTheOracle(string kindName)
    {
        VectorKind kind = Enum.Parse<VectorKind>(kindName);
        (int, int)[] sizes =
            [(1, 1), (1, 2), (2, 1), (3, 17), (17, 3), (16, 16), (67, 129), (129, 5), (1, 257), (257, 1)];
        foreach ((int rows, int candidates) in sizes)
        {
            foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
            {
                LayeredCase data = new(rows, candidates) { Estimator = estimator, ExactTerminalValue = true };
                data.Build([12, 9, 20], width => [data.Norm(width), new LayerStep(Activation.Relu)]);
                data.AssertAgrees(kind, OfSpread, $"{estimator}, {rows} x {candidates}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void WideLayersAgreeWithTheOracle(string kindName)
    {
        // Deeper than a block of the depth, and no multiple of one.
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            LayeredCase data = new(5, 17) { Estimator = estimator };
            data.Build([256, 300, 130], width => [data.Norm(width), new LayerStep(Activation.Tanh)]);
            data.AssertAgrees(Enum.Parse<VectorKind>(kindName), OfSpread, $"{estimator}, wide");
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void LinearCriticsAndPlainNormalisationsAgreeWithTheOracle(string kindName)
    {
        VectorKind kind = Enum.Parse<VectorKind>(kindName);
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            LayeredCase data = new(6, 19) { Estimator = estimator };
            data.Build([], _ => []);
            data.AssertAgrees(kind, OfSpread, $"{estimator}, linear");
            LayerStep plain = new(new LayerNorm(default, default, 1e-5f));
            data.Build([20], _ => [plain, new LayerStep(Activation.Elu)]);
            data.AssertAgrees(kind, OfSpread, $"{estimator}, normalisation without factors");
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TaskEncodersAgreeWithTheOracle(string kindName)
    {
        VectorKind kind = Enum.Parse<VectorKind>(kindName);
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            // More tasks than a chunk of encodings, so that threads share them.
            LayeredCase data = new(3, 450, task: 3) { Estimator = estimator };
            data.Build([16, 16], _ => [new LayerStep(Activation.Relu)]);
            LayeredNetwork Encoder(int outputs) => data.Network(
                3, [10, 11], outputs, width => [data.Norm(width), new LayerStep(Activation.Elu)], gain: 1);
            LayeredNetwork shared = Encoder(5);
            LayeredNetwork[] critics =
                [data.Network(12, [16, 16], 1, _ => [new LayerStep(Activation.Relu)], gain: 4)];
            LayeredNetwork actor = data.Network(9, [16], 6, _ => [new LayerStep(Activation.Relu)], gain: 1);
            data.Agent = data.Agent with
            {
                Critics = critics, Actor = actor, CriticTaskEncoder = shared, ActorTaskEncoder = shared,
            };
            data.AssertAgrees(kind, OfSpread, $"{estimator}, one encoder");
            data.Agent = data.Agent with { ActorTaskEncoder = Encoder(5) };
            data.AssertAgrees(kind, OfSpread, $"{estimator}, two encoders");
            data.Agent = data.Agent with
            {
                CriticTaskEncoder = null,
                Critics = [data.Network(10, [16, 16], 1, _ => [new LayerStep(Activation.Relu)], gain: 4)],
            };
            data.AssertAgrees(kind, OfSpread, $"{estimator}, the actor's encoder alone");
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void PoliciesOfScaledActionsAndSquashedDeviationsAgreeWithTheOracle(string kindName)
    {
        VectorKind kind = Enum.Parse<VectorKind>(kindName);
        foreach (SoftQEstimator estimator in (SoftQEstimator[])[SoftQEstimator.SoftCritic, SoftQEstimator.Bellman])
        {
            LayeredCase data = new(8, 21) { Estimator = estimator };
            data.Build([20, 20, 20], _ => [new LayerStep(Activation.Relu)]);
            data.Agent = data.Agent with
            {
                ActionScale = new float[] { 2, 0.5f, 3 },
                ActionBias = new float[] { 1, 0, -1 },
                LogStd = new LogStdRule(-5, 2, true),
            };
            for (int i = 0; i < data.Action.Length; i++)
            {
                data.Action[i] = (data.Action[i] * data.Agent.ActionScale.Span[i % 3])
                    + data.Agent.ActionBias.Span[i % 3];
            }

            data.AssertAgrees(kind, OfSpread, $"{estimator}, scaled");
            data.Agent = data.Agent with { LogStd = new LogStdRule(-1, 0.2f, false) };
            data.AssertAgrees(kind, OfSpread, $"{estimator}, clamped");
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void DiscreteActionsAgreeWithTheOracle(string kindName)
    {
        VectorKind kind = Enum.Parse<VectorKind>(kindName);
        RandomData random = new(7);
        foreach (bool isOneHot in (bool[])[false, true])
        {
            foreach ((int rows, int candidates) in ((int, int)[])[(37, 11), (3, 70), (1, 1), (70, 2)])
            {
                LayeredCase data = new(rows, candidates, action: isOneHot ? 5 : 1) { ExactTerminalValue = rows > 3 };
                data.Action.AsSpan().Clear();
                for (int row = 0; row < rows; row++)
                {
                    int number = (int)random.Uniform(0, 5);
                    data.Action[isOneHot ? (row * 5) + number : row] = isOneHot ? 1 : number;
                }

                data.Agent = new LayeredAgent
                {
                    ObservationDimension = 4,
                    ActionDimension = data.ActionDimension,
                    TaskDimension = 2,
                    IsDiscrete = true,
                    Critics =
                    [
                        .. Enumerable.Range(0, 2).Select(_ => data.Network(
                            6, [24, 17], 5, width => [data.Norm(width), new LayerStep(Activation.Relu)], gain: 4)),
                    ],
                };
                data.AssertAgrees(kind, OfSpread, $"one-hot {isOneHot}, {rows} x {candidates}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheStandardFormEqualsTheKernelOfTwoLayers(string kindName)
    {
        VectorKind kind = Enum.Parse<VectorKind>(kindName);
        LayeredCase data = new(33, 40);
        data.Build([48, 48], _ => [new LayerStep(Activation.Relu)]);
        using MlpParameters critic1 = Parameters(data.Agent.Critics[0]), critic2 = Parameters(data.Agent.Critics[1]);
        using MlpParameters actor = Parameters(data.Agent.Actor!);
        using ManagedSoftQ managed = new(2, SoftQMicroKernel.For(kind), kind, WorkerPool.Shared);
        using LayeredSoftQ layered = data.Kernel(kind);
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            foreach (TwinCombination twin in Enum.GetValues<TwinCombination>())
            {
                (data.Estimator, data.Twin) = (estimator, twin);
                float[] expected = new float[33 * 40];
                managed.Compute(
                    data.Problem with { OmitsNetworks = false, Critic1 = critic1, Critic2 = critic2, Actor = actor },
                    expected);
                Tolerance.AssertSame(expected, data.Compute(layered), $"{estimator}, {twin}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ThreadsAndBlocksOfRowsChangeNoBit(string kindName)
    {
        VectorKind kind = Enum.Parse<VectorKind>(kindName);
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            LayeredCase data = new(70, 90) { Estimator = estimator, ExactTerminalValue = true };
            data.Build([40, 24, 33], width => [data.Norm(width), new LayerStep(Activation.Tanh)]);
            using LayeredSoftQ one = data.Kernel(kind, 1);
            float[] expected = data.Compute(one);
            foreach (int threads in (int[])[2, 3])
            {
                using LayeredSoftQ several = data.Kernel(kind, threads);
                Tolerance.AssertSame(expected, data.Compute(several), $"{estimator} on {threads} threads");
                Tolerance.AssertSame(expected, data.Compute(several), $"{estimator} again");
            }

            foreach (int length in (int[])[1, 7, 32])
            {
                for (int first = 0; first < data.Rows; first += length)
                {
                    int count = Math.Min(length, data.Rows - first);
                    float[] block = new float[count * data.Candidates];
                    one.Compute(data.Block(first, count), block);
                    ReadOnlySpan<float> whole = expected.AsSpan(first * data.Candidates, block.Length);
                    Tolerance.AssertSame(whole, block, $"{estimator}, block at {first}");
                }
            }
        }
    }

    [Fact]
    public void NetworksTooLargeForACopyEachAreShared()
    {
        LayeredCase data = new(40, 33);
        data.Build([1100, 1000, 1000], _ => [new LayerStep(Activation.Relu)], critics: 1);
        using LayeredSoftQ one = data.Kernel(VectorKinds.Best, 1), two = data.Kernel(VectorKinds.Best, 2);
        float[] expected = data.Compute(one);
        Tolerance.AssertSame(expected, data.Compute(two), "shared networks");
        (int Row, int Task)[] pairs = [(0, 0), (13, 7), (39, 32)];
        double[] oracle = new LayeredOracle(data.Agent).Compute(data.Problem, pairs);
        double tolerance = 1e-4 * Math.Max(1, oracle.Max(Math.Abs));
        for (int i = 0; i < pairs.Length; i++)
        {
            Assert.Equal(oracle[i], expected[(pairs[i].Row * 33) + pairs[i].Task], tolerance);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void BadInputSpoilsItsOwnRowAndColumnOnly(float bad)
    {
        foreach (VectorKind kind in Supported)
        {
            foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
            {
                foreach (Activation activation in Enum.GetValues<Activation>())
                {
                    LayeredCase data = new(9, 20) { Estimator = estimator };
                    data.Build([10, 10], width => [data.Norm(width), new LayerStep(activation)]);
                    using LayeredSoftQ kernel = data.Kernel(kind);
                    float[] good = data.Compute(kernel);
                    data.Observation[4 * 4] = bad;
                    data.NextObservation[4 * 4] = bad;
                    data.Task[(13 * 2) + 1] = bad;
                    float[] spoiled = data.Compute(kernel);
                    for (int pair = 0; pair < good.Length; pair++)
                    {
                        bool touched = pair / 20 == 4 || pair % 20 == 13;
                        Assert.True(
                            touched ? !float.IsFinite(spoiled[pair]) : spoiled[pair] == good[pair],
                            $"{kind}, {estimator}, {activation}: pair {pair} is {spoiled[pair]}, was {good[pair]}.");
                    }
                }
            }
        }
    }

    [Fact]
    public void AnInfiniteCriticDoesNotHideBehindTheOthers()
    {
        foreach (int bad in (int[])[0, 1, 2])
        {
            foreach (float value in (float[])[float.PositiveInfinity, float.NegativeInfinity, float.NaN])
            {
                LayeredCase data = new(3, 18);
                data.Build([8], _ => [new LayerStep(Activation.Relu)], critics: 3);
                LayeredNetwork[] critics = [.. data.Agent.Critics];
                DenseLayer last = critics[bad].Layers[^1];
                critics[bad] = new LayeredNetwork(
                    critics[bad].Layers[0], new DenseLayer(last.Inputs, 1, last.Weight, new[] { value }));
                data.Agent = data.Agent with { Critics = critics };
                using LayeredSoftQ kernel = data.Kernel(VectorKinds.Best);
                foreach (TwinCombination twin in (TwinCombination[])[TwinCombination.Min, TwinCombination.Mean])
                {
                    data.Twin = twin;
                    Assert.All(data.Compute(kernel), entry => Assert.False(float.IsFinite(entry)));
                }
            }
        }
    }

    [Fact]
    public void NothingIsReadOrWrittenOutsideTheSpans()
    {
        foreach (GuardSide side in Enum.GetValues<GuardSide>())
        {
            foreach ((int rows, int candidates) in ((int, int)[])[(1, 1), (3, 17), (33, 5)])
            {
                foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
                {
                    LayeredCase data = new(rows, candidates) { Estimator = estimator };
                    data.Build([9, 20, 5], width => [data.Norm(width), new LayerStep(Activation.Relu)]);
                    LayeredNetwork encoder = data.Network(2, [7], 2, _ => [new LayerStep(Activation.Tanh)], gain: 1);
                    data.Agent = data.Agent with { CriticTaskEncoder = encoder };
                    using LayeredSoftQ kernel = data.Kernel(VectorKinds.Best);
                    float[] expected = data.Compute(kernel);
                    using GuardedFloats observation = new(data.Observation, side), action = new(data.Action, side);
                    using GuardedFloats next = new(data.NextObservation, side), task = new(data.Task, side);
                    using GuardedFloats softQ = new(expected.Length, side);
                    SoftQProblem guarded = data.Problem with
                    {
                        Observation = observation.Span,
                        Action = action.Span,
                        NextObservation = next.Span,
                        Task = task.Span,
                    };
                    kernel.Compute(guarded, softQ.Span);
                    softQ.AssertSurroundingsUntouched();
                    Tolerance.AssertSame(expected, softQ.Span, $"{estimator} between guards");
                }
            }
        }
    }

    [Fact]
    public void RepeatedCallsAllocateNothing()
    {
        foreach (SoftQEstimator estimator in Enum.GetValues<SoftQEstimator>())
        {
            LayeredCase data = new(64, 50) { Estimator = estimator, ExactTerminalValue = true };
            data.Build([32, 32, 32], width => [data.Norm(width), new LayerStep(Activation.Relu)], critics: 3);
            data.Agent = data.Agent with
            {
                CriticTaskEncoder = data.Network(2, [7], 2, _ => [new LayerStep(Activation.Tanh)], gain: 1),
            };
            using LayeredSoftQ kernel = data.Kernel(VectorKinds.Best);
            float[] softQ = new float[64 * 50];
            long allocated = long.MaxValue;
            for (int attempt = 0; attempt < 3 && allocated > 0; attempt++)
            {
                kernel.Compute(data.Problem, softQ);
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int call = 0; call < 10; call++)
                {
                    kernel.Compute(data.Problem, softQ);
                }

                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            }

            Assert.Equal(0, allocated);
        }
    }

    [Fact]
    public void WhatDoesNotFitIsRefusedInOneSentence()
    {
        LayeredCase data = new(4, 5);
        data.Build([8, 8], _ => [new LayerStep(Activation.Relu)]);
        using LayeredSoftQ kernel = data.Kernel(VectorKinds.Best);
        LayeredCase wide = new(4, 5, observation: 5) { Agent = data.Agent };
        Refused("are for 4 entries of observation", () => wide.Compute(kernel));
        data.Action[7] = 1.25f;
        _ = data.Compute(kernel);
        data.Estimator = SoftQEstimator.SoftCritic;
        InvalidDataException outside = Assert.Throws<InvalidDataException>(() => data.Compute(kernel));
        Assert.Contains("Transition 42 has the action entry 1.25 in column", outside.Message, StringComparison.Ordinal);

        LayeredAgent agent = data.Agent;
        Refused("needs an actor", () => Compute(agent with { Actor = null }));
        Refused("no critic", () => Compute(agent with { Critics = [] }));
        LayeredNetwork other = data.Network(10, [4], 1, _ => [], 1), encoder = data.Network(5, [], 2, _ => [], 1);
        LayeredNetwork squashed = new(
            new DenseLayer(9, 1, new float[9], default, [new LayerStep(Activation.Tanh)]));
        Refused(
            "critic 1 has 9 inputs",
            () => Compute(agent with { ObservationDimension = 5, Critics = [other, agent.Critics[1]] }));
        Refused("has 5 inputs; tasks have 2", () => Compute(agent with { CriticTaskEncoder = encoder }));
        Refused("last layer to be linear", () => Compute(agent with { Critics = [squashed] }));
        Refused("rising order", () => Compute(agent with { LogStd = new LogStdRule(2, -5, false) }));
        Refused("above 0", () => Compute(agent with { ActionScale = new float[] { 1, 0, 1 } }));
        Refused("bias has 2 entries", () => Compute(agent with { ActionBias = new float[2] }));
        Refused("takes 3 inputs", () => _ = new LayeredNetwork(
            new DenseLayer(2, 4, new float[8], default), new DenseLayer(3, 1, new float[3], default)));
        Refused("7 weights; expected 8", () => _ = new DenseLayer(2, 4, new float[7], default));

        void Compute(LayeredAgent changed)
        {
            data.Agent = changed;
            using LayeredSoftQ refused = data.Kernel(VectorKinds.Best);
            data.Compute(refused);
        }

        static void Refused(string expected, Action act) => Assert.Contains(
            expected, Assert.Throws<ArgumentException>(act).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ActionsThatAreNoNumberOfAnActionAreRefused()
    {
        LayeredCase index = Discrete(1), oneHot = Discrete(3);
        foreach (float bad in (float[])[-1, 3, 0.5f, float.NaN])
        {
            index.Action[2] = bad;
            Refused(index, $"Transition 42 has the action {bad}");
        }

        foreach (float[] bad in (float[][])[[0, 0, 0], [1, 1, 0], [0, 0.5f, 0], [0, 1, float.NaN]])
        {
            oneHot.Action.AsSpan().Clear();
            bad.CopyTo(oneHot.Action, 0);
            Refused(oneHot, "The action of transition 40 is not 3 entries of which one is 1");
        }

        index.Action[2] = 0;
        foreach (SoftQEstimator estimator in (SoftQEstimator[])[SoftQEstimator.SoftCritic, SoftQEstimator.Bellman])
        {
            index.Estimator = estimator;
            using LayeredSoftQ kernel = index.Kernel(VectorKinds.Best);
            Assert.Contains(
                "needs a policy over actions", Assert.Throws<ArgumentException>(() => index.Compute(kernel)).Message,
                StringComparison.Ordinal);
        }

        static LayeredCase Discrete(int width)
        {
            LayeredCase data = new(4, 5, action: width);
            data.Action.AsSpan().Clear();
            data.Agent = new LayeredAgent
            {
                ObservationDimension = 4,
                ActionDimension = width,
                TaskDimension = 2,
                IsDiscrete = true,
                Critics = [data.Network(6, [8], 3, _ => [new LayerStep(Activation.Relu)], gain: 1)],
            };
            return data;
        }

        static void Refused(LayeredCase data, string expected)
        {
            using LayeredSoftQ kernel = data.Kernel(VectorKinds.Best);
            Assert.Contains(
                expected, Assert.Throws<InvalidDataException>(() => data.Compute(kernel)).Message,
                StringComparison.Ordinal);
        }
    }

    private static MlpParameters Parameters(LayeredNetwork network)
    {
        MlpParameters parameters = new(new MlpShape(network.Inputs, network.Layers[0].Outputs, network.Outputs));
        for (int layer = 0; layer < 3; layer++)
        {
            parameters.ImportWeight(layer, network.Layers[layer].Weight.Span);
            network.Layers[layer].Bias.Span.CopyTo(parameters.Bias(layer));
        }

        return parameters;
    }
}

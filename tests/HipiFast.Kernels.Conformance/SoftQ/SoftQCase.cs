using HipiFast.Benchmarking.Oracles;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Conformance.Data;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;

namespace HipiFast.Kernels.Conformance.SoftQ;

/// <summary>
/// A soft-Q problem whose answer matters: inputs with outliers, actions on the boundary, and networks scaled so that Q~
/// spreads over several nats (any kernel would pass when all entries are nearly equal).
/// </summary>
internal sealed class SoftQCase : IDisposable
{
    private const double WantedSpread = 6;

    public SoftQCase(
        int rows, int candidates, int hidden, int observationDimension = 4, int actionDimension = 3,
        int taskDimension = 2, ulong seed = 1)
    {
        (Rows, Candidates, Hidden) = (rows, candidates, hidden);
        (ObservationDimension, ActionDimension, TaskDimension) = (observationDimension, actionDimension, taskDimension);
        RandomData data = new(seed);
        Observation = data.NormalsWithOutliers(rows * observationDimension, 0.5f);
        NextObservation = data.NormalsWithOutliers(rows * observationDimension, 0.5f);
        Task = data.NormalsWithOutliers(candidates * taskDimension, 0.7f);
        Action = data.Uniforms(rows * actionDimension, -1, 1);

        // On and next to the boundary, where the log-probability clamps.
        Action[0] = 1;
        Action[^1] = actionDimension > 1 ? -1 : Action[^1];
        Action[Action.Length / 2] = Action.Length > 2 ? -0.99999f : Action[0];
        Critic1 = Network(
            observationDimension + actionDimension + taskDimension, 1, WantedSpread, 10, seed, isActor: false);
        Critic2 = Network(
            observationDimension + actionDimension + taskDimension, 1, WantedSpread, 200, seed, isActor: false);
        Actor = Network(observationDimension + taskDimension, 2 * actionDimension, 3, 400, seed, isActor: true);
        Family = TaskFamily.Create(new SignFamily(taskDimension));
    }

    public int Rows { get; }

    public int Candidates { get; }

    public int Hidden { get; }

    public int ObservationDimension { get; }

    public int ActionDimension { get; }

    public int TaskDimension { get; }

    public float[] Observation { get; set; }

    public float[] Action { get; set; }

    public float[] NextObservation { get; set; }

    public float[] Task { get; set; }

    public MlpParameters Critic1 { get; set; }

    public MlpParameters? Critic2 { get; set; }

    public MlpParameters? Actor { get; set; }

    public TaskFamily? Family { get; set; }

    public SoftQEstimator Estimator { get; set; }

    public TwinCombination Twin { get; set; }

    public CriticRange Range { get; set; }

    public bool ExactTerminalValue { get; set; }

    public float Alpha { get; set; } = 0.2f;

    public float Gamma { get; set; } = 0.98f;

    public uint Call { get; set; } = 5;

    public ulong Seed { get; set; } = 0x1234_5678_9ABC_DEF0;

    public uint FirstRow { get; set; }

    /// <summary>The problem.</summary>
    public SoftQProblem Problem => Block(0, Rows);

    /// <summary>Rows [first, first + count) as a problem of its own.</summary>
    public SoftQProblem Block(int first, int count) => new()
    {
        Observation = Observation.AsSpan(first * ObservationDimension, count * ObservationDimension),
        Action = Action.AsSpan(first * ActionDimension, count * ActionDimension),
        NextObservation = NextObservation.Length == 0
            ? default
            : NextObservation.AsSpan(first * ObservationDimension, count * ObservationDimension),
        Task = Task,
        Rows = count,
        Candidates = Candidates,
        ObservationDimension = ObservationDimension,
        ActionDimension = ActionDimension,
        TaskDimension = TaskDimension,
        Estimator = Estimator,
        Critic1 = Critic1,
        Critic2 = Critic2,
        Actor = Actor,
        Twin = Twin,
        CriticRange = Range,
        Alpha = Alpha,
        Gamma = Gamma,
        Family = Family,
        ExactTerminalValue = ExactTerminalValue,
        Seed = Seed,
        Call = Call,
        FirstRow = FirstRow + (uint)first,
    };

    /// <summary>Q~ of a kernel.</summary>
    public float[] Compute(ISoftQKernel kernel)
    {
        float[] softQ = new float[Rows * Candidates];
        softQ.AsSpan().Fill(float.NaN);
        kernel.Compute(Problem, softQ);
        return softQ;
    }

    /// <summary>Fails unless a session's kernel agrees with the oracle, as far as its precision goes.</summary>
    public void AssertConforms(ComputeSession session)
    {
        double[] expected = SoftQOracle.Compute(Problem);
        if (Rows * Candidates >= 20)
        {
            Assert.True(
                Tolerance.Spread(expected) > 2,
                $"The case says little: Q~ spreads over {Tolerance.Spread(expected):g3} nats.");
        }

        double tolerance = Tolerance.OfSpread(expected, session.Backend.Precision);
        if (Range.IsBounded && session.Backend.Precision == KernelPrecision.Bf16)
        {
            // The sigmoid's slope, (high - low) / 4 at most, stretches the errors of its argument, whose spread it then
            // cuts off.
            CriticRange range = Range;
            Range = default;
            double unbounded = Tolerance.OfSpread(SoftQOracle.Compute(Problem), session.Backend.Precision);
            Range = range;
            tolerance = Math.Max(tolerance, unbounded * (range.High - range.Low) / 4);
        }

        Tolerance.AssertClose(expected, Compute(session.SoftQ), tolerance, $"Q~ [{Rows}, {Candidates}]");
    }

    /// <summary>Multiplies what a critic puts out.</summary>
    public static void ScaleOutput(MlpParameters network, float factor)
    {
        for (int i = 0; i < network.Shape.Hidden; i++)
        {
            foreach (ref float weight in network.WeightRow(2, i))
            {
                weight *= factor;
            }
        }

        foreach (ref float bias in network.Bias(2))
        {
            bias *= factor;
        }

        network.MarkChanged();
    }

    public void Dispose()
    {
        Critic1.Dispose();
        Critic2?.Dispose();
        Actor?.Dispose();
    }

    // Takes the first of a fixed series of random networks whose outputs differ at all (a width of 1 is often dead),
    // scaled to the wanted spread.
    private MlpParameters Network(
        int inputs, int outputs, double wantedSpread, uint firstStream, ulong seed, bool isActor)
    {
        for (uint stream = firstStream; ; stream++)
        {
            MlpParameters network = new(new MlpShape(inputs, Hidden, outputs));
            network.Initialize(seed, stream);
            double spread = OutputSpread(network, isActor);
            if (spread > 1e-3 || (Rows == 1 && Candidates == 1) || stream > firstStream + 100)
            {
                ScaleOutput(network, spread > 1e-3 ? (float)(wantedSpread / spread) : 1f);
                return network;
            }

            network.Dispose();
        }
    }

    private double OutputSpread(MlpParameters network, bool isActor)
    {
        // A handful of pairs is enough to tell the scale; a wide network is slow in the oracle.
        int budget = Hidden > 200 ? 6 : 40;
        List<double> values = [];
        NetworkOracle oracle = new(network);
        for (int n = 0; n < budget; n++)
        {
            int row = n % Rows, task = n * 7 % Candidates;
            float[] input =
            [
                .. Observation.AsSpan(row * ObservationDimension, ObservationDimension),
                .. isActor ? [] : Action.AsSpan(row * ActionDimension, ActionDimension),
                .. Task.AsSpan(task * TaskDimension, TaskDimension),
            ];
            values.AddRange(oracle.Evaluate(Array.ConvertAll(input, x => (double)x)));
        }

        return Tolerance.Spread(values);
    }

    /// <summary>
    /// Ends where s_0 and psi_0 are both above or both below one half; the reward looks at everything.
    /// </summary>
    internal readonly struct SignFamily(int taskDimension) : ITaskFamily
    {
        public int TaskDimension { get; } = taskDimension;

        public bool HasAchievedTask => false;

        public float Reward<TVector>(in TaskPair<TVector> pair)
            where TVector : struct, IVector =>
            (0.5f * pair.Observation[0]) + (0.3f * pair.Action[pair.Action.Length - 1])
                - (0.2f * pair.NextObservation[0])
            + pair.Task[pair.Task.Length - 1];

        public bool Terminates<TVector>(in TaskPair<TVector> pair)
            where TVector : struct, IVector => (pair.Observation[0] - 0.5f) * (pair.Task[0] - 0.5f) > 0f;

        public float AchievedTask<TVector>(TVector observation, TVector commanded, TVector constants, int entry)
            where TVector : struct, IVector => 0f;
    }
}

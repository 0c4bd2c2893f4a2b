using System.Globalization;
using HipiFast.Options;
using HipiFast.Training.Cloning;
using HipiFast.Environments;
using HipiFast.Kernels.Backends;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Training;

namespace HipiFast.Experiments;

/// <summary>One bar of a <see cref="CloningPanel"/>.</summary>
/// <param name="Name">Name of its folder: lower case, no spaces.</param>
/// <param name="Label">Name in tables.</param>
/// <param name="Labels">Which tasks the demonstrations are cloned under.</param>
/// <param name="FirstTaskBias">Reward per step added for the first candidate task.</param>
/// <param name="Claim">What the paper says of the panel's first arm beside this one.</param>
public sealed record CloningArm(
    string Name, string Label, CloningLabels Labels, float FirstTaskBias = 0f, PaperClaim Claim = PaperClaim.None)
{
    /// <summary>
    /// Whether the paper says of this arm that it is no better than random (here: than uniformly random actions).
    /// </summary>
    public bool NoBetterThanRandomActions { get; init; }
}

/// <summary>
/// Behavior cloning on demonstrations of a trained policy, under several kinds of labels: a panel of the paper's Figs.
/// 7 and 8. Round 0 trains the policy, round 1 collects the demonstrations, round 2 clones.
/// </summary>
public sealed class CloningPanel : Panel
{
    private const int CopiesPerRound = 200;
    private const ulong ExpertSeed = 1;
    private const string ExpertKey = "demonstrated_by";
    private const string TrajectoriesKey = "trajectories";

    private readonly string _environment;
    private readonly IReadOnlyList<CloningArm> _arms;
    private readonly long _quickSteps;
    private readonly int _trajectories;

    /// <summary>Describes a panel.</summary>
    /// <param name="name">Folder.</param>
    /// <param name="title">Heading.</param>
    /// <param name="environment">Environment by name.</param>
    /// <param name="arms">Kinds of labels; the first is inverse RL.</param>
    /// <param name="trajectories">Demonstrations at full length; a fifth of them in a quick run.</param>
    /// <param name="quickSteps">Environment steps of the policy's training in a quick run.</param>
    public CloningPanel(
        string name, string title, string environment, IReadOnlyList<CloningArm> arms, int trajectories,
        long quickSteps)
        : base(name, title)
    {
        _environment = environment;
        _arms = arms;
        _trajectories = trajectories;
        _quickSteps = quickSteps;
    }

    /// <inheritdoc/>
    public override int Rounds => 3;

    /// <inheritdoc/>
    /// <remarks>One agent demonstrates to all of them, and a clone is cheap beside it.</remarks>
    public override int QuickSeeds => 5;

    /// <inheritdoc/>
    public override string? Unavailable => TrainingPanel.WhyUnavailable(_environment);

    /// <inheritdoc/>
    public override IReadOnlyList<ExperimentJob> Jobs(ExperimentContext context, int round)
    {
        ArgumentNullException.ThrowIfNull(context);
        RunDirectory expert = ExpertOf(context);
        TrainingConfig config = ExpertConfig(context);
        switch (round)
        {
            case 0:
                RequireSameDemonstrations(context, config);
                return TrainingJob.IsFinished(expert, config)
                    ? []
                    : [TrainingJob.Create($"{Name} expert", expert, config)];
            case 1:
                return File.Exists(DemonstrationsOf(context))
                    ? []
                    : [new ExperimentJob($"{Name} demonstrations", (_, _) => Collect(context, expert, config))];
            default:
                return
                [
                    .. from arm in _arms
                       from seed in context.Seeds
                       where CloningRun.Load(
                           _environment, OptionsOf(arm, context, seed), FolderOf(context, arm, seed)) is null
                       select new ExperimentJob(
                           $"{Name} {arm.Name} seed {seed}", (_, stop) => Clone(context, arm, seed, stop)),
                ];
        }
    }

    /// <inheritdoc/>
    public override PanelReport Report(ExperimentContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        double[][] returns = [.. _arms.Select(
            arm => context.Seeds.Select(seed => ResultOf(context, arm, seed).EpisodeReturn).ToArray())];
        double[] random = [.. context.Seeds.Select(seed => RandomReturn(context, seed))];
        List<IReadOnlyList<string>> rows = [];
        List<string> ahead = [], level = [], behind = [], findings = [];
        List<(PaperClaim Claim, int Sign)> judged = [];
        for (int i = 0; i < _arms.Count; i++)
        {
            CloningResult[] results = [.. context.Seeds.Select(seed => ResultOf(context, _arms[i], seed))];
            string difference = string.Empty;
            if (i > 0)
            {
                PairedDifference lead = Difference(returns[0], returns[i]);
                difference = Describe(lead);
                judged.Add((_arms[i].Claim, lead.Sign));
                (lead.Sign > 0 ? ahead : lead.Sign < 0 ? behind : level).Add(_arms[i].Label);
            }

            if (_arms[i].NoBetterThanRandomActions)
            {
                int sign = Difference(returns[i], random).Sign;
                judged.Add((PaperClaim.NoBetter, sign));
                findings.Add(
                    $"{_arms[i].Label} is {(sign > 0 ? "ahead of" : sign < 0 ? "behind" : "level with")} random "
                    + "actions.");
            }

            rows.Add(
            [
                _arms[i].Label, SeedStatistic.Of(returns[i]).Describe(),
                SeedStatistic.Of([.. results.Select(result => result.ValidationLoss)]).Describe(),
                Share(results), difference,
            ]);
        }

        rows.Add(
            [
                "random actions", SeedStatistic.Of(random).Describe(), string.Empty, string.Empty,
                Describe(Difference(returns[0], random))
            ]);
        List<string> parts = [];
        Add("ahead of", ahead);
        Add("level with", level);
        Add("behind", behind);
        findings.Insert(
            0,
            $"{_arms[0].Label} is {string.Join("; ", parts)} (by the return of the cloned policy, paired by seed over "
            + $"{context.Seeds.Count} seeds; "
                + $"{PairedDifference.Rule}). One agent demonstrates to all clones: seeds are those of the labels, the "
                + "fits and the evaluations.");
        return new PanelReport(
            Title,
            PaperClaims.Judge(judged),
            findings,
            DrawEnvironment(_environment) is string frames ? [frames] : [],
            new ReportTable(
                [
                    "labels", "return of the clone", "validation loss", "share of the most frequent label",
                    $"{_arms[0].Label} minus this (s.e.; seeds ahead)"
                ],
                rows),
            [
                ("policy that demonstrates", OptionKeys<TrainingConfig>.ToJson(ExpertConfig(context))),
                ("demonstrations", $"{TrajectoriesOf(context)} trajectories, mean actions"),
                .. _arms.Select(arm => (
                    arm.Label, CloningRun.SettingsJson(_environment, OptionsOf(arm, context, context.Seeds[0])))),
            ]);

        void Add(string how, List<string> names)
        {
            if (names.Count > 0)
            {
                parts.Add($"{how} {string.Join(", ", names)}");
            }
        }
    }

    private static PairedDifference Difference(double[] one, double[] other) =>
        PairedDifference.Of([.. one.Zip(other, (a, b) => a - b)]);

    private static string Describe(PairedDifference lead) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{lead.Mean:+0.0;-0.0;0.0} ({lead.StandardError:0.0}; {lead.Ahead} of {lead.Seeds})");

    private double RandomReturn(ExperimentContext context, ulong seed) =>
        CloningRun.Evaluate(_environment, OptionsOf(_arms[0], context, seed), new UniformPolicy(seed)).Return;

    private static string Share(CloningResult[] results) => results.All(result => double.IsNaN(result.LargestShare))
        ? string.Empty
        : results.Average(result => result.LargestShare).ToString("0.0%", CultureInfo.InvariantCulture);

    private int TrajectoriesOf(ExperimentContext context) => context.Quick ? _trajectories / 5 : _trajectories;

    // Demonstrations of another agent, or clones of demonstrations that are gone, must not be taken for this figure's.
    private void RequireSameDemonstrations(ExperimentContext context, TrainingConfig config)
    {
        string path = DemonstrationsOf(context);
        bool anyClone = false;
        foreach (CloningArm arm in _arms)
        {
            foreach (ulong seed in context.Seeds)
            {
                anyClone |= CloningRun.Load(
                    _environment, OptionsOf(arm, context, seed), FolderOf(context, arm, seed)) is not null;
            }
        }

        if (File.Exists(path))
        {
            using TransitionFile file = TransitionFile.Open(path);
            if (!Metadata(context, config).All(entry => file.Metadata.GetValueOrDefault(entry.Key) == entry.Value))
            {
                throw new ArgumentException(
                    $"{path} holds other demonstrations than this figure needs; choose another directory with --out, "
                    + $"or remove '{context.FolderOf(this)}'.");
            }
        }
        else if (anyClone)
        {
            throw new ArgumentException(
                $"{context.FolderOf(this)} holds clones, but not the demonstrations they were made from; choose "
                + "another directory with --out, or remove it.");
        }
    }

    private Dictionary<string, string> Metadata(ExperimentContext context, TrainingConfig expert) => new()
    {
        [ExpertKey] = OptionKeys<TrainingConfig>.ToJson(expert),
        [TrajectoriesKey] = TrajectoriesOf(context).ToString(CultureInfo.InvariantCulture),
    };

    private RunDirectory ExpertOf(ExperimentContext context) => new(Path.Combine(context.FolderOf(this), "expert"));

    private string DemonstrationsOf(ExperimentContext context) =>
        Path.Combine(context.FolderOf(this), "demonstrations.safetensors");

    private string FolderOf(ExperimentContext context, CloningArm arm, ulong seed) =>
        Path.Combine(context.FolderOf(this), arm.Name, $"seed-{seed}");

    private CloningResult ResultOf(ExperimentContext context, CloningArm arm, ulong seed) =>
        CloningRun.Load(_environment, OptionsOf(arm, context, seed), FolderOf(context, arm, seed))
        ?? throw new FileNotFoundException($"'{FolderOf(context, arm, seed)}' holds no result.");

    private TrainingConfig ExpertConfig(ExperimentContext context)
    {
        OptionLayer<TrainingConfig> layer = new();
        layer.Set("environment", _environment);
        TrainingConfig config = TrainingDefaults.Resolve([layer], null, EnvironmentRegistry.TraitsOf);
        RunOptions run = config.Run with { Seed = ExpertSeed };
        return config with
        {
            Run = context.Quick ? run with { Steps = _quickSteps, EvalEvery = _quickSteps, EvalEpisodes = 20 } : run,
            Compute = config.Compute with { Threads = 1 },
        };
    }

    private CloningOptions OptionsOf(CloningArm arm, ExperimentContext context, ulong seed) => new()
    {
        Labels = arm.Labels,
        FirstTaskBias = arm.FirstTaskBias,
        Candidates = TrajectoriesOf(context),
        EvalEpisodes = context.Quick ? 50 : 200,
        Fit = new BehaviorCloningOptions { Seed = seed, MaxEpochs = context.Quick ? 20 : 100 },
    };

    private void Collect(ExperimentContext context, RunDirectory expert, TrainingConfig config)
    {
        using VectorEnvironment world = EnvironmentRegistry.Create(
            config.Environment, Math.Min(TrajectoriesOf(context), CopiesPerRound), config.EnvironmentSettings);
        using PlayedAgent agent = PlayedAgent.Open(expert, config, world);
        LearnerPolicy policy = new(agent.Learner, deterministic: true, ExpertSeed);
        using Demonstrations demonstrations = DemonstrationCollector.Collect(
            world, policy, TrajectoriesOf(context), Evaluator.DeriveSeed(ExpertSeed, uint.MaxValue - 1));
        TransitionFile.Save(
            DemonstrationsOf(context), demonstrations.Transitions, demonstrations.Episode, Metadata(context, config));
    }

    private void Clone(ExperimentContext context, CloningArm arm, ulong seed, CancellationToken stop)
    {
        using Demonstrations demonstrations = Demonstrations.Read(DemonstrationsOf(context));
        CloningRun.Run(
            _environment, demonstrations, OptionsOf(arm, context, seed), FolderOf(context, arm, seed), stop: stop);
    }
}

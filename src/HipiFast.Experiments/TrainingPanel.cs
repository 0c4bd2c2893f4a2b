using System.Globalization;
using HipiFast.Environments;
using HipiFast.Options;
using HipiFast.Storage;
using HipiFast.Training;

namespace HipiFast.Experiments;

/// <summary>One curve of a <see cref="TrainingPanel"/>.</summary>
/// <param name="Name">Name of its folder: lower case, no spaces.</param>
/// <param name="Label">Name in pictures and tables.</param>
/// <param name="Preset">
/// A name in <see cref="TrainingDefaults.Presets"/>, or null for this project's own defaults.
/// </param>
/// <param name="Strategy">The relabeling strategy, as the command line writes it.</param>
/// <param name="Claim">What the paper says of the panel's first arm beside this one.</param>
public sealed record Arm(
    string Name, string Label, string? Preset, string Strategy, PaperClaim Claim = PaperClaim.None);

/// <summary>SAC with several relabeling strategies on one environment: a panel of the paper's Figs. 5 and 6.</summary>
public sealed class TrainingPanel : Panel
{
    // The paper's episodes per evaluation (C.1). They are many, and some environments' are long, so there are few
    // evaluations.
    private const int PaperEvalEpisodes = 200;
    private const int Evaluations = 10;
    private const int QuickEvaluations = 5;

    private readonly string _environment;
    private readonly MetricColumn _metric;
    private readonly IReadOnlyList<Arm> _arms;
    private readonly long _quickSteps;

    /// <summary>Describes a panel.</summary>
    /// <param name="title">Heading.</param>
    /// <param name="environment">Environment by name; also the folder's name.</param>
    /// <param name="metric">What the curves show.</param>
    /// <param name="arms">The strategies; the first is compared with the others.</param>
    /// <param name="quickSteps">Environment steps of a quick run.</param>
    public TrainingPanel(
        string title, string environment, MetricColumn metric, IReadOnlyList<Arm> arms, long quickSteps)
        : base(environment, title)
    {
        _environment = environment;
        _metric = metric;
        _arms = arms;
        _quickSteps = quickSteps;
    }

    /// <inheritdoc/>
    public override string? Unavailable => WhyUnavailable(_environment);

    /// <inheritdoc/>
    public override int Rounds => 1;

    /// <inheritdoc/>
    public override IReadOnlyList<ExperimentJob> Jobs(ExperimentContext context, int round)
    {
        ArgumentNullException.ThrowIfNull(context);
        List<ExperimentJob> jobs = [];
        foreach (Arm arm in _arms)
        {
            TrainingConfig[] configs = [.. context.Seeds.Select(seed => ConfigOf(arm, context, seed))];
            string root = FolderOf(context, arm);
            for (int i = 0; i < configs.Length; i++)
            {
                TrainingConfig config = configs[i];
                RunDirectory directory = RunDirectory.ForSeed(root, config.Run.Seed);
                if (!TrainingJob.IsFinished(directory, config))
                {
                    jobs.Add(TrainingJob.Create($"{Name} {arm.Name} seed {config.Run.Seed}", directory, config));
                }
            }
        }

        return jobs;
    }

    /// <inheritdoc/>
    public override PanelReport Report(ExperimentContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        SeedGroup[] groups = [.. _arms.Select(arm => SeedGroup.Load(FolderOf(context, arm), _metric, context.Seeds))];
        SeedGroup[] returns = [.. _arms.Select(
            arm => SeedGroup.Load(FolderOf(context, arm), MetricColumn.EpisodeReturn, context.Seeds))];
        SeedGroup[] successes = [.. _arms.Select(
            arm => SeedGroup.Load(FolderOf(context, arm), MetricColumn.SuccessRate, context.Seeds))];
        bool isRate = _metric == MetricColumn.SuccessRate;
        LearningCurveSvg picture = new(Title)
        {
            ValueLabel = isRate ? "success rate" : "episode return",
            ValueRange = isRate ? (0, 1) : null,
        };
        List<string> ahead = [], level = [], behind = [];
        List<(PaperClaim Claim, int Sign)> judged = [];
        List<IReadOnlyList<string>> rows = [];
        for (int i = 0; i < _arms.Count; i++)
        {
            picture.Add(_arms[i].Label, [.. groups[i].Curves.Values]);
            string difference = string.Empty;
            if (i > 0)
            {
                PairedDifference lead = groups[0].AreaMinus(groups[i]);
                difference = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{lead.Mean:+0.000;-0.000;0.000} ({lead.StandardError:0.000}; {lead.Ahead} of {lead.Seeds})");
                judged.Add((_arms[i].Claim, lead.Sign));
                if (_arms[i].Preset == _arms[0].Preset)
                {
                    (lead.Sign > 0 ? ahead : lead.Sign < 0 ? behind : level).Add(_arms[i].Label);
                }
            }

            rows.Add(
                [
                    _arms[i].Label, groups[i].Area.Describe(), successes[i].Final.Describe(),
                    returns[i].Final.Describe(), difference
                ]);
        }

        List<string> findings = [Describe(_arms[0].Label, ahead, level, behind, context.Seeds.Count)];
        for (int i = 1; i < _arms.Count; i++)
        {
            if (_arms[i].Preset != _arms[0].Preset)
            {
                findings.Add(DescribeOwn(i, groups));
            }
        }

        return new PanelReport(
            Title,
            PaperClaims.Judge(judged),
            findings,
            DrawEnvironment(_environment) is string frames ? [frames, picture.ToSvg()] : [picture.ToSvg()],
            new ReportTable(
                ["strategy", $"area under the {(isRate ? "success" : "return")} curve", "final success", "final return",
                    $"{_arms[0].Label} minus this (s.e.; seeds ahead)"],
                rows),
            [
                .. _arms.Select(
                    arm => (arm.Label, OptionKeys<TrainingConfig>.ToJson(ConfigOf(arm, context, context.Seeds[0]))))
            ]);
    }

    /// <summary>Why an environment cannot be made here, in one sentence; null when it can.</summary>
    /// <param name="environment">Its name.</param>
    internal static string? WhyUnavailable(string environment)
    {
        try
        {
            EnvironmentRegistry.Create(environment, 1).Dispose();
            return null;
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException)
        {
            return error.Message;
        }
    }

    private static string Describe(string first, List<string> ahead, List<string> level, List<string> behind, int seeds)
    {
        List<string> parts = [];
        Add("ahead of", ahead);
        Add("level with", level);
        Add("behind", behind);
        string rule = string.Create(
            CultureInfo.InvariantCulture,
            $"by the area under the curve, paired by seed over {seeds} seeds; {PairedDifference.Rule}");
        return $"{first} is {string.Join("; ", parts)} ({rule}).";

        void Add(string how, List<string> names)
        {
            if (names.Count > 0)
            {
                parts.Add($"{how} {string.Join(", ", names)}");
            }
        }
    }

    private string DescribeOwn(int arm, SeedGroup[] groups)
    {
        List<string> ahead = [], level = [], behind = [];
        for (int i = 0; i < _arms.Count; i++)
        {
            if (i != arm)
            {
                PairedDifference lead = groups[arm].AreaMinus(groups[i]);
                (lead.Sign > 0 ? ahead : lead.Sign < 0 ? behind : level).Add(_arms[i].Label);
            }
        }

        return Describe(_arms[arm].Label, ahead, level, behind, groups[arm].Curves.Count);
    }

    private string FolderOf(ExperimentContext context, Arm arm) => Path.Combine(context.FolderOf(this), arm.Name);

    private TrainingConfig ConfigOf(Arm arm, ExperimentContext context, ulong seed)
    {
        OptionLayer<TrainingConfig> layer = new();
        layer.Set("environment", _environment);
        layer.Set("relabel", arm.Strategy);
        TrainingConfig config = TrainingDefaults.Resolve([layer], arm.Preset, EnvironmentRegistry.TraitsOf),
            paper = TrainingDefaults.ApplyPreset(config, TrainingDefaults.PaperPreset);

        // Arms differ in how they relabel; what learns is the paper's in all of them.
        RunOptions run = config.Run with { Seed = seed, GradientSteps = paper.Run.GradientSteps };
        return config with
        {
            Learner = paper.Learner,
            Run = context.Quick
                ? run with
                {
                    Steps = _quickSteps,
                    EvalEvery = Math.Max(1, _quickSteps / QuickEvaluations),
                    EvalEpisodes = 20,
                }
                : run with
                {
                    EvalEvery = Math.Max(1, run.Steps / Evaluations),
                    EvalEpisodes = PaperEvalEpisodes,
                },
            Compute = config.Compute with { Threads = 1 },
        };
    }
}

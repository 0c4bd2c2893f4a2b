using System.CommandLine;
using HipiFast.Import;
using HipiFast.Options;
using HipiFast.Relabeling;

namespace HipiFast.Cli.Relabel;

/// <summary>The options of <c>relabel</c>, and what they ask for.</summary>
internal sealed class RelabelArguments
{
    private readonly Option<string?> _agent = new("--agent")
    {
        Description = "Agent whose critic judges (agent.safetensors of a run). Not needed with --estimator return.",
        HelpName = "A.safetensors",
    };

    private readonly Option<string?> _agentFormat = new("--agent-format")
    {
        Description =
            "Whose names the agent's tensors have: this program's, Stable-Baselines3's or CleanRL's. [auto]",
        HelpName = string.Join("|", AgentFormats.Names),
    };

    private readonly Option<string?> _agentLayers = new("--agent-layers")
    {
        Description =
            "What those tensors do not say, as JSON: activation, order of inputs, layers of other names "
            + "(docs/networks.md).",
        HelpName = "L.json",
    };

    private readonly Option<string> _transitions = new("--transitions")
    {
        Description =
            "Transitions to relabel: safetensors, npz, HDF5 (Minari, D4RL) or Parquet (LeRobot); docs/formats.md.",
        HelpName = "X.safetensors",
        Required = true,
    };

    private readonly Option<string?> _columns = new("--columns")
    {
        Description =
            "Which column is what, where names are not the usual ones: observation=obs,action=a (a plus joins "
            + "columns), or a JSON file of such pairs.",
        HelpName = "ROLE=NAME,...",
    };

    private readonly Option<string?> _strategy = new("--strategy")
    {
        Description =
            "Where new tasks come from: inverse RL, a state reached later in the episode or its last (HER), or another "
            + "transition. [inverse-rl]",
        HelpName = "inverse-rl|future|final|random|none",
    };

    private readonly Option<string?> _candidates = new("--candidates")
    {
        Description = "Without --tasks: candidates are the tasks commanded in the batch, those reached in it, or both. "
            + "[commanded]",
        HelpName = "commanded|reached|both",
    };

    private readonly Option<string?> _goalMix = new("--goal-mix")
    {
        Description = "Share of the relabeled transitions that get a state reached later instead of inverse RL. [0]",
        HelpName = "F",
    };

    private readonly Option<string?> _futureHorizon = new("--future-horizon")
    {
        Description = "Steps ahead among which future picks its state; 0 for the rest of the episode. [0]",
        HelpName = "N",
    };

    private readonly Option<int> _copies = new("--copies")
    {
        Description = "Relabeled copies of each row, each drawn anew: first all rows, then all again.",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<string?> _tasks = new("--tasks")
    {
        Description =
            "Candidate tasks, tensor task [K, P], and optionally log_prior [K] (unnormalised; -inf excludes a task). "
            + "Default: the tasks commanded in the batch, all equally likely.",
        HelpName = "P.safetensors",
    };

    private readonly Option<string?> _softQ = new("--soft-q")
    {
        Description =
            "Soft Q-values of any critic, tensor soft_q [B, K] in nats: a row for every row of the transitions, a "
            + "column for every candidate task. In the place of --agent.",
        HelpName = "Q.safetensors",
    };

    private readonly Option<string?> _estimator = new("--estimator")
    {
        Description =
            "Estimate of the soft Q-values; return sums rewards over whole episodes (needs the episode tensor). "
            + "[critic]",
        HelpName = "critic|soft-critic|bellman|return",
    };

    private readonly Option<string?> _assign = new("--assign")
    {
        Description = "Whether each transition (row) draws its task, or each task its transition. [row]",
        HelpName = "row|task",
    };

    private readonly Option<string?> _rowPool = new("--row-pool")
    {
        Description =
            "With --assign task: random transitions, new for every 32 tasks, among which each task chooses. [64]",
        HelpName = "M",
    };

    private readonly Option<string?> _family = new("--family")
    {
        Description =
            "Task family: rewards and terminations. Needed by bellman and return, and for reward and terminated in the "
            + "result.",
        HelpName = "F.json",
    };

    private readonly Option<string?> _alpha = new("--relabel-alpha")
    {
        Description = "Entropy temperature (soft-critic, bellman). [the agent's]",
        HelpName = "F",
    };

    private readonly Option<string?> _gamma = new("--gamma")
    {
        Description = "Discount (bellman). [0.99]",
        HelpName = "F",
    };

    private readonly Option<string?> _partition = new("--partition")
    {
        Description = "Normalise each task's soft Q-values over the batch, or not. [batch]",
        HelpName = "batch|none",
    };

    private readonly Option<string?> _temperature = new("--temperature")
    {
        Description = "Temperature of the posterior over tasks; 0 takes the most likely. [1]",
        HelpName = "F",
    };

    private readonly Option<string?> _twin = new("--twin")
    {
        Description = "How twin critics become one soft Q-value. [min]",
        HelpName = "min|mean|first",
    };

    private readonly Option<string?> _fraction = new("--relabel-fraction")
    {
        Description = "Share of the transitions that receive a new task. [1]",
        HelpName = "F",
    };

    private readonly Option<string?> _seed = new("--seed")
    {
        Description = "Seed of every random number. [1]",
        HelpName = "S",
    };

    private readonly Option<string?> _backend = new("--backend")
    {
        Description = "Backend that computes. [auto]",
        HelpName = "NAME",
    };

    private readonly Option<string?> _device = new("--device")
    {
        Description = "Device of the backend, such as cuda:0. [auto]",
        HelpName = "ID",
    };

    private readonly Option<string?> _threads = new("--threads")
    {
        Description = "Threads; 0 for one per core. Results do not depend on it. [0]",
        HelpName = "N",
    };

    private readonly Option<string?> _precision = new("--precision")
    {
        Description = "Arithmetic of the soft Q-values; auto is fp32 unless the backend is one of bf16. [auto]",
        HelpName = "auto|fp32|bf16",
    };

    private readonly Option<string?> _dump = new("--dump")
    {
        Description = "Also write soft_q [B, K], log_partition [K] or posterior [B, K]; several separated by commas.",
        HelpName = string.Join(",", RelabelRequest.AllDumps),
    };

    private readonly Option<int?> _batch = new("--batch")
    {
        Description =
            "Relabel this many transitions at a time; --partition batch then normalises over each block by itself. "
            + "Default: the whole file as one batch.",
        HelpName = "N",
    };

    private readonly Option<string> _output = new("--out")
    {
        Description =
            "File to write. Its task_index is -1 where nothing was relabeled, else: with --tasks a row of that file; "
            + "without, the row "
            + "of the transitions whose commanded task it is (with --assign task always the row itself, as its "
            + "transition is what changed); with "
            + "--estimator return and without --tasks, the number of the trajectory whose task it is, from 0 in the "
            + "order of the file.",
        HelpName = "Y.safetensors",
        Required = true,
    };

    // Options that are keys of RelabelOptions.
    private readonly (string Key, Option<string?> Option, string? Default)[] _keys;

    public RelabelArguments() => _keys =
    [
        ("relabel", _strategy, null),
        ("candidates", _candidates, null),
        ("goal_mix", _goalMix, null),
        ("future_horizon", _futureHorizon, null),
        ("relabel_fraction", _fraction, "1"),
        ("assign", _assign, null),
        ("row_pool", _rowPool, null),
        ("relabel_alpha", _alpha, null),
        ("gamma", _gamma, null),
        ("partition", _partition, null),
        ("temperature", _temperature, null),
        ("twin", _twin, null),
        ("seed", _seed, "1"),
        ("backend", _backend, null),
        ("device", _device, null),
        ("precision", _precision, null),
        ("threads", _threads, null),
    ];

    /// <summary>The options, in the order in which help lists them.</summary>
    public IEnumerable<Option> All =>
    [
        _agent, _agentFormat, _agentLayers, _softQ, _transitions, _columns, _tasks, _strategy, _candidates, _goalMix,
        _futureHorizon, _copies, _estimator, _assign, _rowPool, _family, _alpha, _gamma, _partition, _temperature,
        _twin, _fraction, _seed, _backend, _device, _threads, _precision, _dump, _batch, _output,
    ];

    /// <summary>What a command line asks for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <exception cref="ArgumentException">A value is of a wrong type or out of range.</exception>
    public RelabelRequest Read(ParseResult parsed)
    {
        string? estimator = parsed.GetValue(_estimator);
        bool trajectories = estimator == RelabelRequest.ReturnEstimator;
        OptionLayer<RelabelOptions> layer = new();
        if (estimator is not null && !trajectories)
        {
            SetEstimator(layer, estimator);
        }

        foreach ((string key, Option<string?> option, string? preset) in _keys)
        {
            if ((parsed.GetValue(option) ?? preset) is string text)
            {
                layer.Set(key, text);
            }
        }

        return new RelabelRequest
        {
            Transitions = parsed.GetRequiredValue(_transitions),
            Out = parsed.GetRequiredValue(_output),
            Agent = parsed.GetValue(_agent),
            AgentFormat = parsed.GetValue(_agentFormat) is string format ? AgentFormats.Parse(format) : null,
            AgentLayers = parsed.GetValue(_agentLayers),
            SoftQ = parsed.GetValue(_softQ),
            HasEstimator = estimator is not null,
            Tasks = parsed.GetValue(_tasks),
            Family = parsed.GetValue(_family),
            Trajectories = trajectories,
            Columns = parsed.GetValue(_columns),
            Copies = parsed.GetValue(_copies),
            Batch = parsed.GetValue(_batch),
            HasRowPool = parsed.GetValue(_rowPool) is not null,
            Dumps = parsed.GetValue(_dump)?.Split(',', StringSplitOptions.TrimEntries) ?? [],
            Options = layer.Apply(new RelabelOptions()),
        };
    }

    private static void SetEstimator(OptionLayer<RelabelOptions> layer, string name)
    {
        try
        {
            layer.Set("estimator", name);
        }
        catch (ArgumentException error)
        {
            // The program knows one estimator more than a training run does.
            throw new ArgumentException($"{error.Message.TrimEnd('.')}, {RelabelRequest.ReturnEstimator}.", error);
        }
    }
}

using HipiFast.Import;
using HipiFast.Kernels.Relabeling;
using HipiFast.Kernels.SoftQ;
using HipiFast.Kernels.Tasks;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Tests.Import;

/// <summary>
/// Agents as Stable-Baselines3 and CleanRL name them, against what PyTorch made of the same tensors
/// (<c>Fixtures/make_fixtures.py</c>).
/// </summary>
public sealed class AgentImportTests
{
    /// <summary>Of the spread of Q~.</summary>
    private const double OfSpread = 1e-5;

    private const string Described = """
        {
          "critics": [["first", "elu", "second", "silu", "norm", "third", "gelu", "out"]],
          "task_encoder": ["phi1", "swish", "phi2", "tanh"],
          "inputs": ["action", "observation", "task"],
          "norm_epsilon": 1e-3
        }
        """;

    public static TheoryData<string, string> Agents => new()
    {
        { "sb3-sac", "{}" },
        { "sb3-sac-standard", "{}" },
        { "sb3-sac-norm-tanh", """{"activation": "tanh"}""" },
        { "sb3-sac-three-critics", """{"activation": "elu"}""" },
        {
            "sb3-her",
            """
            {"inputs": ["observation[0:2]", "task", "observation", "action"],
             "actor_inputs": ["observation[0]", "observation[1:2]", "task", "observation"]}
            """
        },
        { "sb3-dqn", "{}" },
        { "cleanrl-dqn", "{}" },
        { "cleanrl-sac", "{}" },
        { "cleanrl-sac-norm", "{}" },
        { "described", Described },
    };

    [Theory]
    [MemberData(nameof(Agents))]
    public void SoftQIsPyTorchs(string name, string description)
    {
        using Fixture fixture = new(name);
        AgentLayers layers = AgentLayers.Read(description);
        using ImportedAgent agent = AgentImport.Load(Fixture.PathOf(name), fixture.Shape, AgentFormat.Auto, layers);
        fixture.AssertAgrees(agent, SoftQEstimator.Critic, "critic");
        if (fixture.Has("soft_critic"))
        {
            fixture.AssertAgrees(agent, SoftQEstimator.SoftCritic, "soft_critic");
        }
    }

    [Theory]
    [MemberData(nameof(Agents))]
    public void TensorsInMemoryAreReadAsThoseOfAFile(string name, string description)
    {
        using Fixture fixture = new(name);
        AgentLayers layers = AgentLayers.Read(description);
        Dictionary<string, NamedTensor> tensors = Tensors(name);
        using ImportedAgent file = AgentImport.Load(Fixture.PathOf(name), fixture.Shape, AgentFormat.Auto, layers);
        using ImportedAgent memory = AgentImport.Read(tensors, fixture.Shape, AgentFormat.Auto, layers);
        float[] expected = fixture.SoftQ(file, SoftQEstimator.Critic);
        foreach (NamedTensor tensor in tensors.Values)
        {
            // The agent has copies.
            System.Runtime.InteropServices.MemoryMarshal.AsMemory(tensor.Values).Span.Clear();
        }

        Assert.Equal(expected, fixture.SoftQ(memory, SoftQEstimator.Critic));
    }

    [Fact]
    public void TheStandardFormBecomesAnOrdinaryAgent()
    {
        using Fixture standard = new("sb3-sac-standard"), deep = new("sb3-sac"), squashed = new("cleanrl-sac");
        using ImportedAgent agent = AgentImport.Load(Fixture.PathOf("sb3-sac-standard"), standard.Shape);
        Assert.NotNull(agent.Networks);
        Assert.Equal(16, agent.Networks.Hidden);
        Assert.Equal(MathF.Exp(-1.2f), agent.Networks.Alpha, 1e-6f);
        using Relabeler relabeler = new(TaskFamilies.None(3), agent.Networks, new RelabelOptions());
        Assert.Equal("sb3", AgentFormatText(agent));

        // Another depth; and a policy that squashes its deviations, whose critics alone are of the form.
        using ImportedAgent other = AgentImport.Load(Fixture.PathOf("sb3-sac"), deep.Shape);
        Assert.Null(other.Networks);
        using ImportedAgent critics = AgentImport.Load(Fixture.PathOf("cleanrl-sac"), squashed.Shape);
        Assert.Null(critics.Networks);

        static string AgentFormatText(ImportedAgent agent) => agent.Format.ToString().ToLowerInvariant();
    }

    [Fact]
    public void NotesSayWhatWasAssumedAndLeftOut()
    {
        using Fixture fixture = new("sb3-sac");
        using ImportedAgent agent = AgentImport.Load(Fixture.PathOf("sb3-sac"), fixture.Shape);
        Assert.Contains(agent.Notes, note => note.Contains("critic_target.*", StringComparison.Ordinal));
        Assert.Contains(agent.Notes, note => note.Contains("relu", StringComparison.Ordinal));
        Assert.Contains(agent.Notes, note => note.Contains("observation, task, action", StringComparison.Ordinal));
        Assert.Equal("2 critics of 24, 24, 24 units (relu), an actor", agent.Description);
        Assert.Equal(MathF.Exp(-1.2f), agent.Alpha);
    }

    [Fact]
    public void NothingUnknownIsPassedOver()
    {
        Refused("sb3-sac", "'critic.extra.weight'", tensors => Add(tensors, "critic.extra.weight", 3, 3));
        Refused("sb3-sac", "'actor.something'", tensors => Add(tensors, "actor.something", 2));
        Refused(
            "sb3-sac", "'critic.features_extractor.cnn.0.weight' of the state_dict is not understood (a convolution)",
            tensors => Add(tensors, "critic.features_extractor.cnn.0.weight", 8, 3, 4, 4));
        Refused("sb3-sac", "not understood, nor are 1 more", tensors =>
        {
            Add(tensors, "bar", 1);
            Add(tensors, "foo", 1);
        });
        Refused("cleanrl-dqn", "'atoms'", tensors => Add(tensors, "atoms", 51));
        Refused(
            "sb3-sac-norm-tanh", "batch normalisation", tensors => Add(tensors, "critic.qf0.1.running_mean", 20));
        Refused("sb3-sac", "use_sde", tensors =>
        {
            tensors.Remove("actor.log_std.weight");
            tensors.Remove("actor.log_std.bias");
            Add(tensors, "actor.log_std", 24, 2);
        });
        Refused("sb3-sac-norm-tanh", "root-mean-square", tensors => tensors.Remove("critic.qf0.1.bias"));
    }

    [Fact]
    public void WhatDoesNotFitIsRefusedByName()
    {
        Refused(
            "sb3-sac",
            "'critic.qf0.2.weight' of the state_dict has 9 inputs; the layer of the critic 0 before it has 24",
            tensors => Add(tensors, "critic.qf0.2.weight", 24, 9));
        Refused("sb3-sac", "has shape [3]; expected [24]", tensors => Add(tensors, "critic.qf1.4.bias", 3));
        Refused(
            "sb3-sac", "has shape [24, 24, 1, 1], a convolution",
            tensors => Add(tensors, "critic.qf0.2.weight", 24, 24, 1, 1));
        Refused("sb3-sac", "critic 0 has 10 inputs and 5 outputs; expected 10 and 1", tensors =>
        {
            foreach (string critic in (string[])["critic.qf0", "critic.qf1"])
            {
                Add(tensors, critic + ".6.weight", 5, 24);
                Add(tensors, critic + ".6.bias", 5);
            }
        });
        float[] bad = new float[24];
        bad[1] = float.NaN;
        Refused(
            "sb3-sac", "NaN as its element 1", tensors => tensors["critic.qf0.0.bias"] = new NamedTensor(bad, [24]));
        Refused(
            "sb3-sac", "is no place for an activation",
            tensors => Rename(tensors, "critic.qf0.2.", "critic.qf0.1."));
        Refused(
            "sb3-sac", "are 2 places for an activation",
            tensors => Rename(tensors, "critic.qf0.2.", "critic.qf0.3."));
        Refused(
            "sb3-her", "critic 0 of the state_dict has 12 inputs; observation (5), task (3), action (2) are 10",
            _ => { });
        Refused("cleanrl-sac", "has 5 entries; expected 2", tensors => Add(tensors, "actor.action_scale", 5));
        Refused("sb3-sac", "holds no critic under the names of sb3", tensors =>
        {
            foreach (string name in tensors.Keys.Where(IsCritic).ToArray())
            {
                tensors.Remove(name);
            }
        });
        Refused("described", "names of no format that is known", _ => { });

        static bool IsCritic(string name) => name.StartsWith("critic", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sb3-sac-norm-tanh")]
    [InlineData("cleanrl-sac-norm")]
    [InlineData("sb3-dqn")]
    [InlineData("cleanrl-dqn")]
    public void DamagedStateDictsAreReadOrRefusedInOneSentence(string name)
    {
        using Fixture fixture = new(name);
        Random random = new(name.Length);
        string[] words =
            ["0", "1", "2", "3", "9999999999", "weight", "bias", "fc1", "ln2", "qf0", "critic", "", "a+b", "é"];
        int refused = 0;
        for (int attempt = 0; attempt < 200; attempt++)
        {
            Dictionary<string, NamedTensor> tensors = Tensors(name);
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                string key = tensors.Keys.ElementAt(random.Next(tensors.Count));
                NamedTensor tensor = tensors[key];
                switch (random.Next(4))
                {
                    case 0:
                        tensors.Remove(key);
                        break;
                    case 1:
                        string[] parts = key.Split('.');
                        parts[random.Next(parts.Length)] = words[random.Next(words.Length)];
                        tensors.Remove(key);
                        tensors[string.Join('.', parts)] = tensor;
                        break;
                    case 2:
                        tensors[key] = tensor with { Shape = [.. tensor.Shape.Reverse()] };
                        break;
                    default:
                        tensors[key] = new NamedTensor(new float[6], random.Next(2) == 0 ? [6] : [2, 3]);
                        break;
                }
            }

            try
            {
                AgentImport.Read(tensors, fixture.Shape).Dispose();
            }
            catch (InvalidDataException error)
            {
                refused++;
                Assert.DoesNotContain('\n', error.Message);
            }
        }

        Assert.InRange(refused, 100, 200);
    }

    [Theory]
    [InlineData("""{"inputs": ["observation[5]", "task"]}""", "within its 5 entries")]
    [InlineData("""{"inputs": ["observation[3:2]"]}""", "expected observation[i] or observation[first:end]")]
    [InlineData("""{"inputs": ["goal"]}""", "reads 'goal'; expected observation, action or task")]
    [InlineData("""{"activation": "rellu"}""", "did you mean 'relu'")]
    [InlineData("""{"activation": 3}""", "'activation' is a number; expected a string")]
    [InlineData("""{"critic": []}""", "did you mean 'critics'")]
    [InlineData("""{"log_std": [1]}""", "are 1 numbers; expected 2")]
    [InlineData("""{"log_std_rule": "clip"}""", "expected \"clamp\" or \"tanh\"")]
    [InlineData("""{"alpha": -1}""", "temperature of 'PATH' is -1; expected a finite number, 0 or more")]
    [InlineData("""{"alpha": 1e99}""", "not finite")]
    [InlineData("""{"norm_epsilon": 0}""", "expected a finite number above 0")]
    [InlineData("""{"critics": [["critic.qf0.0"]]}""", "says in 'inputs' what they read")]
    [InlineData("""{"critics": [["tanh", "critic.qf0.0"]], "inputs": ["task"]}""", "expected a linear layer first")]
    [InlineData("""{"critics": [["critic.qf0.0", "tanhh"]], "inputs": ["task"]}""", "did you mean 'tanh'")]
    [InlineData("""{"critics": [[]], "inputs": ["task"]}""", "has no layers")]
    [InlineData("""{"critics": [["a + b"]], "inputs": ["task"]}""", "has no tensor 'a.weight'")]
    [InlineData("""{"action_scale": [1, 2, 3]}""", "has 3 entries; expected 2")]
    [InlineData("""{"action_scale": [0, 1]}""", "scale is 0")]
    [InlineData("""{"discrete": 1}""", "expected true or false")]
    [InlineData("[]", "does not exist")]
    [InlineData("{", "not valid JSON")]
    [InlineData("""{"ignore": [], "ignore": []}""", "has the key 'ignore' twice")]
    public void DescriptionsAreRefusedInOneSentence(string json, string expected)
    {
        using Fixture fixture = new("sb3-sac");
        string path = Fixture.PathOf("sb3-sac");
        Exception error = Assert.ThrowsAny<Exception>(
            () => AgentImport.Load(path, fixture.Shape, AgentFormat.Auto, AgentLayers.Read(json)).Dispose());
        Assert.True(error is InvalidDataException or FileNotFoundException, error.ToString());
        expected = expected.Replace("PATH", path, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void MetadataNamesTheActivationAndMayNotBoundCritics()
    {
        using Fixture fixture = new("sb3-sac-norm-tanh");
        using TemporaryDirectory directory = new();
        string path = directory["agent.safetensors"];
        SafetensorsWriter writer = new();
        foreach ((string name, NamedTensor tensor) in Tensors("sb3-sac-norm-tanh"))
        {
            writer.Add(name, tensor.Values.Span, [.. tensor.Shape]);
        }

        writer.Metadata["activation"] = "tanh";
        writer.Save(path);
        using (ImportedAgent agent = AgentImport.Load(path, fixture.Shape))
        {
            fixture.AssertAgrees(agent, SoftQEstimator.Critic, "critic");
        }

        writer.Metadata["critic_low"] = "-1";
        writer.Save(path);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => AgentImport.Load(path, fixture.Shape));
        Assert.Contains("bound its critics", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void IgnoredPrefixesAreLeftOut()
    {
        using Fixture fixture = new("sb3-sac");
        Dictionary<string, NamedTensor> tensors = Tensors("sb3-sac");
        Add(tensors, "critic.extra.weight", 3, 3);
        using ImportedAgent agent = AgentImport.Read(
            tensors, fixture.Shape, layers: new AgentLayers { Ignore = ["critic.extra."] });
        fixture.AssertAgrees(agent, SoftQEstimator.Critic, "critic");
    }

    [Fact]
    public void EstimatorsThatLackSomethingAreRefused()
    {
        using Fixture discrete = new("sb3-dqn"), described = new("described"), sac = new("sb3-sac");
        using ImportedAgent dqn = AgentImport.Load(Fixture.PathOf("sb3-dqn"), discrete.Shape);
        Assert.True(dqn.IsDiscrete);
        RefusedRelabeler(dqn, SoftQEstimator.SoftCritic, "needs a policy over actions");
        using ImportedAgent critic = AgentImport.Load(
            Fixture.PathOf("described"), described.Shape, AgentFormat.Auto, AgentLayers.Read(Described));
        RefusedRelabeler(critic, SoftQEstimator.Bellman, "needs an actor");
        Dictionary<string, NamedTensor> tensors = Tensors("sb3-sac");
        tensors.Remove("log_ent_coef");
        using ImportedAgent cold = AgentImport.Read(tensors, sac.Shape);
        RefusedRelabeler(cold, SoftQEstimator.SoftCritic, "needs the entropy temperature alpha");
        using Relabeler given = cold.CreateRelabeler(
            TaskFamilies.None(3), new RelabelOptions { Estimator = SoftQEstimator.SoftCritic, Alpha = 0.3f });

        static void RefusedRelabeler(ImportedAgent agent, SoftQEstimator estimator, string expected)
        {
            ArgumentException refusal = Assert.Throws<ArgumentException>(() => agent.CreateRelabeler(
                TaskFamilies.None(3), new RelabelOptions { Estimator = estimator }));
            Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("sb3-dqn")]
    [InlineData("cleanrl-sac")]
    public void CallsArePreparedAndForecast(string name)
    {
        using Fixture fixture = new(name);
        using ImportedAgent agent = AgentImport.Load(Fixture.PathOf(name), fixture.Shape);
        RelabelOptions options = new()
        {
            Estimator = agent.IsDiscrete ? SoftQEstimator.Critic : SoftQEstimator.SoftCritic,
        };
        using Relabeler relabeler = agent.CreateRelabeler(TaskFamilies.None(3), options);
        relabeler.Prepare(8, 4);
        Assert.True(relabeler.Forecast(8, 4).Time > TimeSpan.Zero);
    }

    [Fact]
    public void ARelabelerGivesItsSessionBack()
    {
        using Fixture fixture = new("sb3-sac");
        using ImportedAgent agent = AgentImport.Load(Fixture.PathOf("sb3-sac"), fixture.Shape);
        Relabeler relabeler = agent.CreateRelabeler(TaskFamilies.None(3), new RelabelOptions());
        using TransitionBatch batch = fixture.Batch();
        relabeler.Relabel(batch);
        relabeler.Dispose();
        Assert.Throws<ObjectDisposedException>(() => relabeler.Relabel(batch));
    }

    [Fact]
    public void RepeatedCallsAllocateNothing()
    {
        using Fixture fixture = new("sb3-sac-norm-tanh");
        using ImportedAgent agent = AgentImport.Load(
            Fixture.PathOf("sb3-sac-norm-tanh"), fixture.Shape, layers: new AgentLayers { Activation = "tanh" });
        using Relabeler relabeler = agent.CreateRelabeler(TaskFamilies.None(3), new RelabelOptions());
        using TransitionBatch batch = fixture.Batch();
        SteadyState.AssertAllocatesNothing(() => relabeler.Relabel(batch));
    }

    [Fact]
    public void BackendsThatDoNotComputeSuchNetworksAreRefused()
    {
        using Fixture fixture = new("sb3-sac");
        using ImportedAgent agent = AgentImport.Load(Fixture.PathOf("sb3-sac"), fixture.Shape);
        foreach (string name in (string[])["managed", "managed-portable", "auto"])
        {
            using Relabeler relabeler = agent.CreateRelabeler(
                TaskFamilies.None(3), new RelabelOptions { Compute = new() { Backend = name } });
            Assert.StartsWith("managed", relabeler.Backend.Name, StringComparison.Ordinal);
        }

        Assert.ThrowsAny<Exception>(() => agent.CreateRelabeler(
            TaskFamilies.None(3),
            new RelabelOptions { Compute = new() { Precision = Kernels.Backends.PrecisionMode.Bf16 } }));
    }

    [Fact]
    public void FilesOfTorchAreRefusedWithTheWayToConvertThem()
    {
        using TemporaryDirectory directory = new();
        string path = directory["agent.pt"];
        File.WriteAllBytes(path, [.. "PK\u0003\u0004"u8, .. new byte[60]]);
        InvalidDataException error = Assert.Throws<InvalidDataException>(
            () => AgentImport.Load(path, new TransitionShape(5, 2, 3)));
        Assert.Contains("zip archive", error.Message, StringComparison.Ordinal);
        Assert.Contains("safetensors.torch.save_file", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CompiledModulesAndSingleNetworksAreFound()
    {
        using Fixture fixture = new("cleanrl-sac");
        Dictionary<string, NamedTensor> compiled = [];
        foreach ((string name, NamedTensor tensor) in Tensors("cleanrl-sac"))
        {
            compiled.Add(name.Replace(".", "._orig_mod.", StringComparison.Ordinal), tensor);
        }

        using ImportedAgent agent = AgentImport.Read(compiled, fixture.Shape);
        fixture.AssertAgrees(agent, SoftQEstimator.SoftCritic, "soft_critic");

        // A file of qf1 alone: one critic, which is what --twin first takes of both.
        Dictionary<string, NamedTensor> single = Tensors("cleanrl-sac").Where(
            entry => entry.Key.StartsWith("qf1.", StringComparison.Ordinal)).ToDictionary(
            entry => entry.Key["qf1.".Length..], entry => entry.Value);
        using ImportedAgent one = AgentImport.Read(single, fixture.Shape);
        Assert.Equal(
            fixture.SoftQ(agent, SoftQEstimator.Critic, TwinCombination.First),
            fixture.SoftQ(one, SoftQEstimator.Critic));
    }

    [Fact]
    public void ThisLibrarysOwnNamesAreReadFromMemory()
    {
        using Fixture fixture = new("sb3-sac-standard");
        Dictionary<string, NamedTensor> tensors = [];
        using ImportedAgent sb3 = AgentImport.Load(Fixture.PathOf("sb3-sac-standard"), fixture.Shape);
        using TemporaryDirectory directory = new();
        string path = directory["agent.safetensors"];
        HipiFast.Learning.AgentFile.Save(sb3.Networks!, path);
        using (SafetensorsFile file = SafetensorsFile.Open(path))
        {
            foreach (TensorInfo tensor in file.Tensors.Values)
            {
                float[] values = new float[tensor.ElementCount];
                file.Read<float>(tensor.Name, values);
                tensors.Add(tensor.Name, new NamedTensor(values, tensor.Shape));
            }
        }

        using ImportedAgent own = AgentImport.Load(path, fixture.Shape);
        using ImportedAgent memory = AgentImport.Read(tensors, fixture.Shape);
        Assert.Equal(AgentFormat.HipiFast, own.Format);
        Assert.NotNull(memory.Networks);
        Assert.Equal(
            fixture.SoftQ(own, SoftQEstimator.SoftCritic), fixture.SoftQ(memory, SoftQEstimator.SoftCritic));
        fixture.AssertAgrees(memory, SoftQEstimator.SoftCritic, "soft_critic");
        InvalidDataException described = Assert.Throws<InvalidDataException>(
            () => AgentImport.Load(path, fixture.Shape, layers: new AgentLayers { Activation = "tanh" }));
        Assert.Contains("expected no description", described.Message, StringComparison.Ordinal);
        InvalidDataException error = Assert.Throws<InvalidDataException>(
            () => AgentImport.Load(path, new TransitionShape(4, 2, 4)));
        Assert.Contains("is an agent for 5 state", error.Message, StringComparison.Ordinal);
    }

    private static void Refused(string name, string expected, Action<Dictionary<string, NamedTensor>> spoil)
    {
        using Fixture fixture = new(name);
        Dictionary<string, NamedTensor> tensors = Tensors(name);
        spoil(tensors);
        InvalidDataException error = Assert.Throws<InvalidDataException>(
            () => AgentImport.Read(tensors, fixture.Shape).Dispose());
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    private static void Add(Dictionary<string, NamedTensor> tensors, string name, params long[] shape) =>
        tensors[name] = new NamedTensor(new float[shape.Aggregate(1L, (x, y) => x * y)], shape);

    private static void Rename(Dictionary<string, NamedTensor> tensors, string from, string to)
    {
        foreach (string name in tensors.Keys.Where(name => name.StartsWith(from, StringComparison.Ordinal)).ToArray())
        {
            tensors.Remove(name, out NamedTensor tensor);
            tensors.Add(to + name[from.Length..], tensor);
        }
    }

    private static Dictionary<string, NamedTensor> Tensors(string name)
    {
        using SafetensorsFile file = SafetensorsFile.Open(Fixture.PathOf(name));
        Dictionary<string, NamedTensor> tensors = [];
        foreach (TensorInfo tensor in file.Tensors.Values)
        {
            float[] values = new float[tensor.ElementCount];
            file.Read<float>(tensor.Name, values);
            tensors.Add(tensor.Name, new NamedTensor(values, tensor.Shape));
        }

        return tensors;
    }

    /// <summary>Transitions and tasks of a fixture, and what PyTorch made of them.</summary>
    private sealed class Fixture : IDisposable
    {
        private readonly SafetensorsFile _expected;
        private readonly TransitionBatch _batch;
        private readonly float[] _tasks;

        public Fixture(string name)
        {
            _expected = SafetensorsFile.Open(PathOf(name + ".expected"));
            TensorInfo observation = _expected.Tensors["observation"], action = _expected.Tensors["action"],
                task = _expected.Tensors["task"];
            int rows = (int)observation.Shape[0];
            Shape = new TransitionShape((int)observation.Shape[1], (int)action.Shape[1], (int)task.Shape[1]);
            _batch = new TransitionBatch(Shape, rows) { Count = rows };
            _expected.Read("observation", _batch.Observation);
            _expected.Read("observation", _batch.NextObservation);
            _expected.Read("action", _batch.Action);
            _tasks = Read("task");
        }

        public TransitionShape Shape { get; }

        public static string PathOf(string name) =>
            Path.Combine(AppContext.BaseDirectory, "Import", "Fixtures", name + ".safetensors");

        public TransitionBatch Batch() => _batch.Copy();

        public bool Has(string estimator) => _expected.Tensors.ContainsKey(estimator);

        public float[] SoftQ(
            ImportedAgent agent, SoftQEstimator estimator, TwinCombination twin = TwinCombination.Min)
        {
            RelabelOptions options = new()
            {
                Estimator = estimator, RelabelFraction = 1, ExactTerminalValue = false, Twin = twin,
            };
            Matrix matrix = new();
            using Relabeler relabeler = agent.CreateRelabeler(TaskFamilies.None(Shape.TaskDimension), options);
            relabeler.Observer = matrix;
            using TransitionBatch copy = _batch.Copy();
            relabeler.Relabel(copy, _tasks);
            return matrix.SoftQ;
        }

        public void AssertAgrees(ImportedAgent agent, SoftQEstimator estimator, string tensor)
        {
            float[] expected = Read(tensor), found = SoftQ(agent, estimator);
            double spread = (double)expected.Max() - expected.Min();
            Assert.True(spread > 1, $"The fixture says little: a spread of {spread}.");
            for (int pair = 0; pair < expected.Length; pair++)
            {
                Assert.True(
                    Math.Abs(expected[pair] - (double)found[pair]) <= OfSpread * spread,
                    $"{tensor}[{pair}]: PyTorch has {expected[pair]:R}, found {found[pair]:R}, spread {spread:g4}.");
            }
        }

        public void Dispose()
        {
            _expected.Dispose();
            _batch.Dispose();
        }

        private float[] Read(string name)
        {
            float[] values = new float[_expected.Tensors[name].ElementCount];
            _expected.Read<float>(name, values);
            return values;
        }
    }

    private sealed class Matrix : IRelabelObserver
    {
        public float[] SoftQ { get; private set; } = [];

        public bool WantsPosterior => false;

        public void OnBlock(in RelabelBlock block) => SoftQ = [.. SoftQ, .. block.SoftQ];
    }
}

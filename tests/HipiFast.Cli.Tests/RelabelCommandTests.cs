using System.Text.Json;
using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Random;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Cli.Tests;

public class RelabelCommandTests
{
    private const int Rows = 50;
    private const int Tasks = 7;

    private static readonly TransitionShape s_shape = new(3, 2, 2);

    // The first two entries of the state are what a goal speaks of; it is reached within 0.5.
    private const string GoalFamily = """{"kind": "goal", "achieved": [0, 1], "margin": 0.5, "reward": [-1, 0]}""";

    [Fact]
    public void RelabelsAgainstGivenTasks()
    {
        using Files files = new();
        string[] options =
            ["--tasks", files.Tasks, "--family", files.Family, "--dump", "soft-q,log-partition,posterior"];
        ProcessResult result = HipifastProgram.Run(["relabel", .. files.Basics, .. options]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        Assert.Contains("pairs/s", result.Output);

        using SafetensorsFile output = SafetensorsFile.Open(files.Out);
        int[] index = Read<int>(output, "task_index", TensorType.Int32, Rows);
        byte[] relabeled = Read<byte>(output, "relabeled", TensorType.UInt8, Rows);
        float[] task = Read<float>(output, "task", TensorType.Float32, Rows, 2);
        float[] reward = Read<float>(output, "reward", TensorType.Float32, Rows);
        byte[] terminated = Read<byte>(output, "terminated", TensorType.UInt8, Rows);
        float[] softQ = Read<float>(output, "soft_q", TensorType.Float32, Rows, Tasks);
        float[] logPartition = Read<float>(output, "log_partition", TensorType.Float32, Tasks);
        float[] posterior = Read<float>(output, "posterior", TensorType.Float32, Rows, Tasks);
        Assert.All(index, candidate => Assert.InRange(candidate, 0, Tasks - 1));
        Assert.All(relabeled, flag => Assert.Equal(1, flag));
        for (int row = 0; row < Rows; row++)
        {
            Assert.Equal(files.TaskValues.AsSpan(index[row] * 2, 2), task.AsSpan(row * 2, 2));
            Assert.Equal(terminated[row] == 1 ? 0f : -1f, reward[row]);
            Assert.Equal(1, posterior.AsSpan(row * Tasks, Tasks).ToArray().Sum(), 1e-4);
        }

        for (int i = 0; i < Tasks; i++)
        {
            double sum = 0, ratio = 0;
            for (int row = 0; row < Rows; row++)
            {
                sum += Math.Exp(softQ[(row * Tasks) + i]);
            }

            Assert.Equal(Math.Log(sum / Rows), logPartition[i], 1e-4);

            // Within a row, the posterior's odds are those of exp(soft Q - log Z).
            ratio = Math.Log(
                posterior[i] / posterior[0]) - ((softQ[i] - logPartition[i]) - (softQ[0] - logPartition[0]));
            Assert.Equal(0, ratio, 1e-3);
        }
    }

    // What the critic's matrix gives by itself, it gives when it comes from a file: in one piece and in blocks.
    [Theory]
    [InlineData(true, "50")]
    [InlineData(true, "16")]
    [InlineData(false, "")]
    public void ADumpedMatrixTakesTheAgentsPlace(bool given, string batch)
    {
        using Files files = new();
        string[] options =
        [
            .. given ? (string[])["--tasks", files.Tasks] : [], .. batch.Length > 0 ? (string[])["--batch", batch] : [],
            "--family", files.Family, "--relabel-fraction", "0.7",
        ];
        string dumped = files["dumped.safetensors"];
        Assert.Equal(0, HipifastProgram.Run(
            ["relabel", "--agent", files.Agent, "--transitions", files.Transitions, "--out", dumped, "--dump", "soft-q",
                .. options]).ExitCode);
        ProcessResult result = HipifastProgram.Run(
            ["relabel", "--soft-q", dumped, "--transitions", files.Transitions, "--out", files.Out, .. options]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));

        using SafetensorsFile first = SafetensorsFile.Open(dumped), second = SafetensorsFile.Open(files.Out);
        Assert.Equal(
            Read<int>(first, "task_index", TensorType.Int32, Rows), Read<int>(
                second, "task_index", TensorType.Int32, Rows));
        Assert.Equal(
            Read<float>(first, "task", TensorType.Float32, Rows, 2), Read<float>(
                second, "task", TensorType.Float32, Rows, 2));
        Assert.Equal(
            Read<float>(first, "reward", TensorType.Float32, Rows), Read<float>(
                second, "reward", TensorType.Float32, Rows));
    }

    [Theory]
    [InlineData("soft_q", 40, 7, "has shape [40, 7]; expected [50, K]")]
    [InlineData("soft_q", 50, 6, "has soft Q-values under 6 candidate tasks; --tasks has 7")]
    [InlineData("q", 50, 7, "soft_q")]
    public void AMatrixThatDoesNotFitIsRefused(string name, int rows, int candidates, string sentence)
    {
        using Files files = new();
        SafetensorsWriter writer = new();
        writer.Add<float>(name, new float[rows * candidates], rows, candidates);
        writer.Save(files["Q.safetensors"]);
        ProcessResult result = HipifastProgram.Run(
            "relabel", "--soft-q", files["Q.safetensors"], "--transitions", files.Transitions, "--out", files.Out,
            "--tasks", files.Tasks);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(sentence, result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(files.Out));
    }

    [Fact]
    public void ALargeCallIsForecastAndASmallOneIsNot()
    {
        const int Large = 5500;
        using Files files = new();
        using TransitionBatch batch = RelabelData.Batch(Large);
        string large = files["L.safetensors"];
        TransitionFile.Save(large, batch);
        ProcessResult result = HipifastProgram.Run(
            "relabel", "--agent", files.Agent, "--transitions", large, "--out", files.Out);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        Assert.Matches(
            @"^This takes about [0-9]+ s: 30,250,000 soft-Q values, 121 MB for a matrix of them\.", result.Output);
        Assert.DoesNotContain(
            "This takes", HipifastProgram.Run(["relabel", .. files.Basics]).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void SameSeedSameFileAndAnotherSeedAnother()
    {
        using Files files = new();
        byte[] Bytes(string seed, string threads)
        {
            Assert.Equal(0, HipifastProgram.Run(
                ["relabel", .. files.Basics, "--tasks", files.Tasks, "--seed", seed, "--threads", threads]).ExitCode);
            return File.ReadAllBytes(files.Out);
        }

        byte[] first = Bytes("1", "1");
        Assert.Equal(first, Bytes("1", "2"));
        Assert.NotEqual(first, Bytes("2", "1"));
    }

    [Fact]
    public void WithoutTasksTheCommandedOnesAreTheCandidates()
    {
        using Files files = new();
        Assert.Equal(0, HipifastProgram.Run(["relabel", .. files.Basics, "--batch", "16"]).ExitCode);
        using SafetensorsFile output = SafetensorsFile.Open(files.Out);
        int[] index = Read<int>(output, "task_index", TensorType.Int32, Rows);
        float[] task = Read<float>(output, "task", TensorType.Float32, Rows, 2);
        for (int row = 0; row < Rows; row++)
        {
            // A task index is a row of the file, and of the same batch.
            Assert.Equal(row / 16, index[row] / 16);
            Assert.Equal(files.Commanded.AsSpan(index[row] * 2, 2), task.AsSpan(row * 2, 2));
        }

        Assert.False(output.Tensors.ContainsKey("reward"));
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("1", Rows)]
    public void TheFractionIsTheShareThatGetsANewTask(string fraction, int expected)
    {
        using Files files = new();
        Assert.Equal(0, HipifastProgram.Run(
            ["relabel", .. files.Basics, "--tasks", files.Tasks, "--relabel-fraction", fraction]).ExitCode);
        using SafetensorsFile output = SafetensorsFile.Open(files.Out);
        Assert.Equal(expected, Read<byte>(output, "relabeled", TensorType.UInt8, Rows).Sum(flag => flag));
        Assert.Equal(Rows - expected, Read<int>(
            output, "task_index", TensorType.Int32, Rows).Count(candidate => candidate == -1));
    }

    [Fact]
    public void ByBatchesDumpsHaveAllRows()
    {
        using Files files = new();
        string[] dump = ["--tasks", files.Tasks, "--dump", "soft-q,log-partition"];
        Assert.Equal(0, HipifastProgram.Run(["relabel", .. files.Basics, .. dump]).ExitCode);
        float[] whole;
        using (SafetensorsFile output = SafetensorsFile.Open(files.Out))
        {
            whole = Read<float>(output, "soft_q", TensorType.Float32, Rows, Tasks);
        }

        Assert.Equal(0, HipifastProgram.Run(["relabel", .. files.Basics, .. dump, "--batch", "20"]).ExitCode);
        using SafetensorsFile batched = SafetensorsFile.Open(files.Out);
        float[] parts = Read<float>(batched, "soft_q", TensorType.Float32, Rows, Tasks);
        Assert.All(whole.Zip(parts), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
        Read<float>(batched, "log_partition", TensorType.Float32, 3, Tasks);
        Assert.Equal([Path.GetFileName(files.Out)], Directory.EnumerateFiles(
            Path.GetDirectoryName(files.Out)!, "Y*").Select(Path.GetFileName));
    }

    [Fact]
    public void ByTaskTransitionsMove()
    {
        using Files files = new();
        Assert.Equal(0, HipifastProgram.Run(
            ["relabel", .. files.Basics, "--assign", "task", "--family", files.Family]).ExitCode);
        using SafetensorsFile output = SafetensorsFile.Open(files.Out);
        float[] observation = Read<float>(output, "observation", TensorType.Float32, Rows, 3);
        Assert.Equal(files.Commanded, Read<float>(output, "task", TensorType.Float32, Rows, 2));
        for (int row = 0; row < Rows; row++)
        {
            float first = observation[row * 3];
            Assert.Contains(Enumerable.Range(0, Rows), source => files.Observation[source * 3] == first);
        }
    }

    // Half of the slots, in batches: an index is the slot's own row of the file, whose commanded task it kept.
    [Fact]
    public void ByTaskAnIndexIsTheRowItself()
    {
        using Files files = new();
        string[] options =
            ["--assign", "task", "--relabel-fraction", "0.5", "--batch", "20", "--row-pool", "3", "--json"];
        ProcessResult result = HipifastProgram.Run(["relabel", .. files.Basics, .. options]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        using SafetensorsFile output = SafetensorsFile.Open(files.Out);
        int[] index = Read<int>(output, "task_index", TensorType.Int32, Rows);
        byte[] relabeled = Read<byte>(output, "relabeled", TensorType.UInt8, Rows);
        float[] observation = Read<float>(output, "observation", TensorType.Float32, Rows, 3);
        Assert.Equal(files.Commanded, Read<float>(output, "task", TensorType.Float32, Rows, 2));
        Assert.Equal(Enumerable.Range(0, Rows).Select(row => relabeled[row] == 1 ? row : -1), index);
        Assert.Contains("the row itself", output.Metadata["task_index"]);
        int moved = relabeled.Sum(flag => flag);
        Assert.InRange(moved, 10, 40);

        // Three batches, each with a pool of three rows.
        Assert.InRange(Enumerable.Range(0, Rows).Where(
            row => relabeled[row] == 1).Select(row => observation[row * 3]).Distinct().Count(), 4, 9);
        using JsonDocument document = JsonDocument.Parse(result.Output);
        Assert.Equal(3.0 * moved, document.RootElement.GetProperty("pairs").GetDouble());
        Assert.Equal((double)moved / Rows, document.RootElement.GetProperty("relabeled_share").GetDouble(), 1e-6);
        Assert.Equal(2, HipifastProgram.Run(["relabel", .. files.Basics, "--row-pool", "3"]).ExitCode);
    }

    [Fact]
    public void APriorBesideTheTasksCounts()
    {
        using Files files = new();
        SafetensorsWriter writer = new();
        writer.Add<float>("task", files.TaskValues, Tasks, 2);
        writer.Add<float>(
            "log_prior", [.. Enumerable.Range(0, Tasks).Select(i => i is 2 or 5 ? 0f : float.NegativeInfinity)], Tasks);
        writer.Save(files["prior"]);
        Assert.Equal(0, HipifastProgram.Run(["relabel", .. files.Basics, "--tasks", files["prior"]]).ExitCode);
        using (SafetensorsFile output = SafetensorsFile.Open(files.Out))
        {
            Assert.Equal([2, 5], Read<int>(output, "task_index", TensorType.Int32, Rows).Distinct().Order());
        }

        writer = new();
        writer.Add<float>("task", files.TaskValues, Tasks, 2);
        writer.Add<float>("log_prior", [0f], 1);
        writer.Save(files["prior"]);
        ProcessResult result = HipifastProgram.Run(["relabel", .. files.Basics, "--tasks", files["prior"]]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("log_prior", result.Error);
    }

    // With batches the report is of the whole file: computed again from the dumps.
    [Fact]
    public void TheReportIsOfAllBatches()
    {
        using Files files = new();
        string[] options =
        [
            "--tasks", files.Tasks, "--dump", "log-partition,posterior", "--batch", "20", "--relabel-fraction", "0.5",
            "--json"
        ];
        ProcessResult result = HipifastProgram.Run(["relabel", .. files.Basics, .. options]);
        using JsonDocument document = JsonDocument.Parse(result.Output);
        double Number(string name) => document.RootElement.GetProperty(name).GetDouble();
        using SafetensorsFile output = SafetensorsFile.Open(files.Out);
        float[] posterior = Read<float>(output, "posterior", TensorType.Float32, Rows, Tasks);
        float[] logPartition = Read<float>(output, "log_partition", TensorType.Float32, 3, Tasks);
        double entropy = posterior.Sum(p => p > 0 ? -p * Math.Log(p) : 0) / Rows;
        Assert.Equal(entropy, Number("posterior_entropy"), 1e-4);
        Assert.Equal(Math.Exp(entropy), Number("effective_tasks"), 1e-3);
        Assert.Equal(logPartition.Min(), Number("log_partition_min"), 1e-5);
        Assert.Equal(logPartition.Max(), Number("log_partition_max"), 1e-5);
        Assert.Equal(
            Read<byte>(output, "relabeled", TensorType.UInt8, Rows).Sum(flag => flag) / (double)Rows,
            Number("relabeled_share"), 1e-6);
    }

    [Fact]
    public void ReturnsRelabelWholeTrajectories()
    {
        using Files files = new();
        string[] inputs = ["--transitions", files.Trajectories, "--tasks", files.Tasks, "--family", files.Family];
        ProcessResult result = HipifastProgram.Run(["relabel", .. inputs, "--estimator", "return", "--out", files.Out]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        using SafetensorsFile output = SafetensorsFile.Open(files.Out);
        int[] index = Read<int>(output, "task_index", TensorType.Int32, Rows);
        for (int row = 0; row < Rows; row++)
        {
            Assert.Equal(index[row / 10 * 10], index[row]);
        }

        // Without given tasks an index is a trajectory.
        string[] own = ["--transitions", files.Trajectories, "--family", files.Family];
        Assert.Equal(
            0, HipifastProgram.Run(["relabel", .. own, "--estimator", "return", "--out", files["own"]]).ExitCode);
        using SafetensorsFile commanded = SafetensorsFile.Open(files["own"]);
        float[] task = Read<float>(commanded, "task", TensorType.Float32, Rows, 2);
        index = Read<int>(commanded, "task_index", TensorType.Int32, Rows);
        Assert.Contains("number of the trajectory", commanded.Metadata["task_index"]);
        for (int row = 0; row < Rows; row++)
        {
            Assert.Equal(files.Commanded.AsSpan(index[row] * 10 * 2, 2), task.AsSpan(row * 2, 2));
        }
    }

    [Fact]
    public void BadFilesAreNamedAndNothingIsWritten()
    {
        using Files files = new();
        File.WriteAllBytes(files["broken"], [1, 2, 3]);
        SafetensorsWriter empty = new();
        empty.Add<float>("task", [], 0, 2);
        empty.Save(files["none"]);
        SafetensorsWriter wide = new();
        wide.Add<float>("task", [1, 2, 3], 1, 3);
        wide.Save(files["wide"]);
        using (AgentNetworks other = new(new TransitionShape(4, 2, 2), 8))
        {
            AgentFile.Save(other, files["other"]);
        }

        File.WriteAllText(files["odd"], """{"kind": "gaol"}""");
        (string Named, string[] Options)[] cases =
        [
            ("absent", ["--agent", files["absent"], "--transitions", files.Transitions]),
            ("absent", ["--agent", files.Agent, "--transitions", files["absent"]]),
            ("broken", ["--agent", files["broken"], "--transitions", files.Transitions]),
            ("broken", ["--agent", files.Agent, "--transitions", files["broken"]]),
            ("none", ["--agent", files.Agent, "--transitions", files.Transitions, "--tasks", files["none"]]),
            ("wide", ["--agent", files.Agent, "--transitions", files.Transitions, "--tasks", files["wide"]]),
            ("other", ["--agent", files["other"], "--transitions", files.Transitions]),
            ("odd", ["--agent", files.Agent, "--transitions", files.Transitions, "--family", files["odd"]]),
            ("episode", ["--estimator", "return", "--family", files.Family, "--transitions", files.Transitions]),
        ];
        foreach ((string named, string[] options) in cases)
        {
            ProcessResult result = HipifastProgram.Run(["relabel", .. options, "--out", files.Out]);
            Assert.Equal(2, result.ExitCode);
            Assert.Contains(named, result.Error);
            Assert.Single(result.Error.TrimEnd().Split('\n'));
            Assert.DoesNotContain("   at ", result.Error);
            Assert.False(File.Exists(files.Out));
        }
    }

    [Fact]
    public void ACriticThatIsNotFiniteNamesThePair()
    {
        using Files files = new();
        using AgentNetworks networks = AgentFile.Load(files.Agent);
        networks.Critic1.Bias(2)[0] = float.NaN;
        AgentFile.Save(networks, files["nan"]);
        ProcessResult result =
            HipifastProgram.Run(
                "relabel", "--agent", files["nan"], "--transitions", files.Transitions, "--tasks", files.Tasks, "--out",
                files.Out);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("NaN", result.Error);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
        Assert.False(File.Exists(files.Out));
    }

    [Fact]
    public void AnOutputThatCannotBeWrittenIsNamedBeforeTheWork()
    {
        using Files files = new();
        string path = Path.Combine(files["nowhere"], "Y");
        ProcessResult result = HipifastProgram.Run(
            "relabel", "--agent", files["absent"], "--transitions", files.Transitions, "--out", path);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(files["nowhere"], result.Error);
    }

    [Fact]
    public void JsonReportsTheRate()
    {
        using Files files = new();
        ProcessResult result = HipifastProgram.Run(["relabel", .. files.Basics, "--tasks", files.Tasks, "--json"]);
        using JsonDocument document = JsonDocument.Parse(result.Output);
        Assert.Equal(Rows * Tasks, document.RootElement.GetProperty("pairs").GetDouble());
        Assert.True(document.RootElement.GetProperty("pairs_per_s").GetDouble() > 0);
    }

    [Fact]
    public async Task AForcedVariantIsTheOneThatRanOrAnError()
    {
        using Files files = new();
        foreach (KernelBackend backend in KernelRegistry.Default.Backends)
        {
            bool supported = backend.IsSupported(out string reason);
            string[] arguments = ["relabel", .. files.Basics, "--tasks", files.Tasks, "--json"];
            ProcessResult byOption = HipifastProgram.Run([.. arguments, "--backend", backend.Name]);
            ProcessResult byEnvironment = await HipifastProgram.RunWith(
                KernelRegistry.EnvironmentVariable, backend.Name, arguments);
            foreach (ProcessResult result in (ProcessResult[])[byOption, byEnvironment])
            {
                Assert.True((supported ? 0 : 1) == result.ExitCode, $"{backend.Name}: {result.Error}");
                if (supported)
                {
                    using JsonDocument document = JsonDocument.Parse(result.Output);
                    Assert.Equal(backend.Name, document.RootElement.GetProperty("variant").GetString());
                    Assert.Equal(
                        backend.Precision.ToString().ToLowerInvariant(),
                        document.RootElement.GetProperty("precision").GetString());
                }
                else
                {
                    Assert.Contains($"'{backend.Name}'", result.Error);
                    Assert.Contains(reason.TrimEnd('.'), result.Error);
                }
            }
        }
    }

    [Fact]
    public async Task AVariantWhoseInstructionsAreSwitchedOffIsAnErrorAndNeverAnother()
    {
        // Whether or not this machine has 512-bit vectors: without AVX2 .NET uses none.
        using Files files = new();
        ProcessResult result = await HipifastProgram.RunWith(
            "DOTNET_EnableAVX2", "0", ["relabel", .. files.Basics, "--backend", "managed-512"]);
        Assert.Equal((1, string.Empty), (result.ExitCode, result.Output));
        Assert.StartsWith("hipifast: Backend 'managed-512' cannot run here: ", result.Error);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
        Assert.False(File.Exists(files.Out));
    }

    [Fact]
    public async Task AConflictWithTheEnvironmentNamesIt()
    {
        using Files files = new();
        string[] arguments = ["relabel", .. files.Basics, "--precision", "bf16"];
        ProcessResult result = await HipifastProgram.RunWith(
            KernelRegistry.EnvironmentVariable, "managed-portable", arguments);
        string expected =
            "hipifast: Precision bf16 was asked for, but backend 'managed-portable' (from HIPIFAST_BACKEND) computes "
            + "in fp32.";
        Assert.Equal((2, expected), (result.ExitCode, result.Error.TrimEnd()));
    }

    private static T[] Read<T>(SafetensorsFile file, string name, TensorType type, params ReadOnlySpan<long> shape)
        where T : unmanaged
    {
        T[] values = new T[file.Require(name, type, shape).ElementCount];
        file.Read<T>(name, values);
        return values;
    }

    /// <summary>An agent, transitions, trajectories, tasks and a family, written for one test.</summary>
    [Fact]
    public void AnAgentForOtherWidthsIsNamedWithTheTransitions()
    {
        using Files files = new();
        using (AgentNetworks other = new(new TransitionShape(4, 2, 2), 8))
        {
            AgentFile.Save(other, files.Agent);
        }

        ProcessResult result = HipifastProgram.Run(["relabel", .. files.Basics]);
        string expected = $"'{files.Agent}' is an agent for 4 state, 2 action and 2 task entries, "
            + $"but '{files.Transitions}' holds 3 state, 2 action and 2 task entries.";
        Assert.Equal((2, $"hipifast: {expected}{Environment.NewLine}"), (result.ExitCode, result.Error));
    }

    private sealed class Files : IDisposable
    {
        private readonly TemporaryDirectory _directory = new();

        public Files()
        {
            using AgentNetworks networks = new(s_shape, 8);
            networks.Initialize(1);
            AgentFile.Save(networks, Agent);
            using TransitionBatch batch = new(s_shape, Rows) { Count = Rows };
            Fill(batch.Observation, 0);
            Fill(batch.Action, 1);
            Fill(batch.NextObservation, 2);
            Fill(batch.Task, 3);
            batch.Reward.Fill(-1);
            TransitionFile.Save(Transitions, batch);
            TransitionFile.Save(Trajectories, batch, [.. Enumerable.Range(0, Rows).Select(row => (long)(row / 10))]);
            Commanded = batch.Task.ToArray();
            Observation = batch.Observation.ToArray();
            TaskValues = new float[RelabelCommandTests.Tasks * 2];
            Fill(TaskValues, 4);
            SafetensorsWriter tasks = new();
            tasks.Add<float>("task", TaskValues, RelabelCommandTests.Tasks, 2);
            tasks.Save(Tasks);
            File.WriteAllText(Family, GoalFamily);
        }

        public string Agent => this["A.safetensors"];

        public string Transitions => this["X.safetensors"];

        public string Trajectories => this["T.safetensors"];

        public string Tasks => this["P.safetensors"];

        public string Family => this["F.json"];

        public string Out => this["Y.safetensors"];

        public string[] Basics => ["--agent", Agent, "--transitions", Transitions, "--out", Out];

        public float[] Commanded { get; }

        public float[] Observation { get; }

        public float[] TaskValues { get; }

        public string this[string name] => _directory[name];

        public void Dispose() => _directory.Dispose();

        private static void Fill(Span<float> values, uint stream)
        {
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = (
                    2 * Philox.ToUniform(Philox.Next((uint)i, stream, 0, (uint)RandomPurpose.SyntheticData, 5).X)) - 1;
            }
        }
    }
}

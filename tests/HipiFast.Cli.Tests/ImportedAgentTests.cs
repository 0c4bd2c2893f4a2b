using System.Text.Json;
using HipiFast.Replay;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Cli.Tests;

/// <summary><c>relabel</c> with agents of other libraries, whose Q~ PyTorch has computed.</summary>
public sealed class ImportedAgentTests
{
    private static string Fixtures => Path.Combine(Repository.Root, "tests", "HipiFast.Tests", "Import", "Fixtures");

    [Theory]
    [InlineData("sb3-sac", "critic", null)]
    [InlineData("sb3-sac-norm-tanh", "soft-critic", """{"activation": "tanh"}""")]
    [InlineData("cleanrl-sac-norm", "soft-critic", null)]
    [InlineData("sb3-dqn", "critic", null)]
    public void SoftQIsPyTorchs(string name, string estimator, string? layers)
    {
        using Files files = new(name);
        ProcessResult result = HipifastProgram.Run(
            [
                "relabel", .. files.Basics, "--estimator", estimator, "--dump", "soft-q", "--json",
                .. layers is null ? [] : (string[])["--agent-layers", layers],
            ]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        using JsonDocument document = JsonDocument.Parse(result.Output);
        Assert.Contains("critics of", document.RootElement.GetProperty("agent").GetString(), StringComparison.Ordinal);
        Assert.NotEqual(0, document.RootElement.GetProperty("agent_notes").GetArrayLength());
        float[] expected = Read(files.Expected, estimator == "critic" ? "critic" : "soft_critic");
        float[] found = Read(files.Out, "soft_q");
        double spread = expected.Max() - expected.Min();
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * spread));
    }

    [Fact]
    public void TheTableSaysWhatTheAgentIsAndWhatWasAssumed()
    {
        using Files files = new("sb3-sac");
        ProcessResult result = HipifastProgram.Run(["relabel", .. files.Basics, "--agent-format", "sb3"]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        Assert.Contains("2 critics of 24, 24, 24 units (relu), an actor", result.Output, StringComparison.Ordinal);
        Assert.Contains("Note: Target networks are left out: critic_target.*", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unknown", "'unknown'; expected auto, hipifast, sb3, cleanrl.", "--agent-format", "unknown")]
    [InlineData("other", "holds no critic under the names of cleanrl", "--agent-format", "cleanrl")]
    [InlineData("estimator", "needs a policy over actions", "--estimator", "soft-critic")]
    [InlineData("layers", "did you mean 'activation'", "--agent-layers", """{"activtion": "tanh"}""")]
    public void WhatCannotBeIsOneSentence(string what, string expected, params string[] options)
    {
        using Files files = new("sb3-dqn");
        ProcessResult result = HipifastProgram.Run(["relabel", .. files.Basics, .. options]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
        Assert.True(result.Error.Trim().Split('\n').Length == 1, $"{what}: {result.Error}");
        Assert.False(File.Exists(files.Out));
    }

    [Theory]
    [InlineData("sb3-sac", null)]
    [InlineData("sb3-dqn", null)]
    [InlineData(
        "described",
        """
        {"critics": [["first", "elu", "second", "silu", "norm", "third", "gelu", "out"]], "norm_epsilon": 1e-3,
         "task_encoder": ["phi1", "silu", "phi2", "tanh"], "inputs": ["action", "observation", "task"]}
        """)]
    public void TransitionsWithoutTasksTakeTheWidthThatTheCriticsLeave(string name, string? layers)
    {
        using Files files = new(name, hasTasks: false);
        ProcessResult result = HipifastProgram.Run(
            [
                "relabel", .. files.Basics, "--dump", "soft-q",
                .. layers is null ? [] : (string[])["--agent-layers", layers],
            ]);
        Assert.Equal((0, string.Empty), (result.ExitCode, result.Error));
        float[] expected = Read(files.Expected, "critic"), found = Read(files.Out, "soft_q");
        double spread = expected.Max() - expected.Min();
        Assert.All(expected.Zip(found), pair => Assert.Equal(pair.First, pair.Second, 1e-5 * spread));
    }

    [Fact]
    public void OptionsAboutAnAgentNeedOne()
    {
        using Files files = new("sb3-dqn");
        ProcessResult result = HipifastProgram.Run(
            ["relabel", .. files.Basics[2..], "--estimator", "return", "--family", "{}", "--agent-format", "sb3"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("--agent-format is about an agent and needs --agent", result.Error, StringComparison.Ordinal);
    }

    private static float[] Read(string path, string tensor)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        float[] values = new float[file.Tensors[tensor].ElementCount];
        file.Read<float>(tensor, values);
        return values;
    }

    /// <summary>A fixture's agent, and its transitions and candidate tasks as files.</summary>
    private sealed class Files : IDisposable
    {
        private readonly TemporaryDirectory _directory = new();

        public Files(string name, bool hasTasks = true)
        {
            Agent = Path.Combine(Fixtures, name + ".safetensors");
            Expected = Path.Combine(Fixtures, name + ".expected.safetensors");
            using SafetensorsFile expected = SafetensorsFile.Open(Expected);
            TensorInfo observation = expected.Tensors["observation"], action = expected.Tensors["action"],
                task = expected.Tensors["task"];
            int rows = (int)observation.Shape[0];
            TransitionShape shape = new((int)observation.Shape[1], (int)action.Shape[1], (int)task.Shape[1]);
            using TransitionBatch batch = new(shape, rows) { Count = rows };
            expected.Read("observation", batch.Observation);
            expected.Read("observation", batch.NextObservation);
            expected.Read("action", batch.Action);
            if (hasTasks)
            {
                TransitionFile.Save(_directory["X.safetensors"], batch);
            }
            else
            {
                SafetensorsWriter transitions = new();
                transitions.Add<float>("observation", batch.Observation, rows, shape.ObservationDimension);
                transitions.Add<float>("action", batch.Action, rows, shape.ActionDimension);
                transitions.Add<float>("next_observation", batch.NextObservation, rows, shape.ObservationDimension);
                transitions.Save(_directory["X.safetensors"]);
            }

            float[] tasks = Read(Expected, "task");
            SafetensorsWriter writer = new();
            writer.Add<float>("task", tasks, task.Shape[0], task.Shape[1]);
            writer.Save(_directory["P.safetensors"]);
        }

        public string Agent { get; }

        public string Expected { get; }

        public string Out => _directory["Y.safetensors"];

        public string[] Basics =>
        [
            "--agent", Agent, "--transitions", _directory["X.safetensors"], "--tasks", _directory["P.safetensors"],
            "--out", Out,
        ];

        public void Dispose() => _directory.Dispose();
    }
}

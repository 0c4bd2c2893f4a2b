using HipiFast.Kernels.Backends;
using HipiFast.Options;
using HipiFast.Storage;
using HipiFast.Testing;

namespace HipiFast.Training.Tests;

/// <summary>
/// What a run directory vouches for: its configuration, its metrics, its checkpoint, and what computed them.
/// </summary>
public sealed class RunFilesTests : IDisposable
{
    private static readonly TrainingConfig s_config = new()
    {
        Environment = "nav2d",
        EnvironmentSettings = new() { EpisodeLimit = 20 },
        Run = new()
        {
            Seed = 7,
            Steps = 200,
            InitialRandomSteps = 50,
            EvalEvery = 50,
            EvalEpisodes = 2,
            CheckpointSeconds = 0,
        },
        Compute = new() { Threads = 1 },
        Learner = new() { Batch = 4, Hidden = 4 },
        Pool = 3,
    };

    private readonly TemporaryDirectory _temporary = new();
    private readonly RunDirectory _run;

    public RunFilesTests()
    {
        _run = new RunDirectory(_temporary["run"]);
        RunDirectory.Create(_run.Path, [s_config], folders: false);
        using TrainingRun run = TrainingRun.Start(_run, s_config);
        Assert.True(run.Run());
    }

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void WithoutACheckpointAConfigurationIsAsItWasWrittenUnlessAChangeIsMeant()
    {
        RunDirectory run = new(_temporary["begun"]);
        RunDirectory.Create(run.Path, [s_config], folders: false);
        Assert.Equal(s_config, run.ReadConfig());
        string text = File.ReadAllText(run.Config);
        File.WriteAllText(run.Config, text.Replace("\"seed\": 7", "\"seed\": 5", StringComparison.Ordinal));
        string expected =
            $"'{run.Config}' is not as it was written: its SHA-256 is not the one in '{run.ConfigSeal}'; expected them "
            + "equal (remove the latter where the change is meant).";
        Assert.Equal(expected, Assert.Throws<InvalidDataException>(() => run.ReadConfig()).Message);
        Assert.Equal(expected, Assert.Throws<InvalidDataException>(() => TrainingRun.Resume(run)).Message);

        // As directories are that were made before there was such a file, or where the change is meant.
        File.Delete(run.ConfigSeal);
        Assert.Equal(5ul, run.ReadConfig().Run.Seed);

        // Whoever writes the configuration vouches for it; so does a run that goes on with another number of steps.
        run.WriteConfig(s_config);
        using (TrainingRun longer = TrainingRun.Resume(run, OptionLayer<TrainingConfig>.Parse("{\"steps\": 250}", "")))
        {
            Assert.Equal(250, longer.Config.Run.Steps);
        }

        Assert.Equal(250, run.ReadConfig().Run.Steps);
        Assert.Contains("  config.json\n", File.ReadAllText(run.ConfigSeal), StringComparison.Ordinal);
    }

    [Fact]
    public void AConfigurationThatTheCheckpointDoesNotKnowIsRefusedUnlessItIsMeant()
    {
        _run.WriteConfig(s_config with { Run = s_config.Run with { Steps = 264 } });
        string expected =
            $"{_run.Checkpoint} was made with steps = 200, but {_run.Config} says 264; expected them equal.";
        Assert.Equal(expected, Assert.Throws<InvalidDataException>(() => TrainingRun.Resume(_run)).Message);
        Assert.Equal(expected, Assert.Throws<InvalidDataException>(() => _run.ReadConfig()).Message);
        Assert.Equal(expected, Assert.Throws<InvalidDataException>(() => SeedGroup.Load(_run.Path)).Message);
        using TrainingRun run = TrainingRun.Resume(_run, Change("steps", "264"));
        Assert.Equal(264, run.Config.Run.Steps);
    }

    [Fact]
    public void AChangeThatAKilledProcessMadeHalfIsTakenWhole()
    {
        string before = File.ReadAllText(_run.Config);
        TrainingRun.Resume(_run, Change("steps", "300")).Dispose();

        // Killed after the checkpoint had learnt of it, and before config.json was replaced.
        File.WriteAllText(_run.Config, before);
        Assert.Equal(200, _run.ReadConfig().Run.Steps);
        using TrainingRun run = TrainingRun.Resume(_run, Change("steps", "300"));
        Assert.Equal(300, run.Config.Run.Steps);
        Assert.True(run.Run());
        Assert.Equal(300, _run.ReadConfig().Run.Steps);
    }

    [Fact]
    public void MetricsThatTheCheckpointDoesNotVouchForAreRefused()
    {
        string text = File.ReadAllText(_run.Metrics);
        int digit = text.IndexOfAny([.. "123456789"], text.IndexOf('\n') + 20);
        foreach (string changed in (string[])[
            text[..digit] + (char)(text[digit] ^ 1) + text[(digit + 1)..],
            text[..(text.TrimEnd('\n').LastIndexOf('\n') + 1)]])
        {
            File.WriteAllText(_run.Metrics, changed);
            string message = Assert.Throws<InvalidDataException>(() => SeedGroup.Load(_run.Path)).Message;
            Assert.StartsWith($"'{_run.Metrics}' is not as the run wrote it", message);
        }

        // Rows beyond the checkpoint are those of a process that was killed after it.
        File.WriteAllText(_run.Metrics, text + text[(text.TrimEnd('\n').LastIndexOf('\n') + 1)..].Replace(
            "200,", "201,", StringComparison.Ordinal));
        Assert.Equal(5, _run.ReadMetrics().Count);
        TrainingRun.Resume(_run).Dispose();
        Assert.Equal(text, File.ReadAllText(_run.Metrics));
    }

    [Theory]
    [InlineData(0, 1_000_000_000, "says 1000000000 environment steps; expected 0 to 200.")]
    [InlineData(0, long.MaxValue, "says 9223372036854775807 environment steps; expected 0 to 200.")]
    [InlineData(0, -1, "says -1 environment steps; expected 0 to 200.")]
    [InlineData(0, 199, "says 200 vector steps; expected 199.")]
    [InlineData(2, -5, "samples drawn")]
    [InlineData(3, 1L << 40, "evaluations")]
    [InlineData(4, 201, "says 201 episodes; expected 0 to 200.")]
    [InlineData(5, 4, "says 4 minibatches used; expected 0 to 3.")]
    [InlineData(6, -1, "relabel calls")]
    public void ACounterThatCannotBeIsRefusedByName(int index, long value, string expected)
    {
        Rewrite(tensors: (name, values) =>
        {
            if (name == "trainer.counters")
            {
                ((long[])values)[index] = value;
            }
        });
        string message = Assert.Throws<InvalidDataException>(() => TrainingRun.Resume(_run)).Message;
        Assert.StartsWith($"Tensor 'trainer.counters' of '{_run.Checkpoint}' says ", message);
        Assert.Contains(expected, message);
    }

    [Theory]
    [InlineData("replay.reward", float.NaN, "holds NaN at row 3; expected finite numbers.")]
    [InlineData(
        "replay.observation", float.PositiveInfinity, "holds an infinity at row 1, column 1; expected finite numbers.")]
    [InlineData("learner.actor.0.weight", float.NaN, "holds NaN at row 0, column 3; expected finite numbers.")]
    [InlineData("learner.optim.critic1.v.1.bias", float.NaN, "holds NaN at row 3; expected finite numbers.")]
    [InlineData("environment.observation", float.NaN, "holds NaN at row 0, column 1; expected finite numbers.")]
    public void ANumberThatIsNoneIsRefusedByName(string tensor, float value, string expected)
    {
        Rewrite(tensors: (name, values) =>
        {
            if (name == tensor)
            {
                ((float[])values)[Math.Min(3, values.Length - 1)] = value;
            }
        });
        Assert.Equal($"Tensor '{tensor}' of '{_run.Checkpoint}' {expected}", Assert.Throws<InvalidDataException>(
            () => TrainingRun.Resume(_run)).Message);
    }

    [Fact]
    public void AFlagThatIsNoneIsRefusedByName()
    {
        Rewrite(tensors: (name, values) =>
        {
            if (name == "replay.terminated")
            {
                ((byte[])values)[9] = 255;
            }
        });
        Assert.Equal(
            $"Tensor 'replay.terminated' of '{_run.Checkpoint}' holds 255 at row 9; expected 0 or 1.",
            Assert.Throws<InvalidDataException>(() => TrainingRun.Resume(_run)).Message);
    }

    [Fact]
    public void ACheckpointFromBeforeChecksumsAndVariantsIsContinued()
    {
        Rewrite(metadata: entries =>
        {
            foreach (string key in (string[])["backend", "host", "version", "metrics"])
            {
                Assert.True(entries.Remove(key), key);
            }
        });
        byte[] bytes = File.ReadAllBytes(_run.Checkpoint);
        int at = bytes.AsSpan().IndexOf("\"checksum\":\"crc32c:"u8);
        "\"checksum\":\"unknown"u8.CopyTo(bytes.AsSpan(at));
        File.WriteAllBytes(_run.Checkpoint, bytes);
        Assert.Null(RunVariant.ReadFrom(_run));
        using TrainingRun run = TrainingRun.Resume(_run, Change("steps", "220"));
        Assert.True(run.Run());
        Assert.Equal(run.Backend.Name, RunVariant.ReadFrom(_run)!.Backend);
    }

    [Fact]
    public void ARunGoesOnWithTheVariantThatItWasComputedWith()
    {
        using TrainingRun first = TrainingRun.Resume(_run);
        string best = first.Backend.Name;
        Assert.NotEqual("managed-portable", best);
        Assert.Equal(new RunVariant(
            best, RunVariant.Of(first.Backend).Host, RunVariant.Of(first.Backend).Version), RunVariant.ReadFrom(_run));
        first.Dispose();
        Rewrite(metadata: entries => (entries["backend"], entries["host"]) = ("managed-portable", "managed-portable"));
        using TrainingRun run = TrainingRun.Resume(_run);
        Assert.Equal("managed-portable", run.Backend.Name);
        Assert.Equal("managed-portable", RunVariant.Choose(_run, s_config, allowOther: true, out string note).Name);
        Assert.Empty(note);
    }

    [Fact]
    public void AVariantThatCannotRunHereIsRefusedUnlessAnotherIsAllowed()
    {
        Rewrite(metadata: entries => (entries["backend"], entries["host"]) = ("managed-1024", "managed-1024"));
        string message = Assert.Throws<NotSupportedException>(() => TrainingRun.Resume(_run)).Message;
        Assert.Equal(
            $"The run in {_run.Path} was computed by backend 'managed-1024', which cannot go on here: there is no such "
            + "backend; train --resume with "
            + "--allow-other-variant goes on with another, whose numbers differ.",
            message);
        KernelBackend backend = RunVariant.Choose(_run, s_config, allowOther: true, out string note);
        Assert.Equal(
            $"The run in {_run.Path} was computed by backend 'managed-1024' and goes on with backend '{backend.Name}': "
            + "its numbers from here on are not "
            + "those of a run never stopped.",
            note);
        using TrainingRun run = TrainingRun.Resume(_run, allowOtherVariant: true);
        Assert.Equal(backend, run.Backend);
    }

    [Fact]
    public void AnotherVersionIsSaid()
    {
        Rewrite(metadata: entries => entries["version"] = "0.0.1");
        RunVariant.Choose(_run, s_config, allowOther: false, out string note);
        Assert.Contains("was begun by version 0.0.1 and goes on with version ", note);
    }

    [Fact]
    public void AFinishedRunThatIsResumedLeavesNoEventFile()
    {
        string[] before = Directory.GetFiles(_run.Path, "events.*");
        Assert.Single(before);
        using (TrainingRun run = TrainingRun.Resume(_run))
        {
            Assert.True(run.Run());
        }

        Assert.Equal(before, Directory.GetFiles(_run.Path, "events.*"));
        using (TrainingRun run = TrainingRun.Resume(_run, Change("steps", "250")))
        {
            Assert.True(run.Run());
        }

        Assert.Equal(2, Directory.GetFiles(_run.Path, "events.*").Length);
    }

    [Fact]
    public void OnlyFoldersNamedAsARunNamesThemAreSeeds()
    {
        string root = _temporary["seeds"];
        foreach (
            string name in (string[])
            [
                "seed-1", "seed-01", "seed-+1", "seed- 1", "seed-1 ", "seed-1e1", "seed-", "seed-x", "seed-10", "seed-2"
            ])
        {
            Directory.CreateDirectory(Path.Combine(root, name));
        }

        Assert.Equal(
            ["seed-1", "seed-2", "seed-10"], RunDirectory.Seeds(root).Select(run => Path.GetFileName(run.Path)));
    }

    private static OptionLayer<TrainingConfig> Change(string key, string value)
    {
        OptionLayer<TrainingConfig> layer = new();
        layer.Set(key, value);
        return layer;
    }

    // Writes the checkpoint anew, with a checksum that is right.
    private void Rewrite(Action<string, Array>? tensors = null, Action<IDictionary<string, string>>? metadata = null)
    {
        SafetensorsWriter writer = new();
        using (SafetensorsFile file = SafetensorsFile.Open(_run.Checkpoint))
        {
            foreach ((string key, string value) in file.Metadata)
            {
                writer.Metadata[key] = value;
            }

            metadata?.Invoke(writer.Metadata);
            foreach (TensorInfo tensor in file.Tensors.Values)
            {
                switch (tensor.Type)
                {
                    case TensorType.Float32: Copy<float>(file, tensor); break;
                    case TensorType.Float64: Copy<double>(file, tensor); break;
                    case TensorType.Int32: Copy<int>(file, tensor); break;
                    case TensorType.Int64: Copy<long>(file, tensor); break;
                    case TensorType.UInt64: Copy<ulong>(file, tensor); break;
                    default: Copy<byte>(file, tensor); break;
                }
            }
        }

        writer.Save(_run.Checkpoint);

        void Copy<T>(SafetensorsFile file, TensorInfo tensor)
            where T : unmanaged
        {
            T[] values = new T[tensor.ElementCount];
            file.Read<T>(tensor.Name, values);
            tensors?.Invoke(tensor.Name, values);
            writer.Add<T>(tensor.Name, values, [.. tensor.Shape]);
        }
    }
}

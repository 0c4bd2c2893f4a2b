using HipiFast.Kernels.Backends;
using HipiFast.Testing;
using HipiFast.Training;

namespace HipiFast.Cli.Tests;

/// <summary>
/// The training loop across both plug-ins, as one command: ILGPU's kernels relabel, on its CPU accelerator, and
/// TorchSharp learns.
/// </summary>
public sealed class TorchTrainingTests
{
    [TorchPluginFact]
    public async Task TheSameSeedGivesTheSameBitsInTwoProcesses()
    {
        // Built here where nothing has built it yet, so that the processes have nothing to say.
        OptionalComponents.RequireBackend("ilgpu", PrecisionMode.Auto);
        using TemporaryDirectory temporary = new();
        await Task.WhenAll(Train("first", 3), Train("again", 3), Train("other", 4));
        RunDirectory first = Run("first"), again = Run("again"), other = Run("other");
        Assert.Equal(await File.ReadAllBytesAsync(first.Metrics), await File.ReadAllBytesAsync(again.Metrics));
        Assert.Equal(await File.ReadAllBytesAsync(first.Agent), await File.ReadAllBytesAsync(again.Agent));
        Assert.NotEqual(await File.ReadAllBytesAsync(first.Metrics), await File.ReadAllBytesAsync(other.Metrics));
        Assert.NotEqual(await File.ReadAllBytesAsync(first.Agent), await File.ReadAllBytesAsync(other.Agent));

        // Both have worked: rows were relabeled, and steps taken.
        string[] lines = await File.ReadAllLinesAsync(first.Metrics);
        Dictionary<string, string> last = lines[0].Split(',').Zip(lines[^1].Split(',')).ToDictionary();
        Assert.Equal("100", last["gradient_steps"]);
        Assert.NotEqual("NaN", last["posterior_entropy"]);
        Assert.NotEqual("NaN", last["critic_loss"]);

        RunDirectory Run(string name) => new(temporary[name]);

        async Task Train(string name, int seed)
        {
            ProcessResult trained = await HipifastProgram.RunWith(
                "DOTNET_TieredCompilation", "1", "train", "nav2d", "--learner", "torch", "--backend", "ilgpu",
                "--device",
                "cpu", "--relabel", "inverse-rl", "--threads", "1", "--seed", $"{seed}", "--out", temporary[name],
                "--steps", "100", "--initial-random-steps", "50", "--eval-every", "50", "--eval-episodes", "2",
                "--episode-limit", "20", "--hidden", "8", "--batch", "8", "--gradient-steps", "2");
            Assert.Equal((0, string.Empty), (trained.ExitCode, trained.Error));
            Assert.Contains("on ilgpu", trained.Output, StringComparison.Ordinal);
        }
    }
}

/// <summary>
/// A test of the program with the TorchSharp plug-in; skipped where that was not built, or libtorch cannot run.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TorchPluginFactAttribute : FactAttribute
{
    private const string Part = "HipiFast.TorchSharp";

    public TorchPluginFactAttribute()
    {
        if (PluginFolder.OfProgram.Find(Part, out string reason) is null)
        {
            Skip = $"the plug-in {Part} is {reason}";
            return;
        }

        OptionalComponents.Load();
        string status = OptionalComponents.All.Single(part => part.Assembly == Part).Status;
        Skip = status.StartsWith("installed", StringComparison.Ordinal) ? null : $"the plug-in {Part} {status}";
    }
}

using System.Text.Json;
using HipiFast.Kernels.Backends;
using HipiFast.Options;
using HipiFast.Testing;

namespace HipiFast.Cli.Tests;

public class UsageTests
{
    [Theory]
    [InlineData("Unknown command 'trian' (did you mean 'train'?).", "trian")]
    [InlineData("Unknown option '--jsn' (did you mean '--json'?) (see hipifast --help).", "--jsn")]
    [InlineData(
        "Unknown option '--stepz' of train (did you mean '--steps'?) (see hipifast train --help).", "train", "nav2d",
        "--stepz", "4")]
    [InlineData("Unknown environment 'nav3d' (did you mean 'nav2d'?).", "train", "nav3d")]
    [InlineData(
        "--relabel is 'irl'; expected inverse-rl, final, future, random, none.", "train", "nav2d", "--relabel", "irl")]
    [InlineData("--steps is '0'; expected a whole number, 1 or more.", "train", "nav2d", "--steps", "0")]
    [InlineData("Unknown preset 'papers' (did you mean 'paper'?).", "train", "nav2d", "--preset", "papers")]
    [InlineData("Unexpected argument 'extra' of train (see hipifast train --help).", "train", "nav2d", "extra")]
    [InlineData("Required argument missing for option: '--out'.", "train", "nav2d", "--out")]
    [InlineData(
        "--seeds is '1,x'; expected different whole numbers, 0 or more, separated by commas.", "train", "nav2d",
        "--seeds", "1,x")]
    [InlineData(
        "--seed and --seeds were both given; expected one of them.", "train", "nav2d", "--seeds", "1,2", "--seed", "3")]
    [InlineData(
        "--config cannot be combined with --resume, which continues a run with the settings it began with.",
        "train", "--resume", "x", "--config", "y")]
    [InlineData("Cannot resume '/nowhere/run': there is no such directory.", "train", "--resume", "/nowhere/run")]
    [InlineData(
        "'/nowhere/c.json' does not exist; expected a configuration file (JSON).", "train", "--config",
        "/nowhere/c.json")]
    [InlineData("The run directory '/nowhere/run' does not exist.", "eval", "/nowhere/run")]
    [InlineData("Required argument 'RUN' missing for command: 'eval'.", "eval")]
    [InlineData("Option '--transitions' is required.", "relabel", "--out", "y")]
    [InlineData(
        "relabel needs --agent or --soft-q (only --estimator return, and strategies other than inverse-rl, do without).",
        "relabel", "--transitions", "x", "--out", "y")]
    [InlineData(
        "--soft-q and --agent cannot be combined.",
        "relabel", "--transitions", "x", "--out", "y", "--agent", "a", "--soft-q", "q")]
    [InlineData(
        "--soft-q is for --strategy inverse-rl.",
        "relabel", "--transitions", "x", "--out", "y", "--soft-q", "q", "--strategy", "random")]
    [InlineData(
        "--soft-q holds what an estimator would give and cannot be combined with --estimator.",
        "relabel", "--transitions", "x", "--out", "y", "--soft-q", "q", "--estimator", "critic")]
    [InlineData(
        "--soft-q with --batch needs --tasks, as otherwise every batch has candidates of its own.",
        "relabel", "--transitions", "x", "--out", "y", "--soft-q", "q", "--batch", "9")]
    [InlineData(
        "--soft-q lets each task choose among all transitions and cannot be combined with --row-pool.",
        "relabel", "--transitions", "x", "--out", "y", "--soft-q", "q", "--assign", "task", "--row-pool", "9")]
    [InlineData(
        "--estimator bellman uses rewards and needs --family.",
        "relabel", "--transitions", "x", "--out", "y", "--agent", "a", "--estimator", "bellman")]
    [InlineData(
        "--estimator is 'q'; expected critic, soft-critic, bellman, return.",
        "relabel", "--transitions", "x", "--out", "y", "--agent", "a", "--estimator", "q")]
    [InlineData(
        "--precision is 'fp8'; expected auto, fp32, bf16.",
        "relabel", "--transitions", "x", "--out", "y", "--agent", "a", "--precision", "fp8")]
    [InlineData("--precision is 'fp8'; expected auto, fp32, bf16.", "eval", "run", "--precision", "fp8")]
    [InlineData("--precision is 'fp8'; expected auto, fp32, bf16.", "bench", "quick", "--precision", "fp8")]
    [InlineData(
        "Precision bf16 was asked for, but backend 'managed' computes in fp32.",
        "train", "nav2d", "--backend", "managed", "--precision", "bf16")]
    [InlineData(
        "Precision bf16 was asked for, but backend 'managed-portable' computes in fp32.",
        "relabel", "--transitions", "x", "--out", "y", "--agent", "a", "--backend", "managed-portable", "--precision",
        "bf16")]
    [InlineData(
        "--dump names 'softq' (did you mean 'soft-q'?).", "relabel", "--transitions", "x", "--out", "y", "--agent", "a",
        "--dump", "softq")]
    [InlineData(
        "--batch is 0; expected a whole number, 1 or more.", "relabel", "--transitions", "x", "--out", "y", "--agent",
        "a", "--batch", "0")]
    [InlineData("--out is empty; expected a path (DIR).", "train", "nav2d", "--out", "")]
    [InlineData("--out is empty; expected a path (FILE).", "compare", "a", "--out", " ")]
    [InlineData(
        "--transitions is empty; expected a path (X.safetensors).", "relabel", "--transitions", "", "--out", "y")]
    [InlineData(
        "--family is empty; expected a path (F.json).", "relabel", "--transitions", "x", "--out", "y", "--family", "")]
    [InlineData(
        "--batch is 'x'; expected a whole number.", "relabel", "--transitions", "x", "--out", "y", "--batch", "x")]
    [InlineData(
        "--batch is '99999999999999'; expected a whole number, at most 2147483647.",
        "relabel", "--transitions", "x", "--out", "y", "--batch", "99999999999999")]
    [InlineData("--episodes is 'x'; expected a whole number.", "eval", "run", "--episodes", "x")]
    [InlineData("--seed is '-1'; expected a whole number, 0 or more.", "eval", "run", "--seed", "-1")]
    [InlineData("--threads is 'x'; expected a whole number.", "bench", "quick", "--threads", "x")]
    [InlineData("--seconds is 'x'; expected a number.", "bench", "quick", "--seconds", "x")]
    [InlineData("--seconds is 'nan'; expected a finite number, 0 or more.", "bench", "quick", "--seconds", "nan")]
    [InlineData("--seconds is '-1'; expected a finite number, 0 or more.", "bench", "quick", "--seconds", "-1")]
    [InlineData(
        "bench needs a command: quick, roofline, environments, compare, scaling, gpu, learner (see hipifast bench "
        + "--help).",
        "bench")]
    [InlineData("--kernel names 'softq' (did you mean 'soft-q'?).", "bench", "roofline", "--kernel", "softq")]
    [InlineData("--estimator is 'q'; expected critic, soft-critic, bellman.", "bench", "roofline", "--estimator", "q")]
    [InlineData(
        "--size is '32,0'; expected whole numbers from 1 to 8192, separated by commas.", "bench", "roofline", "--size",
        "32,0")]
    [InlineData(
        "--hidden is 'x'; expected whole numbers from 1 to 8192, separated by commas.", "bench", "roofline", "--hidden",
        "x")]
    [InlineData("--threads is '-1'; expected a finite number, 0 or more.", "bench", "scaling", "--threads", "-1")]
    [InlineData("--rounds is '-1'; expected a finite number, 0 or more.", "bench", "roofline", "--rounds", "-1")]
    [InlineData(
        "Backend 'managed-portable' runs on the processor; bench gpu measures cuda and ilgpu.",
        "bench", "gpu", "--backend", "managed-portable", "--quick")]
    [InlineData(
        "Backend 'managed-portable' has no device 'cuda:3'; there are cpu (managed).",
        "train", "nav2d", "--backend", "managed-portable", "--device", "cuda:3")]
    [InlineData(
        "Backend 'managed-portable' has no device 'gpu'; there are cpu (managed).",
        "bench", "gpu", "--backend", "managed-portable", "--device", "gpu")]
    [InlineData("Unknown command 'quik' (did you mean 'quick'?).", "bench", "quik")]
    [InlineData(
        "Unknown option '--frob'; expected --help, --version, --verbose, --json (see hipifast --help).", "--frob")]
    [InlineData(
        "critic_high (--critic-high) is 1, below critic_low (--critic-low), which is 3.",
        "train", "nav2d", "--critic-low", "3", "--critic-high", "1")]
    [InlineData(
        "--replay-capacity is '99999999999999'; expected a whole number from 1 to 2147483647.",
        "train", "nav2d", "--replay-capacity", "99999999999999")]
    public void BadUsageIsOneSentenceAndExitCodeTwo(string sentence, params string[] args)
    {
        ProcessResult result = HipifastProgram.Run(args);
        Assert.Equal("hipifast: " + sentence + Environment.NewLine, result.Error);
        Assert.Equal(2, result.ExitCode);
        Assert.Equal(string.Empty, result.Output);
    }

    [Fact]
    public void AnUnknownBackendIsAnErrorThatListsTheKnown()
    {
        ProcessResult result = HipifastProgram.Run("train", "nav2d", "--backend", "gpu");
        Assert.Equal((2, string.Empty), (result.ExitCode, result.Output));
        Assert.StartsWith("hipifast: Unknown backend 'gpu'; expected auto, ", result.Error);
        Assert.All(KernelRegistry.Default.Backends, backend =>
        {
            Assert.Matches($"[ ,]{backend.Name}[,.]", result.Error);
            Assert.Matches($"[ ,]{backend.Family}[,.]", result.Error);
        });
    }

    [Fact]
    public void InfoSaysOfEveryOptionalPartWhetherItIsThere()
    {
        ProcessResult info = HipifastProgram.Run("info");
        Assert.All(OptionalComponents.All, part =>
        {
            Assert.Contains(part.Assembly, info.Output);
            Assert.Contains(part.Status, info.Output);
        });
    }

    [Fact]
    public void VerboseAddsTheStackTrace()
    {
        Assert.DoesNotContain("   at ", HipifastProgram.Run("eval", "/nowhere/run").Error);
        Assert.Contains("   at ", HipifastProgram.Run("eval", "/nowhere/run", "--verbose").Error);
    }

    [Fact]
    public void NoCommandShowsHelp()
    {
        ProcessResult result = HipifastProgram.Run();
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("hipifast [command] [options]", result.Output);
        Assert.Equal(string.Empty, result.Error);
    }

    [Fact]
    public void HelpListsEveryKey()
    {
        ProcessResult result = HipifastProgram.Run("train", "--help");
        Assert.Equal(0, result.ExitCode);
        Assert.All(OptionKeys<Training.TrainingConfig>.All.Where(
            key => key.Name != "environment"), key => Assert.Contains(key.OptionName + " <", result.Output));
    }

    [Fact]
    public void InfoListsTheDevicesOfEveryBackend()
    {
        ProcessResult result = HipifastProgram.Run("info", "--json");
        using JsonDocument document = JsonDocument.Parse(result.Output);
        (string?, string?, long)[] listed =
        [
            .. document.RootElement.GetProperty("devices").EnumerateArray().Select(device => (
                device.GetProperty("backend").GetString(), device.GetProperty("id").GetString(),
                device.GetProperty("memory_bytes").GetInt64())),
        ];
        Assert.Equal(
            KernelRegistry.Default.Backends.Where(backend => backend.IsSupported(out _)).SelectMany(backend =>
                backend.Devices.Select(device => ((string?)backend.Name, (string?)device.Id, device.MemoryBytes))),
            listed);
        string text = HipifastProgram.Run("info").Output;
        Assert.All(listed, device => Assert.Contains(device.Item2!, text));
    }

    [Fact]
    public void InfoSaysWhatAutoTakes()
    {
        ProcessResult result = HipifastProgram.Run("info", "--json");
        Assert.Equal(0, result.ExitCode);
        using JsonDocument document = JsonDocument.Parse(result.Output);
        Assert.Equal(Environment.ProcessorCount, document.RootElement.GetProperty("cores").GetInt32());
        string auto = document.RootElement.GetProperty("auto_backend").GetString()!;
        JsonElement backends = document.RootElement.GetProperty("backends");
        JsonElement chosen = backends.EnumerateArray().Single(
            backend => backend.GetProperty("name").GetString() == auto);
        Assert.True(chosen.GetProperty("supported").GetBoolean());
        Assert.Contains("nav2d", document.RootElement.GetProperty("environments").EnumerateArray().Select(
            name => name.GetString()));
        string text = HipifastProgram.Run("info").Output;
        Assert.Contains(auto + " (auto)", text);
        Assert.All(backends.EnumerateArray(), backend =>
        {
            Assert.Contains(backend.GetProperty("name").GetString()!, text);
            Assert.Contains(backend.GetProperty("status").GetString()!, text);
        });
        string? bf16 = document.RootElement.GetProperty("auto_bf16_backend").GetString();
        Assert.Equal(bf16, backends.EnumerateArray().Where(IsBf16).Select(
            backend => backend.GetProperty("name").GetString()).FirstOrDefault());

        static bool IsBf16(JsonElement backend) =>
            backend.GetProperty("precision").GetString() == "bf16" && backend.GetProperty("supported").GetBoolean();
    }
}

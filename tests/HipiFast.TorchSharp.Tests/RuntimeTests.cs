using HipiFast.Kernels.Backends;
using HipiFast.Storage;
using HipiFast.Testing;
using HipiFast.Training;

namespace HipiFast.TorchSharp.Tests;

/// <summary>What users are told where torch, or a part of it, is not to be had.</summary>
public sealed class RuntimeTests
{
    [Fact]
    public void WhereLibtorchDoesNotLoadOneSentenceSaysWhatToDo()
    {
        if (TorchRuntime.IsSupported(out string reason))
        {
            TorchRuntime.Require(TorchOptions.Cpu);
            Assert.StartsWith("TorchSharp 0.", TorchRuntime.Version, StringComparison.Ordinal);
            return;
        }

        Assert.NotEmpty(reason);
        if (Environment.GetEnvironmentVariable("HIPIFAST_REQUIRE_TORCH") == "1")
        {
            Assert.Fail($"The learner's tests must run here, but {reason}.");
        }

        NotSupportedException error = Assert.Throws<NotSupportedException>(
            () => TorchRuntime.Require(TorchOptions.Cpu));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.EndsWith("use --learner embedded.", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void DevicesAndOptionsOutOfRangeAreRefused()
    {
        Assert.Contains("'tpu'", Assert.Throws<ArgumentException>(
            () => TorchRuntime.Require("tpu")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new TorchOptions { Device = "tpu" }.Validate());
        Assert.Throws<ArgumentOutOfRangeException>(() => new TorchOptions { Threads = -1 }.Validate());
        Assert.Throws<ArgumentOutOfRangeException>(() => new TorchOptions { WeightsEvery = 0 }.Validate());
    }

    [TorchFact]
    public void CudaThatIsNotThereIsNamed()
    {
        if (global::TorchSharp.torch.cuda.is_available())
        {
            TorchRuntime.Require(TorchOptions.Cuda);
            return;
        }

        NotSupportedException error = Assert.Throws<NotSupportedException>(
            () => TorchRuntime.Require(TorchOptions.Cuda));
        Assert.Contains("TorchDevice=cuda", error.Message, StringComparison.Ordinal);
    }

    [TorchFact]
    public void ATrainingRunLearnsWithTheRegisteredLearnerAndContinuesFromItsCheckpoint()
    {
        if (!LearnerRegistry.Names.Contains(LearnerRegistry.Torch))
        {
            Registration.Register();
        }

        TrainingConfig config = new()
        {
            Learner = new() { Name = LearnerRegistry.Torch, Hidden = 16 },
            Run = new() { InitialRandomSteps = 60, Steps = 160, EvalEvery = 1000, EvalEpisodes = 2 },
            Compute = new() { Threads = 1 },
        };
        using TemporaryDirectory temporary = new();
        using Trainer whole = new(config), begun = new(config), continued = new(config);
        Run(whole, 160);
        Run(begun, 110);
        SafetensorsWriter writer = new();
        begun.SaveState(writer);
        writer.Save(temporary["checkpoint"]);
        using (SafetensorsFile file = SafetensorsFile.Open(temporary["checkpoint"]))
        {
            continued.LoadState(file);
        }

        Run(continued, 50);
        Assert.Equal(200, whole.GradientSteps);
        Assert.Equal(whole.GradientSteps, continued.GradientSteps);
        Assert.Equal(whole.LastLosses, continued.LastLosses);
        Assert.Equal(whole.Networks.Actor.Values.ToArray(), continued.Networks.Actor.Values.ToArray());

        static void Run(Trainer trainer, int steps)
        {
            for (int step = 0; step < steps; step++)
            {
                trainer.Step();
            }
        }
    }
}

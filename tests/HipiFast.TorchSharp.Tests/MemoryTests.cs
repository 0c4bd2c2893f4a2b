using System.Runtime.CompilerServices;
using HipiFast.Kernels.Memory;
using HipiFast.Learning;
using HipiFast.Replay;
using HipiFast.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp.Tests;

/// <summary>Memory that torch and the kernels share, and none of it lost.</summary>
public sealed unsafe class MemoryTests
{
    [TorchFact]
    public void ASharedTensorIsTheMemoryItself()
    {
        using NativeBuffer<float> memory = new(12);
        using Tensor tensor = TorchMemory.Share(memory.Pointer, 12);
        memory[5] = 7;
        Assert.Equal(7f, tensor[5].item<float>());
        tensor[6] = 3f;
        Assert.Equal(3f, memory[6]);
        Assert.True(TorchMemory.Address(tensor) == memory.Pointer);

        // A view's address counts its offset.
        using Tensor view = tensor.view(3, 4).narrow(0, 1, 2).narrow(1, 2, 2);
        Assert.True(TorchMemory.Address(view) == memory.Pointer + 6);
    }

    [TorchFact]
    public void HandingRowsOverAllocatesNoManagedMemory()
    {
        TransitionShape shape = new(4, 3, 2);
        using SacFixture fixture = new(shape, 8, 64);
        using SacInputs inputs = new(shape, 64, null);
        uint updates = 0;
        SteadyState.AssertAllocatesNothing(() => inputs.Write(fixture.Batch, 0, 64, 0.9f, 1, updates++));
    }

    [TorchFact]
    public void InputsAreTheRowsAndFollowTheirNumber()
    {
        TransitionShape shape = new(2, 1, 1);
        using SacFixture fixture = new(shape, 8, 6);
        using SacInputs inputs = new(shape, 6, null);
        inputs.Write(fixture.Batch, 0, 6, 0.9f, 1, 0);
        inputs.Write(fixture.Batch, 2, 3, 0.9f, 1, 1);
        TransitionBatch batch = fixture.Batch;
        Assert.Equal([6L, 3L], inputs.Actor.shape);
        Assert.Equal(
            [
                batch.Observation[4], batch.Observation[5], batch.Task[2], batch.Observation[6], batch.Observation[7],
                batch.Task[3]
            ],
            TorchMemory.Entries(inputs.Actor)[..6].ToArray());
        Assert.Equal(
            [batch.NextObservation[4], batch.NextObservation[5], batch.Task[2]],
            TorchMemory.Entries(inputs.Actor)[9..12].ToArray());
        Assert.Equal(
            [batch.Observation[4], batch.Observation[5], batch.Action[2], batch.Task[2]],
            TorchMemory.Entries(inputs.Critic)[..4].ToArray());
        Assert.Equal([0.9f, 0f, 0.9f], TorchMemory.Entries(inputs.Discount).ToArray());
        Assert.Equal(batch.Reward.Slice(2, 3).ToArray(), TorchMemory.Entries(inputs.Reward).ToArray());
    }

    [TorchTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void LiveTensorsAreAsManyAfterAThousandUpdatesAsAfterWarmUp(bool asDevice)
    {
        // Tensors that other tests left to the finalizer would make the count fall.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long outside = Tensor.TotalCount;
        Use(asDevice);
        Assert.Equal(outside, Tensor.TotalCount);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Use(bool asDevice)
    {
        TorchOptions torchOptions = new() { KeepsDeviceMemory = asDevice };
        using Pair pair = new(
            new TransitionShape(3, 2, 2), 8, 4, new SacOptions { GradientClipNorm = 1 }, torchOptions: torchOptions);
        float[] action = new float[2];
        Run(50);
        long live = Tensor.TotalCount;
        ThreadDisposeScopeStatistics statistics = DisposeScopeManager.Statistics;
        long inScopes = statistics.TensorStatistics.ThreadTotalLiveCount;
        Run(1000);
        Assert.Equal(live, Tensor.TotalCount);
        Assert.Equal(inScopes, statistics.TensorStatistics.ThreadTotalLiveCount);

        void Run(int updates)
        {
            for (int i = 0; i < updates; i++)
            {
                pair.Torch.Update(pair.Batch, 0, 4);
                pair.Torch.Act([1, 2, 3], [0, 1], 1, false, 1, (uint)i, action);
            }
        }
    }
}

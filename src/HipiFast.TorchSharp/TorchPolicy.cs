using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Random;
using HipiFast.Learning;
using HipiFast.Replay;
using TorchSharp;
using static TorchSharp.torch;

namespace HipiFast.TorchSharp;

/// <summary>Acts as an actor in torch says: for modules of the user's own, and for devices. Not thread-safe.</summary>
internal sealed unsafe class TorchPolicy(TransitionShape shape, NetworkGroup actor, Device device) : IDisposable
{
    private readonly NativeBuffer<float> _input = new(0);
    private readonly NativeBuffer<float> _noise = new(0);

    /// <inheritdoc cref="ISacLearner.Act"/>
    public void Act(
        ReadOnlySpan<float> observation, ReadOnlySpan<float> task, int rows, bool deterministic, ulong seed, uint call,
        Span<float> action)
    {
        MlpPolicy.CheckLengths(shape, observation.Length, task.Length, rows, action.Length);
        if (rows == 0)
        {
            return;
        }

        int actions = shape.ActionDimension;
        _input.EnsureLength((long)rows * shape.ActorInputs);
        _noise.EnsureLength((long)rows * actions);
        MlpPolicy.Concatenate(shape, observation, task, rows, _input.Span);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        using Tensor shared = TorchMemory.Share(_input.Pointer, (long)rows * shape.ActorInputs);
        Tensor output = actor.Forward(shared.view(rows, shape.ActorInputs).to(device), trains: false);
        ReadOnlySpan<float> outputs = TorchMemory.Entries(output.cpu().contiguous());
        if (!deterministic)
        {
            Normals.Fill(new ActionNoise(seed, 0, call, RandomPurpose.BehaviorAction), rows, actions, _noise.Pointer);
        }

        for (int i = 0; i < rows * actions; i++)
        {
            int mean = (i / actions * 2 * actions) + (i % actions);
            float x = outputs[mean];
            if (!deterministic)
            {
                x += MathF.Exp(TanhGaussian.ClampLogStd(outputs[mean + actions])) * _noise[i];
            }

            action[i] = TanhGaussian.Squash(x);
        }
    }

    public void Dispose()
    {
        _input.Dispose();
        _noise.Dispose();
    }
}

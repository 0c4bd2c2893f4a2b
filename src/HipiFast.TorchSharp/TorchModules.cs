using HipiFast.Kernels.SoftQ;
using TensorModule = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace HipiFast.TorchSharp;

/// <summary>Networks of the user's own.</summary>
/// <param name="Actor">
/// Makes the actor: <c>[rows, S + P]</c> (state, task) to <c>[rows, 2 A]</c> (means, then log standard deviations).
/// </param>
/// <param name="Critic">
/// Makes a critic: <c>[rows, S + A + P]</c> (state, action, task) to <c>[rows, 1]</c>. Called for every critic and
/// every target; all must have the same parameters, float32, and no buffers. Targets start as copies of their critics.
/// </param>
/// <param name="Twin">Two critics, or one.</param>
/// <param name="CriticRange">Range of a scaled sigmoid put behind the critics; unbounded by default.</param>
public sealed record TorchModules(
    Func<TensorModule> Actor, Func<TensorModule> Critic, bool Twin = true, CriticRange CriticRange = default);
